#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Asks Prometheus what Grafana's dashboards would ask.

dashboards.py HOST:PORT DASHBOARD.json..: status 0 if every query of every panel and variable has figures.
A variable's values are asked for as Grafana does; $__rate_interval is what it is with scrapes of a second.
"""
import http.client
import json
import math
import re
import sys
import time
import urllib.parse

RATE_INTERVAL_S = 10
LABEL_VALUES = re.compile(r"label_values\((.*), *(\w+)\)$")


def ask(prometheus, path, **arguments):
    connection = http.client.HTTPConnection(prometheus, timeout=10)
    connection.request("GET", f"/api/v1/{path}?{urllib.parse.urlencode(arguments)}")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    if answer["status"] != "success":
        raise AssertionError(answer["error"])
    return answer["data"]["result"]


def fill(text, values):
    for name, value in values.items():
        text = re.sub(rf"\$(?:{name}\b|\{{{name}\}})", lambda _, value=value: value, text)
    assert "$" not in text, f"a variable without a value: {text}"
    return text


def quoted(value):
    """For a regular expression in a string, where a backslash is written as two."""
    return re.escape(value).replace("\\", "\\\\")


def values_of(prometheus, dashboard):
    """The first value of each variable, or all where the dashboard begins with all."""
    values = {"__rate_interval": f"{RATE_INTERVAL_S}s"}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] != "query":
            continue
        selector, label = LABEL_VALUES.match(variable["query"]["query"]).groups()
        found = ask(prometheus, "query", query=f"count by ({label}) ({fill(selector, values)})")
        found = sorted(row["metric"][label] for row in found if label in row["metric"])
        assert found, f"variable {variable['name']} has no values"
        values[variable["name"]] = "|".join(map(quoted, found)) if variable["multi"] else found[0]
    return values


def figures(prometheus, target, values):
    """All that the query returns which can be drawn."""
    expression = fill(target["expr"], values)
    if target.get("instant"):
        rows = [[row["value"]] for row in ask(prometheus, "query", query=expression)]
    else:
        now = time.time()
        rows = [row["values"] for row in ask(prometheus, "query_range", query=expression, start=now - 3, end=now, step=1)]
    return [float(value) for row in rows for _, value in row if math.isfinite(float(value))]


def check(prometheus, path):
    """Returns (how many queries, faults)."""
    with open(path, encoding="utf-8") as file:
        dashboard = json.load(file)
    values, queries, faults = values_of(prometheus, dashboard), 0, []
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            queries += 1
            try:
                if not figures(prometheus, target, values):
                    faults.append(f"{panel['title']}: no data: {target['expr']}")
            except AssertionError as error:
                faults.append(f"{panel['title']}: {error}")
    return queries, faults


def main(prometheus, paths):
    failed = False
    for path in paths:
        queries, faults = check(prometheus, path)
        print(f"{path}: {queries} queries, {len(faults)} without data")
        print(*faults, sep="\n", end="\n" if faults else "")
        failed |= bool(faults) or not queries
    return failed


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    except (AssertionError, OSError, http.client.HTTPException) as error:
        sys.exit(f"{error!r}")
