#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Holds everything that says bpf-metro's version against VERSION in the Makefile, and NEWS.md against both.

versions.py [TREE] speaks TAP. Before it judges the tree it judges small trees with one fault each.
"""
import os
import re
import sys

import made_up

RELEASED = re.compile(r"\d+\.\d+\.\d+")
# Path, what is looked for, how it is called. (V) stands for the version, (T) for it as an image's tag.
PLACES = [
    ("packaging/bpf-metro.spec", r"^Version: +(\S+)$", "(V)"),
    ("packaging/bpf-metro.spec", r"^%changelog\n.* - (\S+)$", "(V)-1"),
    ("packaging/debian/changelog", r"\Abpf-metro \((\S+)-[^-\s]+\)", "(V)"),
    ("packaging/kubernetes/base/kustomization.yaml", r'^    newTag: "(.*)"$', "(T)"),
]


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def version_of(root):
    match = re.search(r"^VERSION\s*:=\s*(\S+)$", read(root, "Makefile"), re.MULTILINE)
    return match.group(1) if match else ""


def check_places(root, version):
    faults = []
    for path, pattern, form in PLACES:
        expected = form.replace("(V)", version).replace("(T)", version.replace("+", "-"))
        match = re.search(pattern, read(root, path), re.MULTILINE)
        if not match:
            faults.append(f"{path}: says no version")
        elif match.group(1) != expected:
            faults.append(f"{path}: says {match.group(1)}, should say {expected}")
    return faults


def check_news(root, version):
    """The section on top is the release's own, or between two releases, what has come since the last."""
    titles = re.findall(r"^## (.*)$", read(root, "NEWS.md"), re.MULTILINE)
    base = version.removesuffix("+dev")
    expected = base if base == version else f"Since {base}"
    faults = [] if titles[:1] == [expected] else [f"NEWS.md: begins with {titles[:1]}, should with {expected}"]
    if base not in titles:
        faults.append(f"NEWS.md: has no section {base}")
    return faults


def judge(root):
    """Returns {what is asked: faults}."""
    version = version_of(root)
    sound = RELEASED.fullmatch(version.removesuffix("+dev"))
    return {
        "the version is a release's, or says that it comes after one":
            [] if sound else [f"Makefile: VERSION {version} is neither 1.2.3 nor 1.2.3+dev"],
        "whatever says the version says this one": check_places(root, version),
        "the news are of this version": check_news(root, version),
    }


SOUND = {
    "Makefile": "A := B\nVERSION := 1.2.3\n",
    "NEWS.md": "# News\n\n## 1.2.3\n\n## 1.2.2\n",
    "packaging/bpf-metro.spec": "Name: x\nVersion:   1.2.3\n%changelog\n* Thu Nov 26 2026 A - 1.2.3-1\n",
    "packaging/debian/changelog": "bpf-metro (1.2.3-2) unstable\n\nbpf-metro (1.2.2-1) unstable\n",
    "packaging/kubernetes/base/kustomization.yaml": 'images:\n  - name: a\n    newTag: "1.2.3"\n',
}
BETWEEN = {
    "Makefile": "VERSION := 1.2.3+dev\n",
    "NEWS.md": "# News\n\n## Since 1.2.3\n\n## 1.2.3\n",
    "packaging/bpf-metro.spec": SOUND["packaging/bpf-metro.spec"].replace("1.2.3", "1.2.3+dev"),
    "packaging/debian/changelog": SOUND["packaging/debian/changelog"].replace("1.2.3", "1.2.3+dev"),
    "packaging/kubernetes/base/kustomization.yaml":
        SOUND["packaging/kubernetes/base/kustomization.yaml"].replace("1.2.3", "1.2.3-dev"),
}
UNSOUND = [
    ("no version", {"Makefile": "VERSION := next\n"}, "Makefile: VERSION next is neither 1.2.3 nor 1.2.3+dev"),
    ("an old spec", {"packaging/bpf-metro.spec": SOUND["packaging/bpf-metro.spec"].replace("   1.2.3", " 1.2.2")},
     "packaging/bpf-metro.spec: says 1.2.2, should say 1.2.3"),
    ("a spec without this release",
     {"packaging/bpf-metro.spec": SOUND["packaging/bpf-metro.spec"].replace("1.2.3-1", "1.2.2-1")},
     "packaging/bpf-metro.spec: says 1.2.2-1, should say 1.2.3-1"),
    ("an old changelog", {"packaging/debian/changelog": "bpf-metro (1.2.2-1) unstable\n"},
     "packaging/debian/changelog: says 1.2.2, should say 1.2.3"),
    ("no image", {"packaging/kubernetes/base/kustomization.yaml": "images: []\n"},
     "packaging/kubernetes/base/kustomization.yaml: says no version"),
    ("a tag with a plus", {**BETWEEN, "packaging/kubernetes/base/kustomization.yaml": '    newTag: "1.2.3+dev"\n'},
     "packaging/kubernetes/base/kustomization.yaml: says 1.2.3+dev, should say 1.2.3-dev"),
    ("a release without news", {"NEWS.md": "## Since 1.2.2\n\n## 1.2.2\n"}, "NEWS.md: has no section 1.2.3"),
    ("a release whose news are still open", {"NEWS.md": "## Since 1.2.2\n\n## 1.2.3\n"},
     "NEWS.md: begins with ['Since 1.2.2'], should with 1.2.3"),
    ("after a release, no place for news", {**BETWEEN, "NEWS.md": SOUND["NEWS.md"]},
     "NEWS.md: begins with ['1.2.3'], should with Since 1.2.3"),
]


if __name__ == "__main__":
    between = made_up.judge_made_up(judge, SOUND, BETWEEN)
    if between:
        sys.exit(f"not ok - a sound tree between two releases has faults: {between}")
    sys.exit(made_up.run(judge, SOUND, UNSOUND))
