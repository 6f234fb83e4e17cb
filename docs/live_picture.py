#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Makes a PNG of a terminal's screen: `tmux capture-pane -e -p | python3 docs/live_picture.py FILE.png`.

docs/live_picture.sh makes docs/live.png with it. Chromium draws it.
"""
import html
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/tools"))
import browser  # noqa: E402

FONT_SIZE, CHARACTER, LINE, MARGIN, BAR = 13, 7.83, 17, 14, 26
BACKGROUND, BAR_COLOUR, TEXT = "#1c2128", "#2d333b", "#cdd9e5"
COLOURS = ["#545d68", "#f47067", "#8ddb8c", "#f69d50", "#6cb6ff", "#dcbdfb", "#76e3ea", TEXT]


def styled(line, style):
    """(column, text, style) of each run; style is what holds at the end."""
    column, runs = 0, []
    for escape, text in re.findall(r"\x1b\[([\d;]*)m|([^\x1b]+)|\x1b[()]\w", line):
        if text:
            runs.append((column, text, dict(style)))
            column += len(text)
            continue
        for code in (int(c or 0) for c in escape.split(";")):
            if code == 0:
                style.clear()
            elif code in (1, 2, 4, 7):
                style[code] = True
            elif 30 <= code <= 37:
                style["colour"] = COLOURS[code - 30]
            elif code == 39:
                style.pop("colour", None)
    return runs


def draw(lines):
    width = round(max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in lines) * CHARACTER) + 2 * MARGIN
    height = BAR + len(lines) * LINE + 2 * MARGIN - 6
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">',
        "<title>bpf-metro --output top in a terminal</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
        f'<rect width="{width}" height="{BAR}" rx="8" fill="{BAR_COLOUR}"/>',
        '<g font-family="ui-monospace, Menlo, Consolas, monospace" '
        f'font-size="{FONT_SIZE}" xml:space="preserve">',
    ]
    for i, colour in enumerate(["#f47067", "#f69d50", "#8ddb8c"]):
        out.append(f'<circle cx="{MARGIN + 4 + 18 * i}" cy="{BAR / 2}" r="5" fill="{colour}"/>')
    style = {}
    for number, line in enumerate(lines):
        y = BAR + MARGIN + 9 + number * LINE
        for column, text, run in styled(line, style):
            x, length = MARGIN + column * CHARACTER, len(text) * CHARACTER
            colour = run.get("colour", TEXT)
            if 7 in run:
                out.append(f'<rect x="{x:.1f}" y="{y - 13}" width="{length:.1f}" height="{LINE}" fill="{colour}"/>')
                colour = BACKGROUND
            more = ' font-weight="bold"' if 1 in run else ""
            more += ' text-decoration="underline"' if 4 in run else ""
            more += ' opacity="0.6"' if 2 in run else ""
            for word in re.finditer(r"\S+(?: \S+)*", text):  # each column in its place, whatever the font
                x, length = MARGIN + (column + word.start()) * CHARACTER, len(word[0]) * CHARACTER
                out.append(f'<text x="{x:.1f}" y="{y}" textLength="{length:.1f}" fill="{colour}"{more}>'
                           f"{html.escape(word[0])}</text>")
    return width, height, "\n".join([*out, "</g>", "</svg>"])


def main():
    width, height, drawing = draw([line.rstrip("\n") for line in sys.stdin])
    with tempfile.TemporaryDirectory() as directory, browser.Browser(width, height) as page:
        path = os.path.join(directory, "screen.html")
        with open(path, "w", encoding="utf-8") as out:
            out.write(f"<!doctype html><meta charset=utf-8><style>body {{ margin: 0 }}</style>{drawing}")
        page.open(path)
        with open(sys.argv[1], "wb") as picture:
            picture.write(page.picture())


if __name__ == "__main__":
    main()
