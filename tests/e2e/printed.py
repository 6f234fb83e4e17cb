#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""printed.py PIPE [GO]: reads lines of JSON from a pipe to its end, once the file GO is there, and prints
how many there were (lines), those that are none (torn), those earlier than the one before of their
connection (disordered), and how late they came: median, of 95 in 100, and the latest, in ms."""
import json
import os
import sys
import time
from datetime import datetime, timezone

BLOCK = 1 << 16


def sent_ns(text):
    whole = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return int(whole.timestamp()) * 1_000_000_000 + int(text[20:29])


def read_lines(pipe):
    """Each line, with the time at which it came."""
    rest = b""
    while block := os.read(pipe, BLOCK):
        now = time.time_ns()
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line, now
    if rest:
        yield rest, time.time_ns()


def main():
    pipe = os.open(sys.argv[1], os.O_RDONLY)
    while len(sys.argv) > 2 and not os.path.exists(sys.argv[2]):
        time.sleep(0.01)
    late, last, torn, disordered = [], {}, 0, 0
    for line, came in list(read_lines(pipe)):
        try:
            sample = json.loads(line)
            at = sent_ns(sample["time"])
        except (ValueError, KeyError):
            torn += 1
            continue
        flow = sample["src"], sample["sport"], sample["dst"]
        disordered += at < last.get(flow, 0)
        last[flow] = at
        late.append((came - at) / 1e6)
    late.sort()
    print(f"lines={len(late)} torn={torn} disordered={disordered}", end=" ")
    print(" ".join(f"{name}={late[int(part * len(late))] if late else -1:.1f}"
                   for name, part in (("median", 0.5), ("p95", 0.95), ("latest", 0.999999))))


main()
