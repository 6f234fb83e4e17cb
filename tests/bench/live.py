#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""live.py on|off: live traffic between the two hosts that live.sh has made, offloads on or off.

Runs with bpf-metro, in each of its ways in turn, are compared with runs without (traffic.py).
"empty programs" are no bpf-metro but programs at TCX that do nothing.
"""
import json
import os
import subprocess
import sys

import figures
from figures import ROUNDS, SCALE, Losses, Metro, emit, ratio
from traffic import SERVERS, TRAFFIC, EmptyPrograms, compare, run_traffic

OFFLOADS = f"offloads {sys.argv[1]}"

BPF_STATS = "/proc/sys/kernel/bpf_stats_enabled"

EMPTY = "empty programs"
WAYS = {
    "bpf tc": ("--backend", "bpf", "--hook", "tc"),
    "bpf xdp": ("--backend", "bpf", "--hook", "xdp"),
    "pcap": ("--backend", "pcap"),
}
PAIRS = (("bpf tc", EMPTY), ("bpf xdp", "pcap"))
KINDS = "bulk", "64 rr", "connections"

losses = Losses()


def with_metro(traffic, way):
    metro = Metro(SERVERS, *WAYS[way])
    try:
        return run_traffic(traffic, metro.pid)
    finally:
        losses.add(f"live, {OFFLOADS}, {way}", metro.stop())


def with_empty_programs(traffic):
    """None where the kernel has no TCX."""
    programs = EmptyPrograms("tcx-egress", "tcx-ingress")
    try:
        return run_traffic(traffic) if programs.attached else None
    finally:
        programs.stop()


def emit_way(traffic, way, runs):
    """runs: with bpf-metro, and each with its neighbour before and after."""
    unit = TRAFFIC[traffic][2]
    case = f"{traffic}, {OFFLOADS}, {way}"

    def emit_ratio(what, unit, of):
        values = [of(run) for run, _, _ in runs]
        base = [(of(before) + of(after)) / 2 for _, before, after in runs]
        emit("live", case + what, unit, values, base, [ratio(x, b) for x, b in zip(values, base)])

    emit_ratio("", unit, lambda run: run["figure"] / SCALE)
    gbit = unit == "Gbit/s"
    for what, key in ((": all CPU", "busy"), (": CPU of both ends and bpf-metro", "tasks")):
        emit_ratio(what, "ms a Gbit" if gbit else f"us a {unit.split('s/')[0]}",
                   lambda run, key=key: run[key] / run["figure"] / (1e6 if gbit else 1e3))
    if way == EMPTY:
        return
    # its own: a packet, beside all CPU time that a packet takes without
    own = [run["own"] / run["packets"] for run, _, _ in runs]
    whole = [before["tasks"] / before["packets"] for _, before, _ in runs]
    emit("live", case + ": bpf-metro's own CPU", "ns a packet", own, whole,
         [ratio(x, b) for x, b in zip(own, whole)])
    if OFFLOADS == "offloads on":
        most = [run["memory"] for run, _, _ in runs]
        emit("live", case + ": resident, at most", "KB", most, [12288], [x / 12288 for x in most])


def run_way(traffic, way):
    return with_empty_programs(traffic) if way == EMPTY else with_metro(traffic, way)


def program_times(metro):
    run = subprocess.run(["bpftool", "prog", "show", "-j"], capture_output=True, check=True)
    ids = metro.programs()
    return {program["name"]: (program.get("run_time_ns", 0), program.get("run_cnt", 0))
            for program in json.loads(run.stdout) if program["id"] in ids}


def bpf_stats():
    """What the kernel itself says each run of a program took, its two looks at the clock included."""
    found, whole = {}, []
    for _ in range(3):
        off = run_traffic("64 rr")
        whole.append(off["tasks"] / off["packets"])
        metro = Metro(SERVERS[:1], *WAYS["bpf tc"])
        try:
            run_traffic("64 rr", metro.pid)
            times = program_times(metro)
        finally:
            metro.stop()
        for name, (ns, count) in times.items():
            if count > 1000:
                found.setdefault(name, []).append(ns / count)
    for name, values in sorted(found.items()):
        emit("live", f"64 rr, {OFFLOADS}, bpf tc: {name} by bpf_stats", "ns a packet", values, whole,
             [ratio(x, b) for x, b in zip(values, whole)])


def main():
    for traffic in os.environ.get("BENCH_TRAFFIC", ",".join(KINDS)).split(","):
        for way, runs in compare(traffic, PAIRS, run_way, ROUNDS).items():
            emit_way(traffic, way, runs)
    losses.emit()
    if OFFLOADS == "offloads on" and os.path.exists(BPF_STATS):
        before = figures.read(BPF_STATS)
        try:
            figures.write(BPF_STATS, "1")
            bpf_stats()
        finally:
            figures.write(BPF_STATS, before)


main()
