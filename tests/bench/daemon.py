#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The daemon's CPU and memory at 0, 10 k, 100 k and as many samples a second as can be made.

The samples come from sample_feed: packets of 1,000 connections to 100 peers through the daemon's own
programs. The time measured has one report in it, which default settings make every ten seconds.
"""
import json
import os
import subprocess
import time

import figures
from figures import BUILD, SCALE, Losses, Metro, emit, ratio

SECONDS = 10.5 if SCALE >= 1 else max(1.5, 10.5 * SCALE)
ROUNDS = 3
LEVELS = {"no samples": None, "10 k samples/s": 10_000, "100 k samples/s": 100_000,
          "all that can be made": 0}

losses = Losses()


def feed(pid, rate):
    """Starts what makes the samples: one process, or, for all that can be made, one for each CPU."""
    count = 1 if rate else os.cpu_count()
    command = (f"{BUILD}/sample_feed", "--pid", str(pid), "--interface", os.environ["METRO_CLIENT_IF"],
               "--rate", str(rate), "--seconds", str(SECONDS), "--port")
    return [subprocess.Popen(figures.in_client(*command, str(10000 + 100 * i)),
                             stdout=subprocess.PIPE) for i in range(count)]


def measure(level, rate):
    metro = Metro(["10.99.0.0/16"], "--backend", "bpf")
    try:
        before, start, made = figures.process_ns(metro.pid), time.monotonic(), 0
        if rate is None:
            time.sleep(SECONDS)
        for process in feed(metro.pid, rate) if rate is not None else ():
            made += json.loads(process.communicate()[0])["samples"]
        elapsed = time.monotonic() - start
        own = figures.process_ns(metro.pid) - before
        rss, most = figures.memory_kb(metro.pid)
    finally:
        counters = metro.stop()
    losses.add(f"daemon, {level}", counters)
    return {"cpu": 100 * own / 1e9 / elapsed, "rss": rss, "most": most,
            "rate": counters["samples"] / elapsed, "made": made}


def main():
    runs = {level: [] for level in LEVELS}
    for _ in range(ROUNDS):
        for level, rate in LEVELS.items():
            runs[level].append(measure(level, rate))
    idle = [run["rss"] for run in runs["no samples"]]
    for level, found in runs.items():
        if LEVELS[level] == 0:
            emit("daemon", level, "samples/s", [run["rate"] for run in found], [100_000],
                 [run["rate"] / 100_000 for run in found])
        cpu = [run["cpu"] for run in found]
        emit("daemon", level + ": CPU", "% of a core", cpu, [100], [x / 100 for x in cpu])
        most = [run["most"] for run in found]
        emit("daemon", level + ": resident, at most", "KB", most, idle,
             [ratio(x, b) for x, b in zip(most, idle)])
    losses.emit()


main()
