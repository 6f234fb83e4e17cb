#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""oracle.py [--marks N] [--least PERCENT]: bpf-metro -r against a strict reference, sample by sample.
Without --marks, with as many as are needed.

The reference (strict.py: Python, no code in common with ours) and the captures lie outside the
repository; without them this says SKIP. For each capture, every core sample of the reference is to be
found on the same ACK with the same value, to 1 us or 0.1 %, and nothing else is to be found but what
the reference leaves optional. Exit status 1 if anything is wrong or less than PERCENT is found.
"""
import argparse
import glob
import json
import os
import re
import subprocess
import sys

SHARED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../shared/oracle")

# Samples of ours that the reference does not have, where reading the packets shows ours to be right:
# frame 3, the SYN-ACK, is corrupt. Its number is not the one that frame 4 acknowledges and that the
# data goes on from, so the reference takes first transmissions for retransmissions.
REFERENCE_GAPS = {("suricata-verify_bug-76.pcap", frame) for frame in (17, 34, 38)}

LONGEST_NS = 60e9  # what bpf-metro is made for; beyond 67.6 s it finds nothing


def flow_name(name):
    """The reference numbers the connections that use the same ports; ours cannot show that."""
    return re.sub(r"(#\d+)?'*$", "", name)


def reference(strict, path):
    core, allowed = {}, {}
    for literal in (True, False):
        strict.LITERAL = literal
        for connection in strict.run(path, None).all:
            for direction in connection.dirs():
                for sample in direction.samples:
                    key = flow_name(direction.flow), sample[1]
                    allowed[key] = sample[2]
                    optional = strict.OPTIONAL & set(sample[3]) or sample[2] > LONGEST_NS
                    if not literal and not optional:
                        core[key] = sample[2]
    return core, allowed


def endpoint(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def ours(binary, path, marks):
    fixed = ["--marks", str(marks)] if marks else []
    run = subprocess.run([binary, "-r", path, "--output", "json", *fixed],
                         capture_output=True, text=True, timeout=600)
    if run.returncode < 0:
        sys.exit(f"{path}: bpf-metro died of signal {-run.returncode}")
    samples = {}
    for line in run.stdout.splitlines():
        s = json.loads(line)
        flow = endpoint(s["src"], s["sport"]) + "-" + endpoint(s["dst"], s["dport"])
        samples[flow, s["frame"]] = s["rtt_ns"]
    return samples


def compare(name, core, allowed, found):
    """-> core samples found, and messages about those of ours that are wrong"""
    right, wrong = 0, []
    for key, rtt in found.items():
        want = allowed.get(key)
        if want is None:
            if (name, key[1]) not in REFERENCE_GAPS:
                wrong.append(f"{name}: {key[0]} frame {key[1]}: {rtt} ns, but none is allowed")
        elif abs(rtt - want) > max(1000, want // 1000):
            wrong.append(f"{name}: {key[0]} frame {key[1]}: {rtt} ns, but it is {want}")
        else:
            right += key in core
    return right, wrong


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--binary", default="build/bpf-metro")
    arguments.add_argument("--marks", type=int)
    arguments.add_argument("--least", type=float, default=97.0)
    options = arguments.parse_args()
    captures = sorted(glob.glob(os.path.join(SHARED, "captures", "*.pcap*")))
    if not captures:
        print("ok 1 - samples against the reference # SKIP no reference here")
        return 0
    sys.path.insert(0, SHARED)
    sys.dont_write_bytecode = True
    import strict

    total = found = 0
    wrong = []
    for path in captures:
        name = os.path.basename(path)
        core, allowed = reference(strict, path)
        right, bad = compare(name, core, allowed, ours(options.binary, path, options.marks))
        total, found, wrong = total + len(core), found + right, wrong + bad
    for message in wrong:
        print("#", message)
    percent = 100 * found / total
    good = not wrong and percent >= options.least
    print(f"{'ok' if good else 'not ok'} 1 - {options.marks or 'all'} marks, {len(captures)} captures: "
          f"{percent:.2f} % of {total} core samples found, {len(wrong)} wrong")
    return 0 if good else 1


sys.exit(main())
