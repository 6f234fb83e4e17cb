#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""check_report.py [--browser] REPORT SAMPLES: is the page of --output html right?

REPORT is the page, SAMPLES what --output json found in the same capture. Says what is wrong, a line each,
and ends with status 1. Without --browser, the figures in the page's data are computed again from the samples;
with it, Chromium shows the page: its tables have the same figures, it sorts, says what is under the mouse,
fits a telephone, and writes nothing to the console.
"""
import base64
import collections
import hashlib
import json
import math
import sys

import browser

TICK_MS = 64e-6
WIDTH = 400  # of a telephone
DRAWN_MOST = 100  # pairs at once

faults = []


def expect(what, found, expected, within=0.0):
    same = found == expected if not within else \
        isinstance(found, (int, float)) and abs(found - expected) <= within
    if not same:
        faults.append(f"{what}: {found!r}, and not {expected!r}")


def data_of(path):
    with open(path, encoding="utf-8") as page:
        text = page.read()
    for element in "script", "style":
        inside = text.rpartition(f"<{element}>")[2].partition(f"</{element}>")[0]
        allowed = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        expect(f"the policy allows its {element}", f"{element}-src 'sha256-{allowed}'" in text, True)
    start = '<script type="application/json" id="data">'
    expect("elements with data", text.count(start), 1)
    return json.loads(text.partition(start)[2].partition("</script>")[0])


def samples_of(path):
    """{(src, dst): {(sport, dport): [(time in us, rtt in ticks, frame)]}}"""
    pairs = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            sample = json.loads(line)
            connections = pairs[sample["src"], sample["dst"]]
            connections[sample["sport"], sample["dport"]].append((sample["rtt_ns"] // 64, sample["frame"]))
    return pairs


def differences(samples):
    return [abs(a[0] - b[0]) for a, b in zip(samples, samples[1:])]


def expected_stats(connections):
    """Of the samples of some connections, in ms. The jitter is over consecutive samples of each."""
    ticks = sorted(rtt for samples in connections for rtt, _ in samples)
    steps = [step for samples in connections for step in differences(samples)]
    stats = {"n": len(ticks), "min": ticks[0] * TICK_MS, "max": ticks[-1] * TICK_MS,
             "mean": sum(ticks) / len(ticks) * TICK_MS}
    if steps:
        stats["jitter"] = sum(steps) / len(steps) * TICK_MS
    for name, part in ("p50", 0.5), ("p95", 0.95), ("p99", 0.99):
        stats[name] = ticks[max(math.ceil(part * len(ticks)), 1) - 1] * TICK_MS
    return stats


def check_stats(what, found, expected, quantiles=True):
    for name, value in expected.items():
        if name[0] == "p":
            if quantiles:
                expect(f"{what}: {name}", found.get(name), value, value * 0.009)  # a bucket of the histogram
        else:
            expect(f"{what}: {name}", found.get(name), value, 1e-6 if name != "n" else 0)
    expect(f"{what}: jitter is there", "jitter" in found, "jitter" in expected)
    if quantiles:
        expect(f"{what}: distribution", sum(found["dist"][1::2]), expected["n"])


def check_points(what, pair, connections):
    known = {(rtt, frame): ports for ports, samples in connections.items() for rtt, frame in samples}
    points, frame, again = pair["points"], 0, 0
    for i in range(0, len(points), 5):
        frame += points[i + 1]
        again += points[i + 4]
        ports = known.get((points[i + 2], frame))
        if ports is None:
            faults.append(f"{what}: a point at frame {frame} that is no sample")
        elif points[i + 3] >= 0:
            row = pair["rows"][points[i + 3]]
            expect(f"{what}: ports of frame {frame}", (row["sport"], row["dport"]), ports)
    drawn, total = len(points) // 5, pair["n"]
    expect(f"{what}: points are thinned, and it says so", drawn < total, pair["stretch"] > 0)
    if drawn:
        expect(f"{what}: highest point", max(points[2::5]) * TICK_MS, pair["max"], 1e-6)
        expect(f"{what}: lowest point", min(points[2::5]) * TICK_MS, pair["min"], 1e-6)
    if again > pair.get("again", 0):
        faults.append(f"{what}: {again} sent again in the points, {pair.get('again', 0)} in all")


def check_cut(data, found, expected):
    """Of many pairs those with most samples are there, and it is said how many samples are of others."""
    left_out = {key: sum(map(len, connections.values())) for key, connections in expected.items() if key not in found}
    expect("pairs that have no samples", sorted(set(found) - set(expected)), [])
    expect("samples of pairs that are not there", data["left_out"], sum(left_out.values()))
    if not data["pairless"] and max(left_out.values()) > min(pair["n"] for pair in found.values()):
        faults.append("a pair that is not there has more samples than one that is")


def check_data(data, expected):
    everything = [samples for connections in expected.values() for samples in connections.values()]
    if everything:
        check_stats("summary", data["total"], expected_stats(everything))
    found = {(pair["src"], pair["dst"]): pair for pair in data["pairs"]}
    if data["left_out"]:
        check_cut(data, {key: pair for key, pair in found.items() if pair["n"]}, expected)
    else:
        expect("pairs", sorted(key for key, pair in found.items() if pair["n"]), sorted(expected))
    for key, connections in expected.items():
        what, pair = " -> ".join(key), found.get(key)
        if not pair:
            continue
        check_stats(what, pair, expected_stats(connections.values()))
        check_points(what, pair, connections)
        rows = {(row["sport"], row["dport"]): row for row in pair["rows"] if row["n"]}
        if len(pair["rows"]) == pair["connections"] and not pair["rowless"]:
            expect(f"{what}: connections", sorted(rows), sorted(connections))
        for ports in set(rows) & set(connections):
            check_stats(f"{what} {ports}", rows[ports], expected_stats([connections[ports]]), False)


# ---- in the browser

TABLE = """return [...document.querySelectorAll(arguments[0] + " tbody tr")].map(
    (row) => [...row.cells].map((cell) => cell.textContent))"""
COLUMN = """return [...document.querySelectorAll(arguments[0] + " tbody tr")].map(
    (row) => row.cells[arguments[1]].textContent)"""
CROSSES = """return (document.querySelector("section.pair svg[role=img] path.again").getAttribute("d")
    .match(/l8 8/g) || []).length"""
HEADS = """return [...document.querySelectorAll(arguments[0] + " thead th")].map((cell) => cell.textContent)"""


def table(page, where):
    heads = page.run(HEADS, where)
    return [dict(zip(heads, row)) for row in page.run(TABLE, where)]


def shown(stats, name):
    return f"{stats[name]:.3f}" if name in stats else "\u2013"


def check_row(what, row, stats, quantiles):
    expect(f"{what}: samples shown", row["samples"], f"{stats['n']:,}")
    for name in ("min", "mean", "max", "jitter") + (("p50", "p95", "p99") if quantiles else ()):
        if name[0] != "p":  # the data has the histogram's
            expect(f"{what}: {name} shown", float(row[name]) if row[name] != "\u2013" else None,
                   stats.get(name), 0.0005001 if name in stats else 0)


def show_all_rows(page, where, count):
    if page.run("return !!document.querySelector(arguments[0] + ' .more')", where):
        expect("rows at first", len(table(page, where)) < count, True)
        page.click(where + " .more")


def check_tables(page, data, expected):
    show_all_rows(page, "#pairs-table", len(data["pairs"]))
    rows = {(row["src"], row["dst"]): row for row in table(page, "#pairs-table")}
    expect("rows of pairs", len(rows), len(data["pairs"]))
    for key in rows:
        if key in expected:
            check_row(" -> ".join(key), rows[key], expected_stats(expected[key].values()), True)
        else:
            expect(f"samples of {key}", rows[key]["samples"], "0")
    first = next(row for row in table(page, "#pairs-table"))
    connections = expected[first["src"], first["dst"]]
    show_all_rows(page, "section.pair", len(connections))
    rows = {(int(row["sport"]), int(row["dport"])): row for row in table(page, "section.pair")}
    for ports in list(connections)[:50]:
        if ports in rows:
            check_row(f"connection {ports}", rows[ports], expected_stats([connections[ports]]), False)
        else:
            faults.append(f"connection {ports}: no row")


def check_sorting(page):
    for column, name in enumerate(page.run(HEADS, "#pairs-table"), 1):
        head = f"#pairs-table thead th:nth-child({column})"
        for direction in "first", "second":
            page.click(head + " button")
            values = page.run(COLUMN, "#pairs-table", column - 1)
            if name not in ("src", "dst"):
                values = [float(value.replace(",", "")) for value in values if value != "\u2013"]
                down = page.run("return document.querySelector(arguments[0]).getAttribute('aria-sort')",
                                head) == "descending"
                expect(f"{direction} press on {name} sorts", values, sorted(values, reverse=down))
                expect(f"{direction} press on {name} sorts", down, direction == "first")


def said(page, figure):
    return page.run("return document.querySelectorAll('section.pair .value')[arguments[0]].textContent", figure)


def check_hover(page, data):
    """The mouse, over the whole width of the first plot, finds samples; the keyboard walks through all."""
    pair = data["pairs"][0]
    ticks, frames, places, us, frame = {}, set(), set(), 0, 0
    for i in range(0, len(pair["points"]), 5):
        us += pair["points"][i]
        frame += pair["points"][i + 1]
        ticks[frame] = pair["points"][i + 2]
        places.add((us, ticks[frame]))
    expect("crosses", page.run(CROSSES), sum(again > 0 for again in pair["points"][4::5]))
    for x in range(-400, 401, 100):
        page.point("section.pair svg[role=img]", x, 0)
        text = said(page, 0)
        if " ms at " not in text:
            faults.append(f"under the mouse: {text!r}")
            return
        found = int(text.partition("frame ")[2].split(",")[0])
        frames.add(found)
        expect(f"under the mouse, frame {found}", text.partition(" ")[0], f"{ticks[found] * TICK_MS:.3f}")
    if len(frames) < min(3, len(places)):
        faults.append(f"under the mouse there are always the same points: {frames}")
    page.run("document.querySelector('section.pair svg[role=img]').focus()")
    page.type("section.pair svg[role=img]", "\ue011")  # Home
    expect("the first by keyboard", f"frame {next(iter(ticks))}" in said(page, 0), True)
    page.type("section.pair svg[role=img]", "\ue014")  # arrow to the right
    expect("the second by keyboard", f"frame {list(ticks)[min(1, len(ticks) - 1)]}" in said(page, 0), True)
    for figure, selector in enumerate(("figure:nth-of-type(1) svg", "figure:nth-of-type(2) svg"), 1):
        page.point(f"section.pair > {selector}", 0, 0)
        if "samples" not in said(page, figure):
            faults.append(f"under the mouse in a distribution: {said(page, figure)!r}")


def check_choice(page, data):
    """Another pair by the keyboard; the filter; all of them."""
    other = data["pairs"][-1]
    page.click("#pairs-table thead th:nth-child(3) button")
    page.run("document.querySelector('#pairs-table tbody tr:last-child button').focus()")
    page.run("document.activeElement.click()")
    name = page.run("return document.querySelector('section.pair h2').textContent")
    last = table(page, "#pairs-table")[-1]
    expect("the pair that was chosen", name.partition(" (")[0], f"{last['src']} \u2192 {last['dst']}")
    page.click("#every")
    expect("all pairs are drawn", page.run("return document.querySelectorAll('section.pair').length"),
           min(len(data["pairs"]), DRAWN_MOST))
    page.type("#filter", other["src"])
    wanted = [pair for pair in data["pairs"] if other["src"] in f"{pair['src']} {pair['dst']}"]
    expect("rows of " + other["src"], len(table(page, "#pairs-table")), len(wanted))


def check_telephone(page, path):
    page.resize(WIDTH, 800)
    page.open(path)
    for scheme in "light", "dark":
        page.prefer(scheme)
        expect(f"width, {scheme}", page.run("return document.documentElement.scrollWidth"), WIDTH)
    colours = page.run("const style = getComputedStyle(document.body); return [style.color, style.backgroundColor]")
    expect("dark", sum(map(int, colours[0][4:-1].split(","))) > sum(map(int, colours[1][4:-1].split(","))), True)
    page.prefer("dark", "print")
    expect("paper is white", page.run("return getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)")


def check_page(path, data, expected):
    with browser.Browser() as page:
        page.open(path)
        expect("file name", page.run("return document.getElementById('file').textContent"), data["file"])
        expect("elements that came with a name", page.run("return document.querySelectorAll('img, b').length"), 0)
        if expected:
            check_tables(page, data, expected)
            check_hover(page, data)
            check_sorting(page)
            check_choice(page, data)
        else:
            expect("words for no samples", "No round-trip" in page.run("return document.body.innerText"), True)
        check_telephone(page, path)
        expect("console", page.console(), [])
        expect("loaded from elsewhere", page.run("return performance.getEntriesByType('resource').length"), 0)
        page.run("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
        expect("another script ran", page.run("return window.ran"), None)


def main():
    arguments = [word for word in sys.argv[1:] if word != "--browser"]
    data, expected = data_of(arguments[0]), samples_of(arguments[1])
    if "--browser" in sys.argv:
        check_page(arguments[0], data, expected)
    else:
        check_data(data, expected)
    print("\n".join(faults[:20]))
    sys.exit(1 if faults else 0)


main()
