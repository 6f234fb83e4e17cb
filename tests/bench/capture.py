#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""capture.py FILE PACKETS CONNECTIONS PEERS: a large capture for timing, the same on every machine.

96 bytes of each packet, Ethernet, microseconds, at any time CONNECTIONS connections, which begin and
end as the file goes on; one in five is IPv6. By packets, about half belong to downloads (1448
bytes a segment, an ACK for every second), two fifths to request and response (in which nearly each
packet makes a sample), a tenth to connections of a single request, and one in fifty is UDP.
"""
import heapq
import random
import struct
import sys

SNAPLEN = 96
START_US = 1_790_000_000_000_000
SYN, ACK, PSH, FIN = 2, 16, 8, 1


class Side:
    """What one end sends: the headers that stay the same, and where its sequence numbers stand."""

    def __init__(self, addresses, ports, seq):
        self.v6 = len(addresses[0]) == 16
        self.ports = struct.pack(">HH", *ports)
        self.addresses = b"".join(addresses)
        self.seq = seq

    def packet(self, peer, flags, payload):
        tcp = self.ports + struct.pack(">IIBBHHHIII", self.seq & 0xffffffff, peer.seq & 0xffffffff,
                                       8 << 4, flags, 500, 0, 0, 0x0101080a, 1, 2)
        self.seq += payload + (1 if flags & (SYN | FIN) else 0)
        length = 32 + payload
        if self.v6:
            ip = b"\x86\xdd" + struct.pack(">IHBB", 6 << 28, length, 6, 64) + self.addresses
        else:
            ip = b"\x08\x00" + struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, 6, 0) + \
                self.addresses
        data = b"\x02\0\0\0\0\1\x02\0\0\0\0\2" + ip + tcp
        return len(data) + payload, data


def open_flow(rng, peers):
    if rng.random() < 0.2:
        client = b"\xfd\x77" + bytes(13) + b"\1"
        server = b"\x20\x01\x0d\xb8" + bytes(8) + struct.pack(">I", rng.randrange(peers))
    else:
        client = b"\x0a\x4d\0\1"
        server = struct.pack(">I", 0xc6120000 + rng.randrange(peers))
    ports = rng.randrange(2048, 65536), rng.choice((443, 443, 443, 80, 5432, 6379))
    return (Side((client, server), ports, rng.randrange(1 << 32)),
            Side((server, client), ports[::-1], rng.randrange(1 << 32)))


def connect(us, rtt, client, server):
    yield us, client.packet(Side.nobody, SYN, 0)
    yield us + rtt, server.packet(client, SYN | ACK, 0)
    yield us + rtt + 20, client.packet(server, ACK, 0)


def close(us, rtt, client, server):
    yield us, client.packet(server, FIN | ACK, 0)
    yield us + rtt, server.packet(client, FIN | ACK, 0)
    yield us + rtt + 20, client.packet(server, ACK, 0)


def requests(us, rtt, client, server, rng, count):
    yield from connect(us, rtt, client, server)
    us += rtt + 30
    for _ in range(count):
        yield us, client.packet(server, PSH | ACK, rng.randrange(40, 900))
        us += rtt + rng.randrange(200)
        yield us, server.packet(client, PSH | ACK, rng.randrange(40, 1400))
        pause = int(rng.expovariate(1 / 3000)) + 5
        if pause > 40000:
            yield us + 40000, client.packet(server, ACK, 0)
        us += pause
    yield from close(us, rtt, client, server)


def download(us, rtt, client, server, rng, count):
    """Measured at the client's end: its ACKs follow at once, the next window a round trip later."""
    yield from connect(us, rtt, client, server)
    us += rtt + 30
    yield us, client.packet(server, PSH | ACK, 300)
    window = 10
    while count > 0:
        us += rtt
        for i in range(0, min(window, count), 2):
            yield us, server.packet(client, ACK, 1448)
            yield us + 12, server.packet(client, ACK, 1448)
            yield us + 20 + rng.randrange(10), client.packet(server, ACK, 0)
            us += 40
        count -= window
        window = min(2 * window, 64)
    yield from close(us + 50, rtt, client, server)


def udp(us, _rtt, client, server, rng, count):
    for _ in range(count):
        size, data = client.packet(server, ACK, rng.randrange(100, 1000))
        protocol = 20 if client.v6 else 23
        yield us, (size, data[:protocol] + b"\x11" + data[protocol + 1:])
        us += rng.randrange(20000)


def begin(us, rng, peers):
    client, server = open_flow(rng, peers)
    rtt = min(300_000, int(rng.lognormvariate(9.2, 1.2)))
    kind = rng.random()
    if kind < 0.14:
        return download(us, rtt, client, server, rng, int(rng.expovariate(1 / 130)) + 10)
    if kind < 0.31:
        return requests(us, rtt, client, server, rng, int(rng.expovariate(1 / 45)) + 2)
    if kind < 0.33:
        return udp(us, rtt, client, server, rng, 40)
    return requests(us, rtt, client, server, rng, 1)


def packets(total, connections, peers, rng):
    waiting = []

    def advance(order, flow):
        step = next(flow, None)
        if step:
            heapq.heappush(waiting, (step[0], order, step[1], flow))
        return step

    for order in range(connections):
        advance(order, begin(rng.randrange(1_000_000), rng, peers))
    while total:
        us, order, packet, flow = heapq.heappop(waiting)
        yield us, packet
        total -= 1
        if not advance(order, flow):
            advance(order, begin(us + rng.randrange(1000), rng, peers))


def main():
    path, total, connections, peers = sys.argv[1], *map(int, sys.argv[2:])
    Side.nobody = Side((b"\0" * 4, b"\0" * 4), (0, 0), 0)
    header = struct.Struct("<IIII")
    with open(path, "wb", buffering=1 << 20) as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, SNAPLEN, 1))
        for us, (size, data) in packets(total, connections, peers, random.Random(1)):
            us += START_US
            payload = min(SNAPLEN, size) - len(data)
            out.write(header.pack(us // 1_000_000, us % 1_000_000, min(SNAPLEN, size), size))
            out.write(data + bytes(payload) if payload > 0 else data[:SNAPLEN])


main()
