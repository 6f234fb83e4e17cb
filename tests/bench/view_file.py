#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""view_file.py FILE [ROUNDS]: what -r FILE --output top costs beside --output summary and text.

Each in turn, by CPU time, and for top in a terminal of 200 columns. A key is pressed as often as somebody
who holds it down does; how long the answer takes is said, too.
"""
import fcntl
import os
import pty
import resource
import select
import statistics
import struct
import subprocess
import sys
import termios
import time

BUILD = os.environ.get("BUILD", "build")
KEY_SECONDS = 0.2


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def printed(path, output):
    before = cpu_seconds()
    subprocess.run([f"{BUILD}/bpf-metro", "-r", path, "--output", output], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=True)
    return cpu_seconds() - before


def seen(path, keys, delays):
    """The same in a terminal, until it says that it is done."""
    before = cpu_seconds()
    child, terminal = pty.fork()
    if not child:
        os.environ["TERM"], os.environ["LC_ALL"] = "xterm", "C.UTF-8"
        os.execv(f"{BUILD}/bpf-metro", ["bpf-metro", "-r", path, "--output", "top"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    text, pressed, last = b"", None, time.monotonic()
    while b"done: " not in text:
        ready = select.select([terminal], [], [], 0.01)[0]
        if ready:
            text = text[-100:] + os.read(terminal, 65536)
            if pressed:
                delays.append(time.monotonic() - pressed)
                pressed = None
        if keys and not pressed and time.monotonic() - last > KEY_SECONDS:
            pressed = last = time.monotonic()
            os.write(terminal, b"n")
    os.write(terminal, b"q")
    while True:
        try:
            if not os.read(terminal, 65536):
                break
        except OSError:
            break
    os.waitpid(child, 0)
    os.close(terminal)
    return cpu_seconds() - before


def main():
    path, rounds, delays = sys.argv[1], int((sys.argv[2:] or ["5"])[0]), []
    ways = {"summary": lambda: printed(path, "summary"), "text": lambda: printed(path, "text"),
            "top": lambda: seen(path, False, []), "top, 5 keys a second": lambda: seen(path, True, delays)}
    seconds = {name: [] for name in ways}
    printed(path, "summary")  # into the page cache
    for _ in range(rounds):
        for name, measure in ways.items():
            seconds[name].append(measure())
    for name, values in seconds.items():
        shares = [a / b for a, b in zip(values, seconds["summary"])]
        print(f"{name}: {statistics.median(values):.2f} s ({min(values):.2f} .. {max(values):.2f}), "
              f"{statistics.median(shares):.3f} times summary ({min(shares):.3f} .. {max(shares):.3f})")
    print(f"keys: {len(delays)}, answered after {statistics.median(delays) * 1e3:.0f} ms, "
          f"{max(delays) * 1e3:.0f} ms at most")


main()
