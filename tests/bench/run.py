#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""run.py [PART...]: all that `make bench` measures, as two tables, and as JSON in build/bench.json.

Parts: kernel, live, daemon, offline, and peers, which has a table of its own; without any, all of them;
with some, the figures of the others stay. BENCH_SECONDS is how long a round of live traffic is (1),
BENCH_ROUNDS how many there are (7), BENCH_TRAFFIC picks from "bulk,64 rr,connections", BENCH_TOOLS by a
regular expression from the tools of peers. BENCH_INTO=FILE puts the tables of parts that were run into a
file, too, between the lines <!-- bench --> and <!-- /bench -->, <!-- peers --> and <!-- /peers -->. As root.
"""
import json
import os
import platform
import re
import subprocess
import sys

BUILD = os.environ.get("BUILD", "build")
PARTS = {
    "kernel": [f"{BUILD}/kernel_bench"],
    "live": ["bash", "tests/bench/live.sh"],
    "daemon": ["bash", "tests/bench/daemon.sh"],
    "offline": [sys.executable, "tests/bench/offline.py"],
    "peers": ["bash", "tests/bench/peers.sh"],
}

# Its columns: what a case is called after its tool, the heading, and what is shown of the figure.
PEERS = (
    ("64 rr", "64 rr, ratio", lambda figure: spread(figure)),
    ("CPU", ".. CPU a request", lambda figure: f"{figure['ratio']:.2f}"),
    ("samples", "samples a request", lambda figure: f"{figure['value']:.3g}"),
    ("connections", "connections, ratio", lambda figure: spread(figure)),
    ("bulk", "bulk, ratio", lambda figure: spread(figure)),
    ("own CPU", "own CPU, of 4 s", lambda figure: f"{figure['value']:.4f} s"),
    ("resident, at most", "resident", lambda figure: f"{figure['value'] / 1024:.0f} MB"),
)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    virtual = subprocess.run(["systemd-detect-virt"], capture_output=True, text=True).stdout.strip() \
        if os.path.exists("/usr/bin/systemd-detect-virt") else ""
    return {
        "cpu": model[1].strip() if model else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": "Linux " + platform.release().split("-")[0],
        "virtual": virtual if virtual != "none" else "",
    }


def run_part(name, command):
    """Its lines of JSON. A part that fails says why on standard error, and the others go on."""
    figures = []
    if not os.path.exists(command[-1]):
        print(f"bench: no {command[-1]}: part {name} is left out", file=sys.stderr)
        return figures, False
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith("{"):
                figures.append(json.loads(line))
                print(f"bench: {row(figures[-1])}", file=sys.stderr)
    return figures, process.returncode == 0


def number(value):
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def row(figure):
    spread = ""
    if figure["min"] != figure["max"]:
        spread = f"{number(figure['min'])} .. {number(figure['max'])}"
    return (f"| {figure['part']} | {figure['case']} | {number(figure['value'])} | {spread} "
            f"| {figure['unit']} | {number(figure['baseline'])} | {figure['ratio']:.4g} |")


def spread(figure):
    return f"{figure['ratio']:.2f} ({figure['ratio_min']:.2f} .. {figure['ratio_max']:.2f})"


def table(about, figures):
    lines = [f"{about}:", "", "| part | case | median | min .. max | unit | baseline | ratio |",
             "|---|---|---:|---:|---|---:|---:|"]
    return "\n".join(lines + [row(figure) for figure in figures]) + "\n"


def peers_table(about, figures):
    """A line for each tool."""
    tools = {}
    for figure in figures:
        name, case = figure["case"].split(": ")
        tools.setdefault(name, {})[case] = figure
    rounds = max(figure["rounds"] for figure in figures)
    lines = [f"{about}, {rounds} rounds:", "", "| tool | " + " | ".join(heading for _, heading, _ in PEERS) + " |",
             "|---|" + "---:|" * len(PEERS)]
    for name, found in tools.items():
        cells = [show(found[case]) if case in found else "-" for case, _, show in PEERS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def tables(parts, about):
    """By the mark that each has in a file."""
    virtual = ", a virtual machine" if about["virtual"] else ""
    about = f"{about['cpu']}, {about['cores']} cores{virtual}, {about['kernel']}"
    figures = [figure for name in PARTS if name != "peers" for figure in parts.get(name, [])]
    made = {"bench": table(about, figures)} if figures else {}
    if parts.get("peers"):
        made["peers"] = peers_table(about, parts["peers"])
    return made


def put_into(path, mark, text):
    with open(path, encoding="utf-8") as file:
        old = file.read()
    new = re.sub(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)",
                 lambda found: found[1] + "\n" + text + "\n" + found[2], old, flags=re.S)
    with open(path, "w", encoding="utf-8") as file:
        file.write(new)


def main():
    if os.geteuid() != 0:
        sys.exit("bench: this needs root")
    path, parts, all_well = f"{BUILD}/bench.json", {}, True
    if sys.argv[1:] and os.path.exists(path):  # the other parts stay as they are
        with open(path, encoding="utf-8") as file:
            parts = json.load(file)["parts"]
    run = sys.argv[1:] or list(PARTS)
    for name in run:
        parts[name], well = run_part(name, PARTS[name])
        all_well &= well
    about = machine()
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"machine": about, "parts": parts}, file, indent=1)
    for mark, text in tables(parts, about).items():
        print(text)
        if os.environ.get("BENCH_INTO") and (run != ["peers"] if mark == "bench" else "peers" in run):
            put_into(os.environ["BENCH_INTO"], mark, text)
    sys.exit(0 if all_well else 1)


main()
