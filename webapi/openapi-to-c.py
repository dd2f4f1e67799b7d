#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""openapi-to-c.py openapi.yaml: prints a C file that holds the document as JSON."""
import json
import sys

import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    text = json.dumps(yaml.safe_load(file), separators=(",", ":")).encode()
print('#include "openapi.h"\n\nconst char openapi_json[] = {')
for start in range(0, len(text), 24):
    print("\t" + ", ".join(str(byte) for byte in text[start:start + 24]) + ",")
print("\t0\n};\nconst size_t openapi_json_size = sizeof(openapi_json) - 1;")
