# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the parts of the benchmark share: figures as lines of JSON, processes, and what they cost."""
import json
import os
import re
import signal
import statistics
import subprocess
import time

BUILD = os.environ.get("BUILD", "build")
SCALE = float(os.environ.get("BENCH_SECONDS", "1"))  # length of a round; others follow it
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))


def emit(part, case, unit, values, baseline, ratios):
    """One line: medians of the values, of the baseline's, and of the ratios of neighbours."""
    print(json.dumps({
        "part": part, "case": case, "unit": unit,
        "value": statistics.median(values), "min": min(values), "max": max(values),
        "baseline": statistics.median(baseline), "ratio": statistics.median(ratios),
        "ratio_min": min(ratios), "ratio_max": max(ratios), "rounds": len(values),
    }), flush=True)


def ratio(value, baseline):
    return value / baseline if baseline else 0.0


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def busy_ns():
    """What all CPUs have done since the start, in ns: all but idling and waiting."""
    fields = [int(field) for field in read("/proc/stat").split("\n")[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, _steal = fields
    return (user + nice + system + irq + softirq) * (1_000_000_000 // os.sysconf("SC_CLK_TCK"))


def process_ns(pid):
    """What a process has used of the CPUs, all threads. (/proc/PID/stat counts in steps of 10 ms.)"""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        total += int(read(f"/proc/{pid}/task/{task}/schedstat").split()[0])
    return total


def run_and_time(commands):
    """Runs commands side by side; returns what they printed and the CPU time they used in ns."""
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
    output, total = b"", 0.0
    for process in processes:
        output += process.stdout.read()
        process.stdout.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        total += usage.ru_utime + usage.ru_stime
        # Of 40,000 connections a second now and then one meets an old one of its port, and is reset.
        if process.returncode and not output:
            raise RuntimeError(f"{process.args} failed")
    return output, int(total * 1e9)


def memory_kb(pid):
    """Resident memory, now and at most."""
    text = read(f"/proc/{pid}/status")
    return [int(re.search(rf"{name}:\s*(\d+)", text)[1]) for name in ("VmRSS", "VmHWM")]


class Metro:
    """A bpf-metro with default settings that measures the client's interface and ships to StatsD."""

    def __init__(self, networks, *options):
        directory = os.environ["METRO_TMP"]
        config = os.path.join(directory, "bench.yaml")
        write(config, "init_config:\n  statsd_ip: 127.0.0.1\n  statsd_port: 8125\n"
              "  log_to_file: false\ninstances:\n"
              f"  - interface: {os.environ['METRO_CLIENT_IF']}\n    ips: [{networks}]\n")
        self.log = os.path.join(directory, "bench-metro.log")
        printed = os.path.join(directory, "bench-metro.out")
        with open(self.log, "w", encoding="ascii") as log, open(printed, "wb") as output:
            self.process = subprocess.Popen(
                in_client(f"{BUILD}/bpf-metro", "-c", config, *options), stdout=output, stderr=log)
        self.pid = self.process.pid
        deadline = time.monotonic() + 15
        while "INFO measuring on" not in read(self.log):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError("bpf-metro does not measure:\n" + read(self.log))
            time.sleep(0.02)

    def programs(self):
        """The BPF programs it has loaded: id by name."""
        ids = set()
        for fd in os.listdir(f"/proc/{self.pid}/fdinfo"):
            found = re.search(r"prog_id:\s*(\d+)", read(f"/proc/{self.pid}/fdinfo/{fd}"))
            if found:
                ids.add(int(found[1]))
        return ids

    def stop(self):
        """Ends it; returns its counters."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        line = re.findall(r"INFO counters: (.*)", read(self.log))[-1]
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line)}


def in_client(*command):
    return ["ip", "netns", "exec", os.environ["METRO_CLIENT_NS"], *command]


class Losses:
    """Samples made and lost by way of measuring, over all rounds."""

    def __init__(self):
        self.counts = {}

    def add(self, case, counters):
        made, lost, refused = self.counts.get(case, (0, 0, 0))
        self.counts[case] = (made + counters["samples"],
                             lost + counters["ring_lost"] + counters["capture_drops"],
                             refused + counters["flows_refused"])

    def emit(self):
        for case, (made, lost, refused) in self.counts.items():
            emit("lost", case, "samples", [lost], [made], [ratio(lost, made)])
            if refused:
                emit("lost", case + ": segments of flows beyond max_flows", "segments", [refused],
                     [made], [ratio(refused, made)])
