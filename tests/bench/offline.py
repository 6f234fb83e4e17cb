#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Part d: packets a second from a capture file in the page cache, against tcpdump on the same file.

By CPU time, user and system: there is one thread, and it never waits.
"""
import os
import shutil
import subprocess
import sys

from figures import BUILD, ROUNDS, emit, ratio

PACKETS = 4_000_000
DIRECTORY = f"{BUILD}/bench"
CAPTURES = {  # connections at a time, peers
    "30 connections at a time": (30, 24),
    "1,000 connections at a time": (1000, 5120),
}
TCPDUMP = "tcpdump -r FILE -w /dev/null"
AS_TEXT = "tcpdump -nn -r FILE"  # a tenth of it: it takes its time


def make(connections, peers):
    path = f"{DIRECTORY}/{connections}.pcap"
    if not os.path.exists(path):
        os.makedirs(DIRECTORY, exist_ok=True)
        subprocess.run([sys.executable, "tests/bench/capture.py", path + ".part", str(PACKETS),
                        str(connections), str(peers)], check=True)
        os.rename(path + ".part", path)
    return path


def cpu_seconds(command):
    before = os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user - before.children_user + \
        after.children_system - before.children_system


def main():
    for case, numbers in CAPTURES.items():
        path = make(*numbers)
        commands = {output: [f"{BUILD}/bpf-metro", "-r", path, "--output", output]
                    for output in ("text", "json")}
        if shutil.which("tcpdump"):
            commands[TCPDUMP] = ["tcpdump", "-r", path, "-w", "/dev/null"]
            commands[AS_TEXT] = ["tcpdump", "-nn", "-r", path, "-c", str(PACKETS // 10)]
        speed = {name: [] for name in commands}
        cpu_seconds(commands["json"])  # into the page cache
        for _ in range(ROUNDS):
            for name, command in commands.items():
                packets = PACKETS // 10 if name == AS_TEXT else PACKETS
                speed[name].append(packets / cpu_seconds(command) / 1e6)
        floor = speed.get(TCPDUMP, [0.0] * ROUNDS)
        for name, values in speed.items():
            emit("offline", f"{case}, {name}", "M packets/s", values, floor,
                 [ratio(x, b) for x, b in zip(values, floor)])


main()
