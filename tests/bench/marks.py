#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""marks.py TITLE CAPTURE...: what a small ring of marks costs, as rows of a Markdown table.

Each capture is read with rings of 8 to 128 marks and with one that never fills. A row says how many
of the latter's samples are still found, how far off the others are from the true value (samples in a
gap may be off by 1 us or 0.1 %), and how far the mean of each flow moves.
"""
import collections
import json
import subprocess
import sys

NEVER_FULL = 32768
SIZES = (8, 16, 32, 64, 128)
LEAST_SAMPLES = 10  # of a flow, for its mean to be compared


def samples(path, marks):
    run = subprocess.run(["build/bpf-metro", "-r", path, "--output", "json", "--marks", str(marks)],
                         capture_output=True, text=True)
    found = {}
    for line in run.stdout.splitlines():
        s = json.loads(line)
        found[s["src"], s["sport"], s["dst"], s["dport"], s["frame"]] = s["rtt_ns"]
    return found


def means(found):
    flows = collections.defaultdict(list)
    for key, rtt in found.items():
        flows[key[:4]].append(rtt)
    return {flow: sum(v) / len(v) for flow, v in flows.items()}, \
           {flow: len(v) for flow, v in flows.items()}


def row(references, paths, marks):
    total = right = wrong = 0
    errors = []
    for path in paths:
        reference, found = references[path], samples(path, marks)
        total += len(reference)
        for key, rtt in found.items():
            want = reference.get(key)
            if want is None or abs(rtt - want) > max(1000, want / 1000):
                wrong += 1
            else:
                right += 1
        true_means, counts = means(reference)
        our_means, _ = means(found)
        for flow, mean in true_means.items():
            if counts[flow] >= LEAST_SAMPLES:
                errors.append(abs(our_means[flow] - mean) / mean if flow in our_means and mean else 1)
    errors.sort()
    mean_error = 100 * sum(errors) / len(errors) if errors else 0
    p95 = 100 * errors[int(0.95 * (len(errors) - 1))] if errors else 0
    return total, 100 * right / max(1, total), wrong, mean_error, p95


def main():
    title, paths = sys.argv[1], sys.argv[2:]
    references = {path: samples(path, NEVER_FULL) for path in paths}
    for marks in SIZES:
        total, found, wrong, error, p95 = row(references, paths, marks)
        print(f"| {title} | {total} | {marks} | {128 + 8 * marks} | {found:.1f} % | {wrong} "
              f"| {error:.2f} % | {p95:.2f} % |", flush=True)


main()
