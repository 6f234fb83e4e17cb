#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A name server over UDP for tests: A, AAAA and PTR from a file that is read again for each query.

    name_server.py ADDRESS FILE

Lines of the file, blank ones and those that begin with # aside:

    NAME ADDRESS        an A or AAAA record, any number of them for a name
    ADDRESS NAME        a PTR record; the name is sent as it is, \\NNN stands for a byte
    silent [WORD]       no answer to any query, or to those of a type (AAAA) or for a name
    fail [WORD]         SERVFAIL, likewise
    delay SECONDS       before each answer

What is not there does not exist: NXDOMAIN. Each query goes to standard output as "TYPE NAME".
"""
import ipaddress
import re
import socket
import struct
import sys
import threading

TYPES = {1: "A", 12: "PTR", 28: "AAAA"}
SERVFAIL, NXDOMAIN = 2, 3


def address(text):
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


class Zone:
    def __init__(self, path):
        self.records, self.silent, self.fail, self.delay = {}, set(), set(), 0.0
        with open(path, encoding="ascii") as lines:
            for line in lines:
                words = line.split()
                if words and not words[0].startswith("#"):
                    self.add(*words)

    def add(self, first, second="", *_):
        if first in ("silent", "fail"):
            getattr(self, first).add(second.lower())
        elif first == "delay":
            self.delay = float(second)
        elif address(first):
            name = address(first).reverse_pointer.lower()
            self.records.setdefault(name, []).append(("PTR", labels(second)))
        else:
            value = address(second)
            kind = "A" if value.version == 4 else "AAAA"
            self.records.setdefault(first.lower(), []).append((kind, value.packed))

    def meant(self, words, name, kind):
        return bool(words & {"", name.lower(), kind.lower()})


def labels(name):
    raw = re.sub(r"\\(\d{3})", lambda found: chr(int(found.group(1))), name).encode("latin-1")
    return b"".join(bytes([len(label)]) + label for label in raw.rstrip(b".").split(b".")) + b"\0"


def question(query):
    """The name asked for, the type, and where the question ends."""
    at, parts = 12, []
    while query[at]:
        parts.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    return ".".join(parts), TYPES.get(struct.unpack_from("!H", query, at + 1)[0], "other"), at + 5


def answer(zone, query):
    name, kind, end = question(query)
    known = zone.records.get(name.lower())
    found = [data for its_kind, data in known or [] if its_kind == kind]
    code = SERVFAIL if zone.meant(zone.fail, name, kind) else 0 if known else NXDOMAIN
    if code:
        found = []
    number = {text: number for number, text in TYPES.items()}.get(kind, 0)
    head = query[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, len(found), 0, 0)
    return head + query[12:end] + b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", number, 1, 0, len(data)) + data for data in found)


def main():
    host, path = sys.argv[1:]
    server = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((host, 53))
    print("answering", file=sys.stderr, flush=True)
    while True:
        query, client = server.recvfrom(4096)
        name, kind, _ = question(query)
        print(kind, name, flush=True)
        zone = Zone(path)
        if zone.meant(zone.silent, name, kind):
            continue
        timer = threading.Timer(zone.delay, server.sendto, (answer(zone, query), client))
        timer.daemon = True
        timer.start()


main()
