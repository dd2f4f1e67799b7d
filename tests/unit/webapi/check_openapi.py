#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the server's route tables with webapi/openapi.yaml; TAP output. WEBAPI names the program (build/bin/webapi)."""
import glob
import os
import re
import subprocess
import sys

import yaml

with open("webapi/openapi.yaml", encoding="utf-8") as file:
    document = yaml.safe_load(file)
failed = 0


def report(name, problems):
    global failed
    print(("not ok" if problems else "ok") + " - " + name)
    for problem in sorted(problems):
        print("#   " + problem)
    failed += bool(problems)


def resolve(node):
    while isinstance(node, dict) and "$ref" in node and node["$ref"].startswith("#/"):
        target = document
        for part in node["$ref"][2:].split("/"):
            target = target[part]
        node = target
    return node


def documented():
    operations = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            parameters = map(resolve, item.get("parameters", []) + operation.get("parameters", []))
            operations[method.upper() + " " + path] = {p["name"] for p in parameters if p["in"] == "query"}
    return operations


def served():
    program = os.environ.get("WEBAPI", "build/bin/webapi")
    lines = subprocess.run([program, "--list-routes"], check=True, capture_output=True, text=True).stdout.splitlines()
    return {" ".join(line.split()[:2]): set(line.split()[2:]) for line in lines}


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def broken(reference):
    try:
        resolve({"$ref": reference})
        return False
    except KeyError:
        return True


def codes_in_source():
    codes = set()
    for name in glob.glob("webapi/**/*.c", recursive=True):
        with open(name, encoding="utf-8") as source:
            text = source.read()
        codes |= set(re.findall(r'reply_(?:error|problem)\([^;]*?\d{3},\s*"([a-z_]+)"', text))
        codes |= set(re.findall(r'field_wrong\([^,]+,[^,]+,\s*"([a-z_]+)",', text))
    return codes


docs, server = documented(), served()
report("every route of the server is in openapi.yaml", {r for r in server if r not in docs})
report("every operation in openapi.yaml is served", {r for r in docs if r not in server})
report("query parameters agree", {f"{r}: server {sorted(server[r])}, document {sorted(docs[r])}"
                                  for r in server if r in docs and server[r] != docs[r]})
report("every reference resolves", {r for r in references(document) if broken(r)})
known = set(re.findall(r"[a-z_]+", document["components"]["responses"]["Problem"]["description"]))
report("every problem code is documented", codes_in_source() - known)
print("1..5")
sys.exit(failed != 0)
