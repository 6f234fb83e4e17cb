# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Live traffic between the two hosts that live.sh or peers.sh has made, and what each run of it cost.

Runs with one thing or another beside the traffic come, two by two, between runs without, and each is
compared with the mean of the two around it: what else the machine does changes slowly, mostly.
"""
import json
import os
import subprocess

import figures
from figures import BUILD, SCALE

SERVERS = os.environ["METRO_SERVER_V4"], os.environ["METRO_SERVER_V6"]
SERVER_PID = os.environ["METRO_SERVER_PID"]
INTERFACE = os.environ["METRO_CLIENT_IF"]

PACED_RATE, PACED_SECONDS = 15000, 4

# name: options of tcp_load, a client for each address, the figure's unit, and how to get it.
# (Ports last for some 30,000 connections a second to one address.)
TRAFFIC = {
    "bulk": (("--mode", "upload"), SERVERS[:1], "Gbit/s", lambda run: run["bytes_sent"] * 8 / 1e9),
    "64 rr": (("--mode", "rr", "--connections", "64"), SERVERS[:1], "requests/s",
              lambda run: run["requests"]),
    "connections": (("--mode", "connect", "--connections", "16"), SERVERS, "connections/s",
                    lambda run: run["requests"]),
    "paced rr": (("--mode", "rr", "--connections", "64", "--rate", str(PACED_RATE / 64)), SERVERS[:1],
                 "requests/s", lambda run: run["requests"]),
    "last words": (("--mode", "rr", "--count", "1"), SERVERS[:1], "requests/s", lambda run: run["requests"]),
}

SOFTIRQ_PIDS = subprocess.run(["pgrep", "^ksoftirqd/"], capture_output=True, text=True,
                              check=False).stdout.split()


def seconds_of(traffic):
    return SCALE * (PACED_SECONDS if traffic == "paced rr" else 1)


def packets():
    script = f"cat /sys/class/net/{INTERFACE}/statistics/?x_packets"
    run = subprocess.run(figures.in_client("sh", "-c", script), capture_output=True, check=True)
    return sum(int(line) for line in run.stdout.split())


def ends_ns():
    """CPU time of the server and of what the kernel puts off to threads."""
    return sum(figures.process_ns(pid) for pid in [SERVER_PID] + SOFTIRQ_PIDS)


def run_traffic(traffic, pid=None):
    """One run beside this process, if any: its figure, requests, CPU time, the process's part of it, and packets."""
    options, servers, _, figure = TRAFFIC[traffic]
    commands = [figures.in_client(f"{BUILD}/tcp_load", "client", "--connect", server, "--port", "5000",
                                  "--seconds", str(seconds_of(traffic)), *options) for server in servers]
    passed, busy, ends = packets(), figures.busy_ns(), ends_ns()
    own = figures.process_ns(pid) if pid else 0
    output, clients = figures.run_and_time(commands)
    total = {"requests": 0, "bytes_sent": 0}
    for line in output.splitlines():
        for key, value in json.loads(line).items():
            if key in total:
                total[key] += value
    own = (figures.process_ns(pid) if pid else 0) - own
    return {
        "figure": figure(total),
        "requests": total["requests"],
        "busy": figures.busy_ns() - busy,
        "tasks": clients + ends_ns() - ends + own,
        "own": own,
        "memory": figures.memory_kb(pid)[1] if pid else 0,
        "packets": packets() - passed,
    }


def compare(traffic, pairs, run_way, rounds):
    """Runs of each way, in turns: by way, a list of runs, each with its neighbour before and after.

    run_way(traffic, way) is a run of traffic beside it, or None where that is not possible."""
    runs = {way: [] for pair in pairs for way in pair}
    run_traffic(traffic)  # warms up what can be warm
    after = run_traffic(traffic)
    for _ in range(rounds):
        for pair in pairs:
            measured = {way: run_way(traffic, way) for way in pair}
            before, after = after, run_traffic(traffic)
            for way, run in measured.items():
                if run:
                    runs[way].append((run, before, after))
    return {way: found for way, found in runs.items() if found}


class EmptyPrograms:
    """Programs at the client's interface that let everything pass: what any BPF at these places costs."""

    def __init__(self, *hooks):
        self.programs = [subprocess.Popen(figures.in_client(f"{BUILD}/bpf_neighbour", hook, INTERFACE),
                                          stderr=subprocess.PIPE) for hook in hooks]
        attached = [b"attached" in program.stderr.readline() for program in self.programs]
        self.attached = all(attached)  # not where the kernel has no TCX

    def stop(self):
        for program in self.programs:
            program.terminate()
            program.communicate()
