#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""wrap_capture.py KIND... IN.pcap OUT.pcap: the same packets, at the same times, inside of a tunnel or
behind another link layer; {} in OUT stands for the kind. IN is a little-endian pcap of Ethernet. Without
arguments, lists the kinds.
"""
import struct
import sys

MACS = bytes.fromhex("020000000012020000000011")
A4, B4 = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
A6, B6 = bytes.fromhex("20010db8" + 23 * "0" + "1"), bytes.fromhex("20010db8" + 23 * "0" + "2")

ETHERNET, PPP, RAW, PPP_HDLC, C_HDLC, FRELAY, WIFI, RADIOTAP, NFLOG = 1, 9, 101, 50, 104, 107, 105, 127, 239


def ethertype(packet):
    return 0x86dd if packet[0] >> 4 == 6 else 0x0800


def ethernet(kind, payload):
    return MACS + struct.pack(">H", kind) + payload


def bare(packet):
    """An IP packet in Ethernet."""
    return ethernet(ethertype(packet), packet)


def checksum(header):
    words = sum(struct.unpack(f">{len(header) // 2}H", header))
    while words >> 16:
        words = (words & 0xffff) + (words >> 16)
    return ~words & 0xffff


def ipv4(protocol, payload, fragment=0):
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, fragment, 64, protocol, 0) + A4 + B4
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + payload


def ipv6(following, payload):
    return struct.pack(">IHBB", 6 << 28, len(payload), following, 64) + A6 + B6 + payload


def udp(port, payload):
    return struct.pack(">HHHH", 49152, port, 8 + len(payload), 0) + payload


def gre(flags, kind, payload):
    """With what the flags say there is: checksum (not verified by anyone here), key, sequence."""
    extra = b"".join(bytes([0, 0, 0, 9]) for bit in (0x8000, 0x2000, 0x1000) if flags & bit)
    return struct.pack(">HH", flags, kind) + extra + payload


def ppp(packet):
    return struct.pack(">H", 0x57 if packet[0] >> 4 == 6 else 0x21) + packet


def mpls(labels, payload):
    return b"".join(struct.pack(">I", (1000 + i) << 12 | (i == labels - 1) << 8 | 64)
                    for i in range(labels)) + payload


def snap(packet):
    return b"\xaa\xaa\x03\0\0\0" + struct.pack(">H", ethertype(packet)) + packet


def inner(packet):
    """The protocol number of IP that carries it."""
    return 41 if packet[0] >> 4 == 6 else 4


def wifi(packet):
    return bytes.fromhex("88010000") + MACS + MACS[:6] + bytes(4) + snap(packet)


VXLAN = bytes.fromhex("0800000000002a00")
KINDS = {  # link type of the file, and what becomes of an IP packet
    "ppp": (PPP, lambda p: b"\xff\x03" + ppp(p)),
    "ppp-hdlc": (PPP_HDLC, lambda p: b"\xff\x03" + ppp(p)),
    "cisco-hdlc": (C_HDLC, lambda p: b"\x0f\0" + struct.pack(">H", ethertype(p)) + p),
    "frame-relay": (FRELAY, lambda p: b"\x18\x41\x03" + (b"\x8e" if p[0] >> 4 == 6 else b"\xcc") + p),
    "llc-snap": (ETHERNET, lambda p: ethernet(min(1500, len(p) + 8), snap(p))),
    "802.11": (WIFI, wifi),
    "radiotap": (RADIOTAP, lambda p: bytes.fromhex("0000080000000000") + wifi(p)),
    "nflog": (NFLOG, lambda p: struct.pack("<BBHHHIHH", 10 if p[0] >> 4 == 6 else 2, 0, 0, 8, 1, 0,
                                           4 + len(p), 9) + p),
    "pppoe": (ETHERNET, lambda p: ethernet(0x8864, struct.pack(">BBHH", 0x11, 0, 1, len(p) + 2) + ppp(p))),
    "mpls": (ETHERNET, lambda p: ethernet(0x8847, mpls(1, p))),
    "mpls-3": (ETHERNET, lambda p: ethernet(0x8847, mpls(3, p))),
    "mpls-pseudowire": (ETHERNET, lambda p: ethernet(0x8847, mpls(2, bytes(4) + bare(p)))),
    "in-ipv4": (ETHERNET, lambda p: bare(ipv4(inner(p), p))),
    "in-ipv6": (RAW, lambda p: ipv6(inner(p), p)),
    "gre": (ETHERNET, lambda p: bare(ipv4(47, gre(0, ethertype(p), p)))),
    "gre-all": (ETHERNET, lambda p: bare(ipv4(47, gre(0xb000, ethertype(p), p)))),
    "gre-ethernet": (ETHERNET, lambda p: bare(ipv6(47, gre(0x2000, 0x6558, bare(p))))),
    "vxlan": (ETHERNET, lambda p: bare(ipv4(17, udp(4789, VXLAN + bare(p))))),
    "vxlan-ipv6": (ETHERNET, lambda p: bare(ipv6(17, udp(4789, VXLAN + bare(p))))),
    "geneve": (ETHERNET, lambda p: bare(ipv4(17, udp(6081, bytes.fromhex("024065580000070001038001") +
                                                     bytes(4) + bare(p))))),
    "gtp-u": (ETHERNET, lambda p: bare(ipv4(17, udp(2152, struct.pack(">BBHIHBB", 0x32, 255, len(p) + 4,
                                                                      5, 1, 0, 0) + p)))),
    "mpls-in-vxlan-in-gre": (ETHERNET, lambda p: bare(ipv4(47, gre(0x2000, 0x0800, ipv4(
        17, udp(4789, VXLAN + ethernet(0x8847, mpls(2, p)))))))),
    # Each packet twice.
    "bare-and-vxlan": (ETHERNET, lambda p: [bare(p), bare(ipv4(17, udp(4789, VXLAN + bare(p))))]),
    "gre-and-bare": (ETHERNET, lambda p: [bare(ipv4(47, gre(0, ethertype(p), p))), bare(p)]),
    # What is not read, or cannot be.
    "esp": (ETHERNET, lambda p: bare(ipv4(50, bytes([0, 0, 1, 0]) + p))),
    "l2tp": (RAW, lambda p: ipv4(17, udp(1701, bytes.fromhex("000200010001ff03") + ppp(p)))),
    "user0": (147, lambda p: p),
    "cut": (ETHERNET, lambda p: bare(p)[:40]),
    "vxlan-fragments": (ETHERNET, lambda p: bare(ipv4(17, udp(4789, VXLAN + bare(p)), 0x2000))),
}


def packets(data):
    """(16 bytes of header, IP packet) of all IP packets."""
    at = 24
    while at < len(data):
        header, length = data[at:at + 16], struct.unpack_from("<I", data, at + 8)[0]
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        if frame[12:14] in (b"\x08\0", b"\x86\xdd"):
            yield header, frame[14:]


def write(path, kind, data):
    link, wrap = KINDS[kind]
    with open(path, "wb") as out:
        out.write(data[:20] + struct.pack("<I", link))
        for header, packet in packets(data):
            frames = wrap(packet)
            for frame in frames if isinstance(frames, list) else [frames]:
                length, whole = struct.unpack_from("<II", header, 8)
                whole += max(0, len(frame) - length)
                out.write(header[:8] + struct.pack("<II", len(frame), whole) + frame)


def main():
    if len(sys.argv) < 4:
        print(*KINDS)
        return
    *kinds, path, out = sys.argv[1:]
    with open(path, "rb") as file:
        data = file.read()
    for kind in kinds:
        write(out.replace("{}", kind), kind, data)


if __name__ == "__main__":
    main()
