#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Follows what the Markdown pages refer to: links, sections, and tests that are named.

papers.py [TREE] speaks TAP. In a page, `NAME` in [FILE](PATH) says that the text NAME is in that file.
Before it judges the tree it judges small trees with one fault each.
"""
import os
import re
import sys

import made_up

SKIPPED = ("build", "node_modules")
CODE = re.compile(r"`[^`]*`")
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")
NAMED = re.compile(r"`([^`]+)` in \[[^\]]*\]\(([^()\s]+)\)")


def find_pages(root):
    """Returns the paths of all pages, as seen from the root."""
    pages = []
    for directory, below, names in os.walk(root):
        below[:] = [name for name in below if name not in SKIPPED and name[0] != "."]
        pages += [os.path.relpath(os.path.join(directory, name), root)
                  for name in names if name.endswith(".md")]
    return sorted(pages)


def prose(path):
    """Yields (number, line) of all that is no code block."""
    fenced = False
    with open(path, encoding="utf-8") as page:
        for number, line in enumerate(page, 1):
            if line.startswith("```"):
                fenced = not fenced
            elif not fenced and not line.startswith("    "):
                yield number, line.rstrip("\n")


def anchors(path):
    """The names by which forges know a page's sections."""
    found = set()
    for _, line in prose(path):
        match = HEADING.match(line)
        if not match:
            continue
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match.group(1)).replace("`", "")
        name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        copies = sum(1 for other in found if re.fullmatch(re.escape(name) + r"(-\d+)?", other))
        found.add(f"{name}-{copies}" if copies else name)
    return found


def target_of(root, page, link):
    """Returns (path, section) that a link leads to; no path if that is outside of the tree."""
    if re.match(r"[a-z]+:", link):
        return None, ""
    path, _, section = link.partition("#")
    whole = os.path.join(root, os.path.dirname(page), path) if path else os.path.join(root, page)
    return os.path.normpath(whole), section


def check_links(root, page):
    faults = []
    for number, line in prose(os.path.join(root, page)):
        for link in LINK.findall(CODE.sub("", line)):
            path, section = target_of(root, page, link)
            if path is None:
                continue
            if not os.path.exists(path):
                faults.append(f"{page}:{number}: {link}: there is no such file")
            elif section and section not in anchors(path):
                faults.append(f"{page}:{number}: {link}: there is no such section")
    return faults


def check_names(root, page):
    faults = []
    for number, line in prose(os.path.join(root, page)):
        for name, link in NAMED.findall(line):
            path, _ = target_of(root, page, link)
            if path is None or not os.path.isfile(path):
                continue # check_links has it
            with open(path, encoding="utf-8") as file:
                if name not in file.read():
                    faults.append(f"{page}:{number}: {link} has no {name}")
    return faults


def judge(root):
    """Returns {what is asked: faults}."""
    pages = find_pages(root)
    return {
        "there are pages": [] if pages else ["none was found"],
        "every link leads somewhere": sum((check_links(root, page) for page in pages), []),
        "what is named is there": sum((check_names(root, page) for page in pages), []),
    }


SOUND = {
    "README.md": "# One\n[a](docs/a.md) ![b](docs/b.svg) [c](docs/a.md#its-own-two-words) [d](#one) "
                 "<https://x.example> [e](https://x.example/#y) `[f](g)` | `word` in [a](docs/a.md) |\n"
                 "\n    [in](code)\n```\n[in](code)\n# No heading\n```\n",
    "docs/a.md": "# `its` own: two [words](../README.md)!\n## Twice\n## Twice\nword [up](../README.md) "
                 "[2](#twice-1)\n",
    "docs/b.svg": "",
    "build/c.md": "[gone](gone.md)\n",
}
UNSOUND = [
    ("a file", {"docs/a.md": "[x](gone.md)\n"}, "docs/a.md:1: gone.md: there is no such file"),
    ("a section", {"docs/d.md": "\n[x](b.md#one)\n", "docs/b.md": "# Two\n"},
     "docs/d.md:2: b.md#one: there is no such section"),
    ("a section in code", {"docs/d.md": "[x](../README.md#no-heading)\n"},
     "docs/d.md:1: ../README.md#no-heading: there is no such section"),
    ("a picture", {"docs/d.md": "![x](x.png)\n"}, "docs/d.md:1: x.png: there is no such file"),
    ("two in a line", {"docs/d.md": "[x](b.svg) [y](c.svg)\n"}, "docs/d.md:1: c.svg: there is no such file"),
    ("a name", {"docs/d.md": "`words` in [b](b.svg)\n"}, "docs/d.md:1: b.svg has no words"),
]


if __name__ == "__main__":
    sys.exit(made_up.run(judge, SOUND, UNSOUND))
