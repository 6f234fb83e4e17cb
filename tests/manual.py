#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Holds bpf-metro.yaml(5) against the tables of keys in src/config: every key has an entry of its own, and
no other does; the entry's line in brackets has the range, and the default that the sample has. And the
version of the packages is that of the Makefile.

manual.py [TREE] speaks TAP. Before it judges the tree it judges small trees with one fault each.
"""
import glob
import os
import re
import sys

import made_up

PAGE = "docs/bpf-metro.yaml.5"
SAMPLE = "packaging/bpf-metro.yaml"
CHANGELOG = "packaging/debian/changelog"
SECTIONS = {"init_config", "instances"}
TABLE = re.compile(r"struct yaml_key \w+\[\] = \{(.*?)^\};", re.S | re.M)
ROW = re.compile(r"\{\"(\w+)\",\s*\w+,\s*[^,]*,\s*([\w.]+),\s*([\w.]+)\s*\}")
DEFINE = re.compile(r"#define\s+(\w+)\s+(\d+)\b")
ENTRY = re.compile(r"^\.It Cm (\w+)\n(\.Pq .*)?", re.M)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def known_keys(root):
    """Returns {key: (least, most)} of all tables; both are "0" where there is no range."""
    keys = {}
    for path in sorted(glob.glob(os.path.join(root, "src/config/*.c"))):
        source = read(root, path)
        numbers = dict(DEFINE.findall(source))
        for table in TABLE.findall(source):
            for key, *bounds in ROW.findall(table):
                keys[key] = tuple(numbers.get(bound, bound) for bound in bounds)
    return keys


def entries(root):
    """Returns {key: what stands in brackets} of the page."""
    return dict(ENTRY.findall(read(root, PAGE)))


def check_keys(root):
    known, page = known_keys(root), entries(root)
    return ([f"{PAGE} has no entry for {key}" for key in sorted(known.keys() - page.keys())] +
            [f"{PAGE} has {key}, which is no key" for key in sorted(page.keys() - known.keys())])


def check_ranges(root):
    faults, page = [], entries(root)
    for key, bounds in known_keys(root).items():
        said = re.findall(r"[\d.]*\d", page.get(key, ""))
        if bounds != ("0", "0") and key in page and not set(bounds) <= set(said):
            faults.append(f"{PAGE}: {key} is from {bounds[0]} to {bounds[1]}, which its entry does not say")
    return faults


def check_defaults(root):
    """Of init_config: the others' comments in the sample are examples."""
    faults, page = [], entries(root)
    section = read(root, SAMPLE).partition("\ninit_config:")[2].partition("\ninstances:")[0]
    sample = dict(re.findall(r"^  # ([a-z_]+):(?: (.*))?$", section, re.M))
    for key, value in sample.items():
        if key in page and f"default: {value or 'none'}" not in page[key].split("; "):
            faults.append(f"{PAGE}: the default of {key} is {value or 'none'}, which its entry does not say")
    return faults + [f"{PAGE}: {key} has neither a default nor is it required"
                     for key in page.keys() & known_keys(root).keys() - SECTIONS
                     if "default: " not in page[key] and "required" not in page[key]]


def check_version(root):
    version = re.search(r"^VERSION := (\S+)", read(root, "Makefile"), re.M)[1]
    packaged = re.match(r"bpf-metro \((\S+)-\d+\) ", read(root, CHANGELOG))
    if packaged and packaged[1] == version:
        return []
    return [f"{CHANGELOG} does not begin with version {version} of the Makefile"]


def judge(root):
    """Returns {what is asked: faults}."""
    return {
        "there are keys": [] if len(known_keys(root)) > 1 else ["none was found"],
        "every key has its entry in the manual": check_keys(root),
        "every entry has the range": check_ranges(root),
        "every entry has the default": check_defaults(root),
        "the packages have the Makefile's version": check_version(root),
    }


SOUND = {
    "Makefile": "VERSION := 1.2.3\n",
    CHANGELOG: "bpf-metro (1.2.3-4) unstable; urgency=medium\n",
    "src/config/a.c": '#define MOST 9\nstatic const struct yaml_key root_keys[] = {\n\t{"init_config", f, 0, 0, 0},\n'
                      '};\nstatic const struct yaml_key a_keys[] = {\n\t{"one", f, FIELD(one), 0.1, MOST},\n'
                      '\t{"two", f, 0, 0, 0},\n\t{"name", f, FIELD(name), 0, 0},\n};\n'
                      'static const struct other b[] = {\n\t{"three", ""},\n};\n',
    PAGE: ".It Cm init_config\nText.\n.It Cm one\n.Pq seconds, 0.1 to 9; default: 5\n.It Cm two\n"
          ".Pq text; default: none; from the next start on\n.It Cm name\n.Pq text; required\n",
    SAMPLE: "# text\ninit_config:\n  # About one.\n  # one: 5\n  # two:\n\ninstances:\n    # name: example\n",
}


def changed(path, old, new):
    return {path: SOUND[path].replace(old, new)}


UNSOUND = [
    ("a key without an entry", changed("src/config/a.c", '\t{"two"', '\t{"more", f, 0, 0, 0},\n\t{"two"'),
     f"{PAGE} has no entry for more"),
    ("an entry without a key", changed("src/config/a.c", '{"two", f, 0, 0, 0},', ""),
     f"{PAGE} has two, which is no key"),
    ("another range", changed("src/config/a.c", "MOST 9", "MOST 10"),
     f"{PAGE}: one is from 0.1 to 10, which its entry does not say"),
    ("another default", changed(SAMPLE, "one: 5", "one: 50"),
     f"{PAGE}: the default of one is 50, which its entry does not say"),
    ("a default where there was none", changed(SAMPLE, "two:", "two: yes"),
     f"{PAGE}: the default of two is yes, which its entry does not say"),
    ("an entry without a default", changed(PAGE, "text; required", "text"),
     f"{PAGE}: name has neither a default nor is it required"),
    ("another version", changed("Makefile", "1.2.3", "1.2.4"),
     f"{CHANGELOG} does not begin with version 1.2.4 of the Makefile"),
]


if __name__ == "__main__":
    sys.exit(made_up.run(judge, SOUND, UNSOUND))
