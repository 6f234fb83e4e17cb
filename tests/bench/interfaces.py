#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What one bpf-metro takes for 1, 20 and 200 interfaces, with either backend: time to attach,
memory, and CPU of its own under load. As root, on its own:

    sudo python3 tests/bench/interfaces.py [BUILD]

The interfaces are veths in a namespace of their own, and one of them has traffic: 4,000 requests a
second. Kernel memory is what the kernel says of each BPF map and program (fdinfo), and the rings of
packet sockets."""

import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

BUILD = sys.argv[1] if len(sys.argv) > 1 else "build"
HOST, PODS = (f"metro-many-{part}-{os.getpid()}" for part in ("host", "pods"))
LOAD_SECONDS = 5
RING = 8 << 20  # pcap_buffer's default


def run(*command):
    subprocess.run(command, check=True)


def within(namespace, *command, **options):
    return subprocess.Popen(["ip", "netns", "exec", namespace, *command], **options)


def make_interfaces(count):
    """One batch for all: a call for each would take a minute."""
    lines = []
    for i in range(count):
        lines += [f"link add veth{i} type veth peer name pod{i} netns {PODS}", f"link set veth{i} up"]
    lines.append("addr add 10.80.0.1/24 dev veth0")
    subprocess.run(["ip", "-n", HOST, "-batch", "-"], input="\n".join(lines), text=True, check=True)
    lines = [f"link set pod{i} up" for i in range(count)] + ["addr add 10.80.0.2/24 dev pod0"]
    subprocess.run(["ip", "-n", PODS, "-batch", "-"], input="\n".join(lines), text=True, check=True)


def configure(path, count, direction):
    with open(path, "w", encoding="utf-8") as out:
        out.write("init_config: {log_to_file: false, log_level: debug}\ninstances:\n")
        for i in range(count):
            out.write(f"- {{interface: veth{i}, ips: [10.80.0.0/24], direction: {direction}}}\n")


def when(line):
    clock = re.match(r"\S+T(\d+):(\d+):([\d.]+)Z", line)
    return int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3])


def attached(path, count):
    """Seconds from the first interface that is measured to the last."""
    for _ in range(600):
        with open(path, encoding="utf-8") as log:
            found = [line for line in log if "DEBUG measuring on" in line]
        if len(found) >= count:
            return when(found[-1]) - when(found[0])
        time.sleep(0.1)
    raise SystemExit(f"only {len(found)} of {count} interfaces are measured")


def bpf_bytes(pid):
    """Each object once, however many descriptors it has."""
    objects = {}
    for path in glob.glob(f"/proc/{pid}/fdinfo/*"):
        with open(path, encoding="utf-8") as info:
            fields = dict(line.split(":", 1) for line in info if ":" in line)
        for key in ("map_id", "prog_id"):
            if key in fields and "memlock" in fields:
                objects[key, fields[key]] = int(fields["memlock"])
    return sum(objects.values())


def ring_bytes(pid):
    inodes = set()
    for path in glob.glob(f"/proc/{pid}/fd/*"):
        target = os.readlink(path)
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    with open(f"/proc/{pid}/net/packet", encoding="utf-8") as table:
        return RING * sum(line.split()[-1] in inodes for line in table)


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) * 1024


def cpu_seconds(pid):
    with open(f"/proc/{pid}/schedstat", encoding="utf-8") as stat:
        return int(stat.read().split()[0]) / 1e9


def measure(directory, count, backend, direction):
    config, log = os.path.join(directory, "metro.yaml"), os.path.join(directory, "metro.log")
    configure(config, count, direction)
    with open(log, "w", encoding="utf-8") as errors:
        metro = within(HOST, f"{BUILD}/bpf-metro", "--backend", backend, "--output", "statsd", "-c",
                       config, stderr=errors)
    try:
        seconds = attached(log, count)
        load = within(HOST, f"{BUILD}/tcp_load", "client", "--connect", "10.80.0.2", "--port",
                      "5000", "--connections", "20", "--rate", "200", "--seconds",
                      str(LOAD_SECONDS), stdout=subprocess.DEVNULL)
        time.sleep(1)
        before = cpu_seconds(metro.pid)
        time.sleep(LOAD_SECONDS - 2)
        cpu = (cpu_seconds(metro.pid) - before) / (LOAD_SECONDS - 2)
        load.wait()
        kernel = bpf_bytes(metro.pid) + ring_bytes(metro.pid)
        print(f"| {count} | {backend} | {direction} | {1000 * seconds:.0f} ms | "
              f"{resident(metro.pid) / 2**20:.1f} MB | {kernel / 2**20:.1f} MB | "
              f"{100 * cpu:.2f} % |", flush=True)
    finally:
        metro.send_signal(signal.SIGINT)
        metro.wait()


def main():
    run("ip", "netns", "add", HOST)
    run("ip", "netns", "add", PODS)
    server = None
    try:
        make_interfaces(200)
        server = within(PODS, f"{BUILD}/tcp_load", "server", "--port", "5000",
                        stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        print("| interfaces | backend | direction | first to last attached | resident | kernel | "
              "own CPU |\n|---:|---|---|---:|---:|---:|---:|", flush=True)
        with tempfile.TemporaryDirectory() as directory:
            for count in (1, 20, 200):
                for backend in ("bpf", "pcap"):
                    for direction in ("out", "both"):
                        measure(directory, count, backend, direction)
    finally:
        if server:
            server.send_signal(signal.SIGINT)
            server.wait()
        run("ip", "netns", "delete", HOST)
        run("ip", "netns", "delete", PODS)


if __name__ == "__main__":
    main()
