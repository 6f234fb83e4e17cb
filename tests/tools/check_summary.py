#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""check_summary.py SUMMARY [SAMPLES]: are the lines of --output summary right?

Each is held against docs/summary.schema.json, of which all that stands there is understood here. SAMPLES is what
--output json found in the same capture: figures are computed again from that. Says what is wrong, a line
each, and ends with status 1.
"""
import collections
import json
import math
import re
import sys

SCHEMA = "docs/summary.schema.json"
TYPES = {"string": str, "integer": int, "array": list, "object": dict}
KNOWN = {"$schema", "title", "description", "type", "additionalProperties", "required", "properties", "pattern",
         "items", "const", "minimum"}

faults = []


def hold(what, value, schema):
    if set(schema) - KNOWN:
        faults.append(f"{SCHEMA} has what this cannot judge: {set(schema) - KNOWN}")
    if "type" in schema and type(value) is not TYPES[schema["type"]]:
        faults.append(f"{what} is no {schema['type']}: {value!r}")
        return
    if "const" in schema and value != schema["const"]:
        faults.append(f"{what} is {value!r}")
    if "minimum" in schema and value < schema["minimum"]:
        faults.append(f"{what} is {value}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        faults.append(f"{what} is {value!r}")
    for i, item in enumerate(value if "items" in schema else []):
        hold(f"{what}[{i}]", item, schema["items"])
    properties = schema.get("properties", {})
    for key in schema.get("required", []):
        if key not in value:
            faults.append(f"{what} has no {key}")
    for key in value if properties else []:
        if key in properties:
            hold(f"{what}.{key}", value[key], properties[key])
        else:
            faults.append(f"{what} has a key {key}")


def expected(samples):
    """{(src, dst): figures}"""
    connections, every = collections.defaultdict(list), collections.defaultdict(list)
    for sample in samples:
        pair = sample["src"], sample["dst"]
        connections[(*pair, sample["sport"], sample["dport"])].append(sample["rtt_ns"])
        every[pair].append(sample["rtt_ns"])
    steps = collections.defaultdict(list)
    for (src, dst, *_), values in connections.items():
        steps[src, dst] += [abs(a - b) for a, b in zip(values, values[1:])]
    figures = {}
    for pair, values in every.items():
        ranked = sorted(values)
        figures[pair] = {"samples": len(values), "last_ns": values[-1], "avg_ns": sum(values) / len(values),
                         "min_ns": ranked[0], "max_ns": ranked[-1]}
        if steps[pair]:
            figures[pair]["jitter_ns"] = sum(steps[pair]) / len(steps[pair])
        for name, part in ("p50_ns", 0.5), ("p95_ns", 0.95), ("p99_ns", 0.99):
            figures[pair][name] = ranked[max(math.ceil(part * len(ranked)), 1) - 1]
    return figures


def compare(lines, figures):
    found = {(line["src"], line["dst"]): line for line in lines if line["samples"]}
    if sorted(found) != sorted(figures):
        faults.append(f"series are {sorted(found)}, and not {sorted(figures)}")
    for pair in set(found) & set(figures):
        for name, value in figures[pair].items():
            slack = value * 0.009 if name[0] == "p" else 1
            if abs(found[pair].get(name, -1e9) - value) > slack:
                faults.append(f"{pair}: {name} is {found[pair].get(name)}, and not {value}")
        if ("jitter_ns" in found[pair]) != ("jitter_ns" in figures[pair]):
            faults.append(f"{pair}: jitter_ns is there, or not, and should not be, or should")


def main():
    with open(SCHEMA, encoding="utf-8") as text:
        schema = json.load(text)
    with open(sys.argv[1], encoding="utf-8") as text:
        lines = [json.loads(line) for line in text]
    for number, line in enumerate(lines, 1):
        hold(f"line {number}", line, schema)
    if len(sys.argv) > 2:
        with open(sys.argv[2], encoding="utf-8") as text:
            compare(lines, expected(map(json.loads, text)))
    if not lines:
        faults.append("there is no line")
    print("\n".join(faults[:20]))
    sys.exit(1 if faults else 0)


main()
