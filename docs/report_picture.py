#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Makes docs/report.png: the page of --output html, as Chromium shows it.

    make && python3 docs/report_picture.py

The capture is one of the benchmarks', the same on every machine.
"""
import os
import subprocess
import sys
import tempfile

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, "tests/tools")
import browser  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
PACKETS, CONNECTIONS, PEERS = 40000, 10, 4
LOCAL = "10.77.0.1,fd77::1"
WIDTH, HEIGHT = 1120, 1560


def main():
    with tempfile.TemporaryDirectory() as directory:
        capture, report = (os.path.join(directory, name) for name in ("trace.pcap", "report.html"))
        subprocess.run([sys.executable, "tests/bench/capture.py", capture, str(PACKETS), str(CONNECTIONS), str(PEERS)],
                       check=True)
        with open(report, "wb") as page:
            subprocess.run([os.path.abspath(f"{BUILD}/bpf-metro"), "-r", "trace.pcap", "--local", LOCAL,
                            "--output", "html"],
                           stdout=page, cwd=directory, check=True)
        with browser.Browser(WIDTH, HEIGHT) as page:
            page.open(report)
            # The table and one pair are what it is about.
            page.run("document.getElementById('total').remove()")
            page.point("section.pair svg[role=img]", 60, 20)
            page.run("scrollTo(0, 0)")
            with open("docs/report.png", "wb") as picture:
                picture.write(page.picture())


main()
