#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""live.py on|off: live traffic between the two hosts that live.sh has made, offloads on or off.

Runs of traffic with bpf-metro, in each of its ways in turn, two by two, come between runs without,
and each is compared with the mean of the two around it: what else the machine does changes slowly,
mostly. "empty programs" are no bpf-metro but programs at TCX that do nothing.
"""
import json
import os
import subprocess
import sys

import figures
from figures import BUILD, ROUNDS, SCALE, Losses, Metro, emit, ratio

OFFLOADS = f"offloads {sys.argv[1]}"
SERVERS = os.environ["METRO_SERVER_V4"], os.environ["METRO_SERVER_V6"]
SERVER_PID = os.environ["METRO_SERVER_PID"]
INTERFACE = os.environ["METRO_CLIENT_IF"]

BPF_STATS = "/proc/sys/kernel/bpf_stats_enabled"

EMPTY = "empty programs"
WAYS = {
    "bpf tc": ("--backend", "bpf", "--hook", "tc"),
    "bpf xdp": ("--backend", "bpf", "--hook", "xdp"),
    "pcap": ("--backend", "pcap"),
    "bpf tc, json": ("--backend", "bpf", "--hook", "tc", "--output", "json"),
    "pcap, json": ("--backend", "pcap", "--output", "json"),
    EMPTY: (),
}
PAIRS = (("bpf tc", EMPTY), ("bpf xdp", "pcap"), ("bpf tc, json", "pcap, json"))

# name: options of tcp_load, a client for each address, the figure's unit, and how to get it.
# (Ports last for some 30,000 connections a second to one address.)
TRAFFIC = {
    "bulk": (("--mode", "upload"), SERVERS[:1], "Gbit/s", lambda run: run["bytes_sent"] * 8 / 1e9),
    "64 rr": (("--mode", "rr", "--connections", "64"), SERVERS[:1], "requests/s",
              lambda run: run["requests"]),
    "connections": (("--mode", "connect", "--connections", "16"), SERVERS, "connections/s",
                    lambda run: run["requests"]),
}

SOFTIRQ_PIDS = subprocess.run(["pgrep", "^ksoftirqd/"], capture_output=True, text=True,
                              check=False).stdout.split()

losses = Losses()


def packets():
    script = f"cat /sys/class/net/{INTERFACE}/statistics/?x_packets"
    run = subprocess.run(figures.in_client("sh", "-c", script), capture_output=True, check=True)
    return sum(int(line) for line in run.stdout.split())


def ends_ns():
    """CPU time of the server and of what the kernel puts off to threads."""
    return sum(figures.process_ns(pid) for pid in [SERVER_PID] + SOFTIRQ_PIDS)


def run_traffic(traffic, metro):
    """One run: its figure, CPU time, bpf-metro's part of it, and packets."""
    options, servers, _, figure = TRAFFIC[traffic]
    commands = [figures.in_client(f"{BUILD}/tcp_load", "client", "--connect", server, "--port", "5000",
                                  "--seconds", str(SCALE), *options) for server in servers]
    passed, busy, ends = packets(), figures.busy_ns(), ends_ns()
    own = figures.process_ns(metro.pid) if metro else 0
    output, clients = figures.run_and_time(commands)
    total = {"requests": 0, "bytes_sent": 0}
    for line in output.splitlines():
        for key, value in json.loads(line).items():
            if key in total:
                total[key] += value
    own = (figures.process_ns(metro.pid) if metro else 0) - own
    return {
        "figure": figure(total),
        "busy": figures.busy_ns() - busy,
        "tasks": clients + ends_ns() - ends + own,
        "own": own,
        "memory": figures.memory_kb(metro.pid)[1] if metro else 0,
        "packets": packets() - passed,
    }


def with_metro(traffic, way):
    metro = Metro(", ".join(f'"{server}"' for server in SERVERS), *WAYS[way])
    try:
        return run_traffic(traffic, metro)
    finally:
        losses.add(f"live, {OFFLOADS}, {way}", metro.stop())


def with_empty_programs(traffic):
    """None where the kernel has no TCX."""
    programs = [subprocess.Popen(figures.in_client(f"{BUILD}/bpf_neighbour", hook, INTERFACE),
                                 stderr=subprocess.PIPE) for hook in ("tcx-egress", "tcx-ingress")]
    try:
        attached = [b"attached" in program.stderr.readline() for program in programs]
        return run_traffic(traffic, None) if all(attached) else None
    finally:
        for program in programs:
            program.terminate()
            program.communicate()


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


def compare(traffic):
    runs = {way: [] for way in WAYS}
    run_traffic(traffic, None)  # warms up what can be warm
    after = run_traffic(traffic, None)
    for _ in range(ROUNDS):
        for pair in PAIRS:
            measured = {way: run_way(traffic, way) for way in pair}
            before, after = after, run_traffic(traffic, None)
            for way, run in measured.items():
                if run:
                    runs[way].append((run, before, after))
    for way, found in runs.items():
        if found:
            emit_way(traffic, way, found)


def program_times(metro):
    run = subprocess.run(["bpftool", "prog", "show", "-j"], capture_output=True, check=True)
    ids = metro.programs()
    return {program["name"]: (program.get("run_time_ns", 0), program.get("run_cnt", 0))
            for program in json.loads(run.stdout) if program["id"] in ids}


def bpf_stats():
    """What the kernel itself says each run of a program took, its two looks at the clock included."""
    found, whole = {}, []
    for _ in range(3):
        off = run_traffic("64 rr", None)
        whole.append(off["tasks"] / off["packets"])
        metro = Metro(SERVERS[0], *WAYS["bpf tc"])
        try:
            run_traffic("64 rr", metro)
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
    for traffic in os.environ.get("BENCH_TRAFFIC", ",".join(TRAFFIC)).split(","):
        compare(traffic)
    losses.emit()
    if OFFLOADS == "offloads on" and os.path.exists(BPF_STATS):
        before = figures.read(BPF_STATS)
        try:
            figures.write(BPF_STATS, "1")
            bpf_stats()
        finally:
            figures.write(BPF_STATS, before)


main()
