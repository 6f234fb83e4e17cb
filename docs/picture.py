#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Draws what `make demo` printed as the README's picture of a terminal.

    sudo make demo | tee demo.txt && python3 docs/picture.py <demo.txt >docs/demo.svg

Nothing is made up or changed. What is left out of a section stands as "...".
"""
import html
import re
import sys

# Of a section whose heading has this word: lines to keep at its beginning and at its end.
KEEP = {"hosts": (4, 0), "configured": (0, 1), "Requests": (6, 0), "upload": (0, 3), "average": (5, 0)}

FONT_SIZE, CHARACTER, LINE, MARGIN, BAR = 13, 7.83, 18, 18, 30
BACKGROUND, BAR_COLOUR, TEXT, DIM = "#1c2128", "#2d333b", "#cdd9e5", "#768390"
HEADING, FIGURE = "#6cb6ff", "#8ddb8c"

METRIC = re.compile(r"(\s+\d\d:[\d:.]+\s+)(\S+\s+)([-\d.]+)(\s+.*)")  # time, name, value, the rest
RESULT = re.compile(r"(\s+\S+\s+(?:requests|upload)\s+)([\d.]+\s+[\d.]+)(.*)")


def sections(lines):
    """[heading, lines...] for each part of the demo; what make says before the first goes."""
    found = []
    for line in lines:
        if line.startswith("== "):
            found.append([line])
        elif found and line.strip():
            found[-1].append(line)
    return found


def shortened(section):
    heading, lines = section[0], section[1:]
    last = [line for line in lines if not line.startswith(" ")]  # what stands behind all sections
    lines = [line for line in lines if line.startswith(" ")]
    first, end = next((keep for word, keep in KEEP.items() if word in heading), (6, 0))
    if first + end < len(lines):
        dots = ["    ..."] if first + end else []
        lines = lines[:first] + dots + lines[len(lines) - end:]
    return [heading, *lines, "", *last]


def pieces(line):
    """(text, colour) of all there is in a line."""
    if line.startswith("== ") or line.startswith("$ "):
        return [(line, HEADING)]
    for pattern in METRIC, RESULT:
        match = pattern.fullmatch(line)
        if match:
            parts = match.groups()
            colours = (DIM, TEXT, FIGURE, DIM) if pattern is METRIC else (TEXT, FIGURE, TEXT)
            return list(zip(parts, colours))
    return [(line, TEXT)]


def draw(lines):
    width = round(max(map(len, lines)) * CHARACTER) + 2 * MARGIN
    height = BAR + len(lines) * LINE + 2 * MARGIN - LINE // 2
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
           f'font-family="ui-monospace, SFMono-Regular, Menlo, DejaVu Sans Mono, monospace" '
           f'font-size="{FONT_SIZE}">')
    yield "<title>What sudo make demo prints, shortened</title>"
    yield f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>'
    yield f'<path d="M0 {BAR}V8a8 8 0 0 1 8-8H{width - 8}a8 8 0 0 1 8 8V{BAR}z" fill="{BAR_COLOUR}"/>'
    for i in range(3):
        yield f'<circle cx="{MARGIN + 18 * i}" cy="{BAR / 2:g}" r="5" fill="{DIM}"/>'
    for row, line in enumerate(lines):
        column, y = 0, BAR + MARGIN + row * LINE + FONT_SIZE - 6
        for text, colour in pieces(line):
            inner = text.strip()
            if inner:
                x = MARGIN + (column + len(text) - len(text.lstrip())) * CHARACTER
                yield (f'<text x="{x:g}" y="{y}" textLength="{len(inner) * CHARACTER:g}" '
                       f'xml:space="preserve" fill="{colour}">{html.escape(inner)}</text>')
            column += len(text)
    yield "</svg>"


def main():
    found = sections(sys.stdin.read().splitlines())
    if not found or not any("agree" in line for line in found[-1]):
        sys.exit("picture.py: on standard input there is no demo that ended well")
    lines = ["$ sudo make demo", ""]
    for section in found:
        lines += shortened(section)
    print("\n".join(draw(lines)))


main()
