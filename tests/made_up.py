# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A check of the tree as a TAP test that first shows it can fail: on a made-up tree without a fault,
and on that with one fault after another. Then it judges ours."""
import os
import sys
import tempfile


def judge_made_up(judge, sound, changes):
    """Returns the faults of the sound tree ({path: text}) with these files written over it."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**sound, **changes}.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return sum(judge(root).values(), [])


def run(judge, sound, unsound):
    """judge(root) returns {what is asked: faults}; unsound has (name, changes, the fault to be found).
    Judges the tree named on the command line, or the one that this file stands in. Returns the exit
    status."""
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    results = [("a sound made-up tree passes", judge_made_up(judge, sound, {}))]
    for name, changes, fault in unsound:
        found = judge_made_up(judge, sound, changes)
        missing = [] if fault in found else [f"not found: {fault}; found: {found}"]
        results.append((f"found in a made-up tree: {name}", missing))
    results += judge(root).items()
    print(f"1..{len(results)}")
    for number, (name, faults) in enumerate(results, 1):
        print(f"{'not ok' if faults else 'ok'} {number} - {name}")
        for fault in faults:
            print(f"# {fault}")
    return any(faults for _, faults in results)
