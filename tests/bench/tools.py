# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What peers.py runs beside the traffic: bpf-metro in several ways, empty programs, and other tools.

Nothing of others is built or brought here. What is in PATH is used; what is not is left out by name:

    epping or pping with pping_kern.o beside it   ePPing, github.com/xdp-project/bpf-examples
    pping without                                 github.com/pollere/pping
    go-metro                                      github.com/DataDog/go-metro
    tcpdump

A tool is a function that starts it, or raises Missing. It returns an object with pid (None: there is no
process whose cost could be asked), and stop(), which ends it and returns how many samples it delivered
(None: it does not say).
"""
import os
import re
import signal
import subprocess
import time

import figures
from figures import Metro
from traffic import INTERFACE, SERVERS, EmptyPrograms, run_traffic

OUTPUT = os.path.join(os.environ["METRO_TMP"], "tool.out")
ERRORS = os.path.join(os.environ["METRO_TMP"], "tool.err")


class Missing(Exception):
    """It is not installed, or does not run here."""


def lines_with(pattern):
    """How many lines of the output have it. A million lines are not worth reading into memory."""
    run = subprocess.run(["grep", "-c", "-e", pattern, OUTPUT], capture_output=True, text=True, check=False)
    return int(run.stdout)


class Empty:
    def __init__(self, *hooks):
        self.pid = None
        self.programs = EmptyPrograms(*hooks)
        if not self.programs.attached:
            self.programs.stop()
            raise Missing("TCX")

    def stop(self):
        self.programs.stop()


class Ours:
    """A bpf-metro. Samples are those that it printed, or those that its counters say reached it."""

    def __init__(self, *options):
        self.prints = "--output" in options
        with open(OUTPUT, "w", encoding="ascii") as output:
            self.metro = Metro(SERVERS, *options, output=output)
        self.pid = self.metro.pid

    def stop(self):
        counters = self.metro.stop()
        return lines_with('"rtt_ns"') if self.prints else counters["samples"] - counters["ring_lost"]


class Other:
    """A tool of others, which writes to a file. It measures once ready() says so, or after a second."""

    def __init__(self, command, ready, count, directory=None, keeps=0):
        """keeps: how long it may keep what it has measured, in seconds, until a later sample comes."""
        self.count, self.keeps = count, keeps
        with open(OUTPUT, "w", encoding="ascii") as output, open(ERRORS, "w", encoding="ascii") as errors:
            self.process = subprocess.Popen(figures.in_client(*command), cwd=directory,
                                            stdout=output, stderr=errors)
        self.pid = self.process.pid
        deadline = time.monotonic() + (15 if ready else 1)
        while time.monotonic() < deadline and not (ready and ready()):
            if self.process.poll() is not None:
                raise Missing(f"{command[0]} that runs here: {figures.read(ERRORS).strip()}")
            time.sleep(0.02)

    def stop(self):
        if self.keeps:
            time.sleep(self.keeps)
            run_traffic("last words")
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return self.count()


# ---- others

def installed(name, accept=lambda directory: True):
    """The first such program in PATH whose directory, all links followed, is acceptable."""
    for directory in os.environ["PATH"].split(":"):
        path = os.path.realpath(os.path.join(directory, name))
        if os.path.isfile(path) and os.access(path, os.X_OK) and accept(os.path.dirname(path)):
            return path
    raise Missing(name)


def programs_attached():
    run = subprocess.run(figures.in_client(f"{figures.BUILD}/bpf_neighbour", "list", INTERFACE),
                         capture_output=True, check=False)
    return b"tcx-ingress" in run.stdout and b"tcx-egress" in run.stdout


def has_kernel_part(directory):
    return os.path.exists(os.path.join(directory, "pping_kern.o"))


def epping(*options):
    try:
        path = installed("epping", has_kernel_part)
    except Missing:
        path = installed("pping", has_kernel_part)

    def count():
        if "-a" in options:
            return sum(int(found) for found in re.findall(r"rtt-count=(\d+)", figures.read(OUTPUT)))
        return lines_with(" ms .* ms TCP ")

    # It looks for its kernel part where it is started.
    return Other((path, "-i", INTERFACE, "-T", *options), programs_attached, count,
                 os.path.dirname(path), keeps=1.1 if "-a" in options else 0)


def pollere_pping():
    path = installed("pping", lambda directory: not has_kernel_part(directory))

    def count():
        return lines_with("[0-9]")

    return Other((path, "-q", "-m", "-i", INTERFACE), None, count, keeps=0.15)


def go_metro():
    """It reports every 30 s, and not how many samples there were. Without times to live, as in its sample file,
    it forgets each connection at once."""
    config = os.path.join(os.environ["METRO_TMP"], "go-metro.yaml")
    figures.write(config, "init_config: {snaplen: 512, statsd_ip: 127.0.0.1, statsd_port: 8125, "
                          "log_to_file: false, log_level: warn, idle_ttl: 300, expired_ttl: 60}\n"
                          f"instances: [{{interface: {INTERFACE}, ips: [{SERVERS[0]}]}}]\n")
    return Other((installed("go-metro"), f"-cfg={config}"), None, lambda: None)


def tcpdump():
    return Other((installed("tcpdump"), "-i", INTERFACE, "-w", "-"),
                 lambda: "listening on" in figures.read(ERRORS), lambda: None)


TOOLS = {
    "empty programs, TC": lambda: Empty("tcx-egress", "tcx-ingress"),
    "empty programs, XDP": lambda: Empty("tcx-egress", "xdp"),
    "bpf-metro, TC, StatsD": lambda: Ours("--backend", "bpf", "--hook", "tc"),
    "bpf-metro, TC, JSON": lambda: Ours("--backend", "bpf", "--hook", "tc", "--output", "json"),
    "bpf-metro, XDP, StatsD": lambda: Ours("--backend", "bpf", "--hook", "xdp"),
    "bpf-metro, libpcap, StatsD": lambda: Ours("--backend", "pcap"),
    "bpf-metro, libpcap, JSON": lambda: Ours("--backend", "pcap", "--output", "json"),
    "ePPing, every RTT": lambda: epping("-r", "0"),
    "ePPing, one in 100 ms": lambda: epping("-r", "100"),
    "ePPing, aggregated": lambda: epping("-r", "0", "-a", "1"),
    "pollere pping": pollere_pping,
    "go-metro": go_metro,
    "tcpdump -w": tcpdump,
}
