#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Are the lines of --output summary right?

check_summary.py --schema SUMMARY    they are what docs/summary.schema.json says
check_summary.py SUMMARY SAMPLES     their figures are those of the samples that --output json found in the same
                                     capture, from which they are computed again

Says what is wrong, a line each, and ends with status 1.
"""
import collections
import json
import math
import sys

SCHEMA = "docs/summary.schema.json"

faults = []


def hold(lines):
    import jsonschema  # pylint: disable=import-outside-toplevel  # figures are checked without it

    with open(SCHEMA, encoding="utf-8") as text:
        schema = json.load(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for number, line in enumerate(lines, 1):
        faults.extend(f"line {number}: {error.json_path}: {error.message}" for error in validator.iter_errors(line))


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


def read(path):
    with open(path, encoding="utf-8") as text:
        return [json.loads(line) for line in text]


def main():
    if sys.argv[1] == "--schema":
        lines = read(sys.argv[2])
        hold(lines)
    else:
        lines = read(sys.argv[1])
        compare(lines, expected(read(sys.argv[2])))
    if not lines:
        faults.append("there is no line")
    print("\n".join(faults[:20]))
    sys.exit(1 if faults else 0)


main()
