#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What test_openmetrics.sh asks of /metrics and of Prometheus.

openmetrics.py COMMAND ARGUMENT...: status 0 if it holds, else it says what does not.
"""
import gzip
import http.client
import json
import math
import re
import socket
import sys
import threading
import time
import urllib.parse

LINE = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
RTT = "bpf_metro_tcp_rtt_seconds"


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(self.host)


def get(place, path, **headers):
    """Returns (status, headers, body). place is HOST:PORT or a path."""
    connection = (UnixConnection if place[0] == "/" else http.client.HTTPConnection)(place, timeout=5)
    connection.request("GET", path, headers={key.replace("_", "-"): value for key, value in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


def parse(text):
    """Returns {(name, frozenset of labels): value}."""
    samples = {}
    for line in text.splitlines():
        if line and line[0] != "#":
            name, labels, value = LINE.match(line).groups()
            key = name, frozenset(LABEL.findall(labels or ""))
            assert key not in samples, f"twice: {line}"
            samples[key] = float(value)
    return samples


def scrape(place):
    status, _, body = get(place, "/metrics")
    assert status == 200, status
    return parse(body.decode())


def total(samples, name):
    return sum(value for (key, _), value in samples.items() if key == name)


def rtts(path):
    with open(path, encoding="utf-8") as lines:
        return [(row["src"], row["dst"], row["rtt_ns"]) for row in map(json.loads, lines)]


def counted(place, least):
    """So many samples have been added up."""
    now = total(scrape(place), f"{RTT}_count")
    assert now >= float(least), f"{now} samples"


def equals_json(place, path):
    """Every bucket, sum and count is what the daemon's own lines make."""
    samples, rows = scrape(place), rtts(path)
    assert rows, "no samples"
    pairs = {row[:2] for row in rows}
    for src, dst in pairs:
        mine = [ns for *pair, ns in rows if tuple(pair) == (src, dst)]
        seen = 0
        for (name, labels), value in samples.items():
            labels = dict(labels)
            if (labels.get("src"), labels.get("dst")) != (src, dst) or not name.startswith(RTT):
                continue
            seen += 1
            if name.endswith("_bucket"):
                expected = sum(ns <= float(labels["le"]) * 1e9 for ns in mine)
            else:
                expected = len(mine) if name.endswith("_count") else sum(mine) / 1e9
            assert math.isclose(value, expected, rel_tol=1e-12), (name, labels, value, expected)
        assert seen == 24, seen
    assert total(samples, f"{RTT}_count") == len(rows), (total(samples, f"{RTT}_count"), len(rows))
    print(f"{len(rows)} samples of {len(pairs)} pairs")


def labels(place, *expected):
    """Each series of peers has just these labels, NAME=VALUE."""
    wanted = dict(pair.split("=", 1) for pair in expected)
    found = 0
    for (name, have), _ in scrape(place).items():
        if name.startswith("bpf_metro_tcp_"):
            have = {key: value for key, value in have if key not in ("le", "src", "dst")}
            assert have == wanted, have
            found += 1
    assert found, "no series"


def equals_log(place, path):
    """Counters that the log has at the end, when nothing has passed since the scrape kept in path."""
    with open(path, encoding="utf-8") as log:
        line = [line for line in log if "counters: " in line][-1].partition("counters: ")[2]
    with open(place, encoding="utf-8") as text:
        samples = parse(text.read())
    pairs = dict(pair.split("=") for pair in line.split())
    assert len(pairs) >= 17
    for name, value in pairs.items():
        shown = samples[f"bpf_metro_{name}_total", frozenset()]
        assert shown == float(value), (name, shown, value)
    print(" ".join(f"{key}={value}" for key, value in pairs.items() if value != "0"))


def value(place, name):
    print(f"{total(scrape(place), name):.15g}")


def text(place):
    sys.stdout.write(get(place, "/metrics")[2].decode())


def status(place, path, expected, pattern="."):
    code, _, body = get(place, path)
    assert code == int(expected) and re.search(pattern, body.decode()), (code, body)


