#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Holds the tree's includes against the picture of floors in docs/architecture.md.

floors.py [TREE] speaks TAP and names by file and line whatever breaks the picture. Before it judges
the tree it judges small trees with one fault each: if it missed those, its silence would mean nothing.
"""
import os
import re
import sys

import made_up

PICTURE = "docs/architecture.md"
OUTSIDE = ("tests", "build")  # may include anything, or are not ours
GENERATED = {"metro.skel.h": "bpf/metro.skel.h",  # made by the build, and where it would stand
             "page_hashes.h": "src/report/page_hashes.h"}
INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')


def read_picture(root):
    """Returns {room: floor}, floors counted from the top, and the faults of the picture."""
    floors, faults, inside = {}, [], False
    with open(os.path.join(root, PICTURE), encoding="utf-8") as picture:
        for number, line in enumerate(picture, 1):
            if line.startswith("```"):
                inside = line.strip() == "```floors"
                continue
            for room in line.split("|")[0].split() if inside else []:
                if room in floors:
                    faults.append(f"{PICTURE}:{number}: {room} is drawn twice")
                if not os.path.isdir(os.path.join(root, room)):
                    faults.append(f"{PICTURE}:{number}: there is no room {room}")
                floors[room] = number
    if not floors:
        faults.append(f"{PICTURE}:1: there is no picture of floors")
    return floors, faults


def find_sources(root):
    """Returns the paths of all C files, as seen from the root."""
    paths = []
    for directory, below, names in os.walk(root):
        if directory == root:
            below[:] = [name for name in below if name not in OUTSIDE and name[0] != "."]
        paths += [os.path.relpath(os.path.join(directory, name), root)
                  for name in names if name.endswith((".c", ".h"))]
    return sorted(paths)


def find_headers(paths):
    """Returns {name: path} of all headers, and a fault for each name that two of them have."""
    headers, faults = dict(GENERATED), []
    for path in paths:
        name = os.path.basename(path)
        if name.endswith(".h") and headers.setdefault(name, path) != path:
            faults.append(f"{path}:1: {headers[name]} has the same name")
    return headers, faults


def read_includes(root, path, headers):
    """Returns [(line, path)] of what a file includes of the tree, and the faults found on the way."""
    included, faults = [], []
    with open(os.path.join(root, path), encoding="utf-8") as source:
        for number, line in enumerate(source, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            kind, name = match.groups()
            if name in headers:
                included.append((number, headers[name]))
            elif kind == '"':
                faults.append(f"{path}:{number}: {name} is no header's name in this tree")
    return included, faults


def check_floors(floors, path, included):
    """Returns a fault for each include that does not lead downward."""
    room = os.path.dirname(path)
    if room not in floors:
        return [f"{path}:1: the room {room or '.'} is not in the picture"]
    faults = []
    for number, header in included:
        other = os.path.dirname(header)
        if other != room and other in floors and floors[other] <= floors[room]:
            way = "upward" if floors[other] < floors[room] else "sideways"
            faults.append(f"{path}:{number}: {header} lies {way} of {room}")
    return faults


def find_circles(includes):
    """Returns a fault for each include that closes a circle."""
    faults, done, way = [], set(), []

    def visit(path):
        way.append(path)
        for number, header in includes.get(path, []):
            if header in way:
                circle = " -> ".join(way[way.index(header):] + [header])
                faults.append(f"{path}:{number}: a circle: {circle}")
            elif header not in done:
                visit(header)
        done.add(way.pop())

    for path in sorted(includes):
        if path not in done:
            visit(path)
    return faults


def judge(root):
    """Returns {what is asked: faults}."""
    floors, faults = read_picture(root)
    paths = find_sources(root)
    headers, same_names = find_headers(paths)
    includes, lead = {}, []
    for path in paths:
        includes[path], unknown = read_includes(root, path, headers)
        lead += unknown + check_floors(floors, path, includes[path])
    return {
        "the picture shows rooms that are there, once each": faults,
        "every header has a name of its own": same_names,
        "every include leads downward or stays in its room": lead,
        "no headers include each other in a circle": find_circles(includes),
    }


# A tree without a fault, and then: what is written over it, and the fault that must be found.
SOUND = {
    PICTURE: "```floors\ntop | all\nleft right | both\nlow | words, many\n```\n",
    "top/main.c": '#include <stdio.h>\n#include "left.h"\n#include "low.h"\n',
    "left/left.h": '#include "low.h"\n#include "metro.skel.h"\n',
    "right/right.h": '\n# include <low.h>\n',
    "low/low.h": "int low;\n",
    "tests/test.c": '#include "nothing.h"\n',
}
UNSOUND = [
    ("upward", {"low/low.c": '\n#include "left.h"\n'}, "low/low.c:2: left/left.h lies upward of low"),
    ("upward in angle brackets", {"low/low.c": "#  include <left.h>\n"},
     "low/low.c:1: left/left.h lies upward of low"),
    ("sideways", {"left/left.c": '#include "right.h"\n'},
     "left/left.c:1: right/right.h lies sideways of left"),
    ("by a path", {"low/low.c": '#include "../left/left.h"\n'},
     "low/low.c:1: ../left/left.h is no header's name in this tree"),
    ("a circle", {"low/low.h": '#include "more.h"\n', "low/more.h": '\n\n#include "low.h"\n'},
     "low/more.h:3: a circle: low/low.h -> low/more.h -> low/low.h"),
    ("a circle of one", {"low/low.h": '#include "low.h"\n'},
     "low/low.h:1: a circle: low/low.h -> low/low.h"),
    ("a room of nobody", {"cellar/dark.c": "\n"}, "cellar/dark.c:1: the room cellar is not in the picture"),
    ("a room below a room", {"low/lower/dark.h": "\n"},
     "low/lower/dark.h:1: the room low/lower is not in the picture"),
    ("two of one name", {"right/low.h": "\n"}, "right/low.h:1: low/low.h has the same name"),
    ("a room that is gone", {PICTURE: SOUND[PICTURE].replace("both", "both\nattic")},
     f"{PICTURE}:4: there is no room attic"),
    ("a room drawn twice", {PICTURE: SOUND[PICTURE].replace("low |", "low top |")},
     f"{PICTURE}:4: top is drawn twice"),
    ("no picture", {PICTURE: "# Words\n"}, f"{PICTURE}:1: there is no picture of floors"),
]


if __name__ == "__main__":
    sys.exit(made_up.run(judge, SOUND, UNSOUND))
