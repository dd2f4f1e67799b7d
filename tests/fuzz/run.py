#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs fuzz targets.

run.py check FOLDER NAME RUNS       kept inputs, then RUNS made-up ones from a fixed seed; TAP
run.py run FOLDER SECONDS NAME...   each for that long, on what earlier runs found; a table
run.py keep FOLDER NAME...          the best small inputs of those runs become tests/fuzz/corpus/NAME
run.py table FOLDER NAME...         is README.md's table true? TAP

A file of the corpus has an input a line: printable text, other bytes as \\xNN; lines that begin with '#' are comments.
"""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
KEPT_BYTES = 4096       # of a file of the corpus, at most; findings (comments above them) stay whatever the size
OPTIONS = ["-max_len=4096", "-timeout=60", "-rss_limit_mb=2048", "-print_final_stats=1", "-detect_leaks=0"]  # leaks: once, at the end
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1:allow_addr2line=1:external_symbolizer_path=/usr/bin/addr2line",
                   UBSAN_OPTIONS="print_stacktrace=1:allow_addr2line=1:external_symbolizer_path=/usr/bin/addr2line")


def decode(line):
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m.group(1), 16)]), line)


def encode(data):
    return "".join(chr(b) if 0x20 <= b < 0x7f and b != 0x5c and not (i == 0 and b == 0x23) else f"\\x{b:02x}"
                   for i, b in enumerate(data))


def corpus_file(name):
    return os.path.join(HERE, "corpus", name)


def corpus_lines(name):
    if not os.path.exists(corpus_file(name)):
        return []
    with open(corpus_file(name), "rb") as f:
        return f.read().split(b"\n")


def unpack(name, folder):
    """The kept inputs as the files libFuzzer wants."""
    os.makedirs(folder, exist_ok=True)
    for i, line in enumerate(corpus_lines(name)):
        if line and not line.startswith(b"#"):
            with open(os.path.join(folder, f"kept-{i:03}"), "wb") as f:
                f.write(decode(line))


def start(folder, name, arguments, work):
    """Runs it; its exit status and what it said."""
    done = subprocess.run([os.path.abspath(os.path.join(folder, name)), *OPTIONS, f"-artifact_prefix={work}/", *arguments], cwd=work,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT, check=False)
    return done.returncode, done.stdout.decode(errors="replace")


def figures(said):
    """Executions, edges covered, edges there are."""
    def last(pattern):
        found = re.findall(pattern, said)
        return int(found[-1]) if found else 0
    return (last(r"stat::number_of_executed_units:\s*(\d+)") or last(r"#(\d+)\s"), last(r"cov: (\d+)"), last(r"\((\d+) inline 8-bit counters"))


def show_finding(work):
    for file in sorted(os.listdir(work)):
        if re.match(r"(crash|leak|oom|timeout|slow-unit)-", file) and not file.startswith("slow"):
            with open(os.path.join(work, file), "rb") as f:
                print("# the input, as a line of the corpus: " + encode(f.read()))


def check(folder, name, runs):
    with tempfile.TemporaryDirectory() as work:
        unpack(name, os.path.join(work, "kept"))
        os.mkdir(os.path.join(work, "new"))
        status, said = start(folder, name, [f"-runs={runs}", "-seed=1", "new", "kept"], work)
        executions, edges, total = figures(said)
        good = status == 0 and executions >= int(runs) and edges > 0
        if not good:
            print(said[-12000:])
            show_finding(work)
    print(f"1..1\n{'' if good else 'not '}ok 1 - {name}: {executions} executions, {edges} of {total} edges")
    return not good


def run(folder, seconds, *names):
    failed = 0
    print(f"{'target':20} {'executions':>12} {'edges':>7} {'of':>7} {'inputs':>7}")
    for name in names:
        work = os.path.abspath(os.path.join(folder, "work", name))
        found = os.path.join(work, "corpus")
        os.makedirs(found, exist_ok=True)
        unpack(name, os.path.join(work, "kept"))
        status, said = start(folder, name, [f"-max_total_time={seconds}", "corpus", "kept"], work)
        executions, edges, total = figures(said)
        print(f"{name:20} {executions:12} {edges:7} {total:7} {len(os.listdir(found)):7}", flush=True)
        if status:
            failed += 1
            print(said[-6000:])
            show_finding(work)
    return failed


def keep(folder, *names):
    for name in names:
        old = corpus_lines(name)
        comments = [i for i, line in enumerate(old) if line.startswith(b"#")]
        findings = [line.decode() for i in comments for line in old[i:i + 2] if line]
        with tempfile.TemporaryDirectory() as work:
            os.mkdir(os.path.join(work, "best"))
            unpack(name, os.path.join(work, "kept"))
            start(folder, name, ["-merge=1", "best", "kept", os.path.abspath(os.path.join(folder, "work", name, "corpus"))], work)
            inputs = []
            for file in os.listdir(os.path.join(work, "best")):
                with open(os.path.join(work, "best", file), "rb") as f:
                    inputs.append(f.read())
        lines, room = [], KEPT_BYTES
        for line in sorted({encode(i) for i in inputs if i}, key=lambda text: (len(text), text)):
            room -= len(line) + 1
            if room >= 0 and line not in findings:
                lines.append(line)
        with open(corpus_file(name), "w", encoding="ascii") as f:
            f.write("\n".join(findings + lines) + "\n")
    return 0


def table(folder, *names):
    """Each target has a row, each row a target, and the files it names are compiled into it."""
    wrong = []
    with open(os.path.join(HERE, "README.md"), encoding="utf-8") as f:
        rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \|$", f.read(), re.M)
    wrong += [f"{name} has no row" for name in names if name not in [row[0] for row in rows]]
    wrong += [f"{row[0]} is no target" for row in rows if row[0] not in names]
    for name, files, _ in rows:
        if name in names:
            sources = []
            for ending in (".sources", ".d"):		# linked, or included
                with open(os.path.join(folder, name + ending), encoding="utf-8") as f:
                    sources += f.read().split()
            wrong += [f"{name} does not run {file}" for file in re.findall(r"`([^`]*)`", files) if file not in sources]
    print("\n".join("# " + text for text in wrong))
    print(f"1..1\n{'not ' if wrong else ''}ok 1 - the table of README.md: {len(rows)} rows")
    return len(wrong)


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("check", "run", "keep", "table"):
        sys.exit(__doc__)
    sys.exit(1 if globals()[sys.argv[1]](*sys.argv[2:]) else 0)
