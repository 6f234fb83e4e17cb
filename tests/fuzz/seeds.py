#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Writes the seed corpora: seeds.py DIRECTORY. What is found by fuzzing goes there, too."""
import glob
import gzip
import os
import struct
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, 'tests', 'tools'))
from wrap_capture import KINDS  # pylint: disable=wrong-import-position

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def tcp(seq, ack, flags, payload=b'', back=False, options=b''):
    ports = (443, 40000) if back else (40000, 443)
    header = struct.pack('>HHIIBBHHH', *ports, seq & 0xffffffff, ack & 0xffffffff,
                         (20 + len(options)) // 4 << 4, flags, 65535, 0, 0)
    return header + options + payload


def ipv4(segment, back=False, fragment=0x4000):
    ends = (b'\x0a\0\0\2', b'\x0a\0\0\1') if back else (b'\x0a\0\0\1', b'\x0a\0\0\2')
    return struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(segment), 1, fragment, 64, 6, 0) + \
        ends[0] + ends[1] + segment


def ipv6(segment, back=False, extensions=b'', first=6):
    ends = [b'\xfd' + bytes(14) + b'\1', b'\xfd' + bytes(14) + b'\2']
    if back:
        ends.reverse()
    return struct.pack('>IHBB', 0x60000000, len(extensions) + len(segment), first, 64) + \
        ends[0] + ends[1] + extensions + segment


def ethernet(packet, tags=()):
    kind = 0x86dd if packet[0] >> 4 == 6 else 0x0800
    frame = bytes.fromhex('020000000002020000000001')
    for tag in tags:
        frame += struct.pack('>HH', tag, 7)
    return frame + struct.pack('>H', kind) + packet


def connection(ip=ipv4, wrap=0xffffff00):
    """[(microseconds since the last, sent?, IP packet)] with loss, a keep-alive and an end."""
    n, p = wrap, 1000
    return [
        (0, True, ip(tcp(n - 1, 0, SYN))),
        (500, False, ip(tcp(p - 1, n, SYN | ACK, back=True), back=True)),
        (10, True, ip(tcp(n, p, PSH | ACK, b'a' * 90))),
        (20, True, ip(tcp(n + 90, p, PSH | ACK, b'b' * 90))),
        (30, True, ip(tcp(n + 180, p, PSH | ACK, b'c' * 90))),
        (500, False, ip(tcp(p, n + 90, ACK, b'd' * 10, back=True), back=True)),
        (10, False, ip(tcp(p + 10, n + 90, ACK, back=True), back=True)),
        (10, True, ip(tcp(n + 90, p + 10, PSH | ACK, b'b' * 90))),
        (500, False, ip(tcp(p + 10, n + 270, ACK, back=True), back=True)),
        (10, True, ip(tcp(n + 270, p + 10, PSH | ACK, b'e' * 50))),
        (600, False, ip(tcp(p + 10, n + 320, ACK, back=True), back=True)),
        (30000, True, ip(tcp(n + 319, p + 10, ACK, b'\0'))),
        (600, False, ip(tcp(p + 10, n + 320, ACK, back=True), back=True)),
        (10, True, ip(tcp(n + 320, p + 10, FIN | PSH | ACK, b'f'))),
        (400, False, ip(tcp(p + 10, n + 322, FIN | ACK, back=True), back=True)),
        (10, True, ip(tcp(n + 322, p + 11, RST | ACK))),
    ]


def long_flight():
    """More outstanding than marks."""
    packets = [(3 + i % 7, True, ipv4(tcp(50 * i, 1, ACK, b'x' * 50))) for i in range(40)]
    return packets + [(20, False, ipv4(tcp(1, 50 * i, ACK, back=True), back=True))
                      for i in range(1, 41, 2)]


def engine(settings, packets, link=0, wrap=lambda p: p):
    out = bytes([settings])
    for delta, sent, packet in packets:
        frame = wrap(packet)[:255]
        out += struct.pack('<HBB', delta, (1 if sent else 2) | link << 2, len(frame)) + frame
    return out


