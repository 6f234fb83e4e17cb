#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""peers.py: bpf-metro beside tools of others, in turns, between the two hosts that peers.sh has made.

All see the same traffic at the same place, the client's interface, and write to a file in memory or,
bpf-metro and go-metro, to a StatsD listener. BENCH_TOOLS=REGEX picks from tools.TOOLS.
"""
import os
import re
import sys

import traffic
from figures import ROUNDS, SCALE, emit, ratio
from tools import TOOLS, Missing
from traffic import compare, run_traffic

COMPARED = "64 rr", "connections", "bulk"


def those_installed():
    """Each is started once to see."""
    names = []
    for name in TOOLS:
        if not re.search(os.environ.get("BENCH_TOOLS", ""), name):
            continue
        try:
            TOOLS[name]().stop()
            names.append(name)
        except Missing as missing:
            print(f"bench: no {missing}: {name} is left out", file=sys.stderr)
    return names


def run_beside(kind, name):
    tool = TOOLS[name]()
    try:
        run = run_traffic(kind, tool.pid)
    finally:
        samples = tool.stop()
    run["samples"] = samples
    return run


def emit_compared(kind, name, runs):
    values = [run["figure"] / SCALE for run, _, _ in runs]
    base = [(before["figure"] + after["figure"]) / 2 / SCALE for _, before, after in runs]
    emit("peers", f"{name}: {kind}", traffic.TRAFFIC[kind][2], values, base,
         [ratio(x, b) for x, b in zip(values, base)])
    if kind != "64 rr":
        return
    cpu = [run["tasks"] / run["requests"] / 1e3 for run, _, _ in runs]
    base = [sum(run["tasks"] / run["requests"] for run in around) / 2e3 for _, *around in runs]
    emit("peers", f"{name}: CPU", "us a request", cpu, base, [ratio(x, b) for x, b in zip(cpu, base)])
    if runs[0][0]["samples"] is not None:
        made, asked = ([run[key] for run, _, _ in runs] for key in ("samples", "requests"))
        shares = [ratio(x, b) for x, b in zip(made, asked)]
        emit("peers", f"{name}: samples", "a request", shares, [1], shares)


def emit_process(name, runs):
    """What the process itself took, in seconds of the processor, for 4 s of 15,000 requests a second, and holds."""
    if not runs[0]["memory"]:
        return
    own = [run["own"] / 1e9 / SCALE for run in runs]
    most = [run["memory"] for run in runs]
    emit("peers", f"{name}: own CPU", "s of 4", own, [4], [x / 4 for x in own])
    emit("peers", f"{name}: resident, at most", "KB", most, [12288], [x / 12288 for x in most])


def main():
    names = those_installed()
    pairs = [names[i:i + 2] for i in range(0, len(names), 2)]
    for kind in os.environ.get("BENCH_TRAFFIC", ",".join(COMPARED)).split(","):
        for name, runs in compare(kind, pairs, run_beside, ROUNDS).items():
            emit_compared(kind, name, runs)
    paced = {name: [] for name in names}
    for _ in range(min(3, ROUNDS)):
        for name in names:
            paced[name].append(run_beside("paced rr", name))
    for name, runs in paced.items():
        emit_process(name, runs)


main()