def forms(place):
    """The same figures, negotiated."""
    _, headers, plain = get(place, "/metrics")
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers
    _, headers, new = get(place, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0"), headers
    assert new.endswith(b"\n# EOF\n")
    _, headers, packed = get(place, "/metrics", Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip", headers
    moving = re.compile(rb"^(bpf_metro_(report|datagrams)|# ).*\n", re.M)
    assert moving.sub(b"", gzip.decompress(packed)) == moving.sub(b"", plain) == moving.sub(b"", new)


def query(prometheus, text):
    code, _, body = get(prometheus, "/api/v1/query?query=" + urllib.parse.quote(text))
    assert code == 200, body
    return [(row["metric"], float(row["value"][1])) for row in json.loads(body)["data"]["result"]]


def prometheus_has(prometheus, text, expected):
    found = query(prometheus, text)
    assert len(found) == 1 and found[0][1] == float(expected), (text, found, expected)


def quantiles(prometheus, job, path):
    """histogram_quantile lies in the bucket that the true quantile lies in."""
    values = sorted(ns / 1e9 for *_, ns in rtts(path))
    bounds = sorted(float(metric["le"]) for metric, _ in query(prometheus, f'sum by (le) ({RTT}_bucket{{job="{job}"}})'))
    for share in (0.01, 0.25, 0.5, 0.95, 0.99):
        true = values[max(0, math.ceil(share * len(values)) - 1)]
        (_, got), = query(prometheus, f'histogram_quantile({share}, sum by (le) ({RTT}_bucket{{job="{job}"}}))')
        high = min(bound for bound in bounds if bound >= true)
        low = max([bound for bound in bounds if bound < true], default=0)
        assert low <= got <= high, (share, true, got, low, high)
        print(f"p{share * 100:g}: {true * 1e3:.3f} ms, Prometheus says {got * 1e3:.3f} ms")


def fetch(place, buffer, encoding):
    """Returns (milliseconds, bytes of the answer), which is in buffer: no more than the server's part and a copy."""
    host, port = place.split(":")
    begin, length = time.monotonic(), 0
    with socket.create_connection((host, int(port)), timeout=5) as client:
        client.sendall(f"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {encoding}\r\n\r\n".encode())
        while count := client.recv_into(memoryview(buffer)[length:]):
            length += count
    return (time.monotonic() - begin) * 1e3, length


def plain_ms(buffer, sent):
    """How long these bytes take from a server that does nothing but send them."""
    def serve():
        with server.accept()[0] as client:
            client.recv(4096)
            client.sendall(sent)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        ms, _ = fetch(f"127.0.0.1:{server.getsockname()[1]}", buffer, "identity")
        thread.join()
    return ms


def scrape_time(place, lines, most_ms, rounds=20):
    """A scrape of so many series takes less, without and with gzip: of so many, each of a new interval, one does.

    What else the machine does makes some of them slower, and none faster. Where the bytes alone take long (10 ms
    mostly, but 130 to 200 where each system call is dear), it is three times that.
    """
    def is_slow():
        return min(times) >= max(float(most_ms), 3 * min(plain))

    buffer, slow = bytearray(b"-") * (1 << 26), []  # all of its pages are there
    for encoding in "identity", "gzip":
        times, plain = [], []
        while len(times) < 3 or (is_slow() and len(times) < int(rounds)):
            time.sleep(1.1)
            ms, length = fetch(place, buffer, encoding)
            times.append(ms)
            plain.append(plain_ms(buffer, buffer[:length]))
        head, _, body = bytes(buffer[:length]).partition(b"\r\n\r\n")
        assert (b"gzip" in head) == (encoding == "gzip"), head
        sent, body = len(body), gzip.decompress(body) if encoding == "gzip" else body
        series = body.count(b"\nbpf_metro_tcp_retransmissions_total{")
        assert series >= int(lines), series
        print(f"{encoding}: {series} series, {body.count(10)} lines, {sent / 1e6:.1f} MB,",
              f"{min(times):.0f} ms, median of {len(times)} {sorted(times)[len(times) // 2]:.0f} ms,",
              f"the bytes alone {min(plain):.0f} ms")
        slow += [encoding] if is_slow() else []
    assert not slow, slow


def nuisance(place, seconds):
    """Noise, half requests, requests without a reader, bytes in drops; many at a time."""
    import random
    chance, held, end, n = random.Random(1), [], time.monotonic() + float(seconds), 0
    host, port = place.split(":")
    while time.monotonic() < end:
        client = socket.socket()
        client.settimeout(1)
        try:
            client.connect((host, int(port)))
            client.send(chance.choice([
                b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
                b"GET /metr", b"\r\n" * 50, chance.randbytes(300), b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 9000, b""]))
        except OSError:
            pass
        held.append(client)
        if len(held) > 200:
            held.pop(chance.randrange(200)).close()
        n += 1
    print(n, "connections")


if __name__ == "__main__":
    try:
        globals()[sys.argv[1]](*sys.argv[2:])
    except (AssertionError, OSError, http.client.HTTPException) as error:
        sys.exit(f"{sys.argv[1]}: {error!r}")