HEADERS = {
    'hop': (0, bytes([6, 0]) + bytes(6)),
    'chain': (60, bytes([43, 1]) + bytes(14) + bytes([44, 0]) + bytes(6) + bytes([6]) + bytes(7)),
    'fragment': (44, bytes([6, 0, 0, 1]) + bytes(4)),
    'ah': (51, bytes([6, 4]) + bytes(22)),
}


def with_extension(name):
    first, extensions = HEADERS[name]
    return lambda segment, back=False: ipv6(segment, back, extensions, first)


def engine_seeds():
    yield 'ipv4', engine(0x00, connection(), 0, ethernet)
    yield 'ipv6', engine(0x0e, connection(ipv6), 0, ethernet)
    yield 'handshakes', engine(0x20, connection() + [(d, not s, p) for d, s, p in connection()], 1)
    yield 'raw', engine(0x80, connection(), 1)
    yield 'sll', engine(0x00, connection(), 2, lambda p: bytes(14) + b'\x08\0' + p)
    yield 'sll2', engine(0x00, connection(), 3, lambda p: b'\x08\0' + bytes(18) + p)
    yield 'null', engine(0x00, connection(ipv6), 4, lambda p: b'\x1e\0\0\0' + p)
    yield 'vlan', engine(0x41, connection(), 0, lambda p: ethernet(p, (0x88a8, 0x8100, 0x9100)))
    yield 'long', engine(0x05, long_flight(), 1)
    for name in HEADERS:
        yield 'ipv6-' + name, engine(0x03, connection(with_extension(name)), 1)
    both = connection() + [(d, not s, p) for d, s, p in connection()]
    yield 'both', engine(0x02, both, 1)


def samples_seeds():
    yield 'plain', bytes([1, 1]) + bytes([80, 0, 9, 80, 0, 9, 84, 2, 0, 84, 2, 0] * 4)
    yield 'loss', bytes([9, 0]) + bytes([80, 0, 9] * 5 + [84, 2, 0, 83, 3, 2, 80, 0, 5, 84, 2, 0,
                                         84, 0, 0, 80, 0, 5, 84, 0, 0])
    yield 'wrap', bytes([5, 2]) + bytes([80, 251, 90, 83, 7, 6, 86, 2, 255, 84, 0, 0] * 6)
    yield 'thin', bytes([0, 9]) + bytes([16, 0, 9] * 30 + [84, 6, 0] * 9 + [7, 0, 0, 23, 30, 0])


def pcap(packets, order='<', nano=False, link=1, wrap=ethernet, cut=None):
    out = struct.pack(order + 'IHHiIII', 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, 65535, link)
    now = 1700000000 * 10**6
    for delta, _, packet in packets:
        now += delta
        frame = wrap(packet)
        kept = frame[:cut]
        out += struct.pack(order + 'IIII', now // 10**6, now % 10**6 * (1000 if nano else 1),
                           len(kept), len(frame)) + kept
    return out


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack(order + 'II', kind, len(body) + 12) + body + \
        struct.pack(order + 'I', len(body) + 12)


def option(order, code, value):
    return struct.pack(order + 'HH', code, len(value)) + value + bytes(-len(value) % 4)


def pcapng(packets, order='<', interfaces=((1, 6, ethernet),)):
    out = block(order, 0x0a0d0d0a, struct.pack(order + 'IHHq', 0x1a2b3c4d, 1, 0, -1))
    for link, resolution, _ in interfaces:
        out += block(order, 1, struct.pack(order + 'HHI', link, 0, 65535) +
                     option(order, 9, bytes([resolution])) +
                     option(order, 14, struct.pack(order + 'q', 5)) + option(order, 0, b''))
    now = 1700000000 * 10**6
    for i, (delta, _, packet) in enumerate(packets):
        now += delta
        which = i % len(interfaces)
        link, resolution, wrap = interfaces[which]
        units = now * 2**(resolution & 0x7f) // 10**6 if resolution & 0x80 \
            else now * 10**resolution // 10**6
        frame = wrap(packet)
        out += block(order, 6, struct.pack(order + 'IIIII', which, units >> 32, units & 0xffffffff,
                                           len(frame), len(frame)) + frame + bytes(-len(frame) % 4) +
                     option(order, 2, bytes(4)) + option(order, 0, b''))
    out += block(order, 5, bytes(12))  # statistics
    out += block(order, 3, struct.pack(order + 'I', 60) + bytes(60))  # simple packet
    out += block(order, 2, struct.pack(order + 'HHIIII', 0, 0, 0, 0, 4, 4) + bytes(4))  # obsolete
    return out + block(order, 0x0bad, b'custom')


def capture_seeds():
    yield 'micro', pcap(connection())
    yield 'nano-big', pcap(connection(ipv6), '>', True)
    yield 'raw', pcap(connection(), link=101, wrap=lambda p: p)
    yield 'snap', pcap(connection(), cut=60)
    yield 'damaged', pcap(connection())[:-30]
    yield 'ng', pcapng(connection())
    yield 'ng-big', pcapng(connection(), '>')
    yield 'ng-mixed', pcapng(connection(), interfaces=((1, 9, ethernet), (101, 0x94, lambda p: p),
                                                       (147, 3, lambda p: p)))
    yield 'ng-twice', pcapng(connection()) + pcapng(connection(ipv6), '>')
    for name, (link, wrap) in KINDS.items():
        if not isinstance(wrap(ipv4(b'')), list):
            yield 'in-' + name, pcap(connection(), link=link, wrap=wrap)
    yield 'gzip', gzip.compress(pcap(connection()), mtime=0)
    yield 'gzip-ng', gzip.compress(pcapng(connection()), mtime=0)
    yield 'gzip-two', gzip.compress(pcap(connection())[:200], mtime=0) + \
        gzip.compress(pcap(connection())[200:], mtime=0) + bytes(9)
    yield 'flight', pcap(long_flight())


def http_seeds():
    """The first byte says how it is sent: fuzz_http.c."""
    prometheus = (b'Host: 127.0.0.1:9747\r\nUser-Agent: Prometheus/2.53\r\nAccept: application/openmetrics-text;version=1.0.0;'
                  b'q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2\r\nAccept-Encoding: gzip\r\n\r\n')
    chunks = b'Host: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
    for number, path in enumerate((b'/metrics', b'/healthz', b'/readyz', b'/', b'http://a/metrics?x=%41')):
        yield f'get-{number}', b'\0GET ' + path + b' HTTP/1.1\r\n' + prometheus
        yield f'head-{number}', b'\x20HEAD ' + path + b' HTTP/1.0\r\n\r\n'
        yield f'drops-{number}', b'\x03GET ' + path + b' HTTP/1.1\r\nHost: a\r\n\r\n'
    yield 'open', b'\x60GET /metrics HTTP/1.1\r\n' + prometheus
    yield 'half', b'\x40GET /metr'
    yield 'post', b'\0POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello'
    yield 'chunks', b'\0PUT /metrics HTTP/1.1\r\n' + chunks
    yield 'two', b'\0GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'
    yield 'long', b'\0GET /metrics HTTP/1.1\r\nX: ' + b'x' * 7900
    yield 'expect', b'\0GET /metrics HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nIf-None-Match: *\r\nRange: bytes=0-1\r\n\r\n'
    yield 'headers', (b'\x80application/openmetrics-text; version="1.0.0"; q=0.9, text/plain;q=0.5, */*;q=0.1\n'
                      b'identity;q=0, gzip;q=1.0, *;q=0')


def config_seeds():
    for pattern in ('packaging/*.yaml', 'tests/data/config/*.yaml', 'tests/fuzz/config/*.yaml'):
        for path in sorted(glob.glob(os.path.join(ROOT, pattern))):
            with open(path, 'rb') as file:
                yield os.path.basename(path), file.read()


def main():
    for target, seeds in (('engine', engine_seeds), ('samples', samples_seeds),
                          ('capture', capture_seeds), ('config', config_seeds),
                          ('http', http_seeds)):
        directory = os.path.join(sys.argv[1], target)
        os.makedirs(directory, exist_ok=True)
        for name, data in seeds():
            with open(os.path.join(directory, name), 'wb') as file:
                file.write(data)


main()
