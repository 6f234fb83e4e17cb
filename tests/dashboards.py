#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Holds the dashboards, alert rules and the list of metrics in packaging/ against what bpf-metro has.

dashboards.py [TREE] speaks TAP. Before it judges the tree it judges small trees with one fault each. Whether
queries return anything is asked of a real Prometheus in tests/e2e/test_dashboards.sh.
"""
import csv
import glob
import json
import os
import re
import sys

import made_up

COLUMNS = ["metric_name", "metric_type", "interval", "unit_name", "per_unit_name", "description", "orientation",
           "integration", "short_name", "curated_metric"]
UNITS = {"", "connection", "datagram", "millisecond", "occurrence", "packet", "segment"} # of those that Datadog has
PROMETHEUS = re.compile(r"\bbpf_metro_\w+")
DATADOG = re.compile(r"\b(?:system\.net\.tcp|bpf_metro)\.\w+(?:\.(?!as_count\b)\w+)*")
SUFFIXES = ("_bucket", "_sum", "_count")


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def documents(root, pattern):
    """Yields (path, the JSON in it, or None with what is wrong)."""
    for path in sorted(glob.glob(os.path.join(root, pattern))):
        name = os.path.relpath(path, root)
        try:
            yield name, json.loads(read(root, name)), None
        except ValueError as error:
            yield name, None, f"{name}: {error}"


def strings(value):
    """All texts in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for below in value.values() if isinstance(value, dict) else value:
            yield from strings(below)


# ---- Grafana and the rules ----

def served(root):
    """Names that docs/openmetrics.md has, those that it abbreviates as a histogram's included."""
    text = read(root, "docs/openmetrics.md")
    names = set(PROMETHEUS.findall(text))
    return names | {name + suffix for name in names for suffix in SUFFIXES if name.endswith("_seconds")}


def check_unknown(root):
    known, faults = served(root), []
    for path in glob.glob(os.path.join(root, "packaging/grafana/*.json")) + \
            glob.glob(os.path.join(root, "packaging/prometheus/*.yml")):
        name = os.path.relpath(path, root)
        text = re.sub(r"\b\w+:bpf_metro_\w+", "", read(root, name)) # what rules record
        faults += [f"{name}: docs/openmetrics.md has no {metric}" for metric in sorted(set(PROMETHEUS.findall(text)) - known)]
    return faults


def check_panel(panel):
    faults = [f"has no {key}" for key in ("title", "description") if not panel.get(key)]
    if not panel.get("fieldConfig", {}).get("defaults", {}).get("unit"):
        faults.append("has no unit")
    if not panel.get("targets"):
        faults.append("asks nothing")
    for part in [panel] + panel.get("targets", []):
        if part.get("datasource", {}).get("uid") != "${datasource}":
            faults.append("does not ask the data source that was chosen")
    return faults


def check_variables(dashboard):
    has = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set()
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            used |= set(re.findall(r"\$\{?(\w+)", target["expr"])) - {"__rate_interval", "__range", "__interval"}
    return [f"there is no variable {name}" for name in sorted(used - has)] + \
        ([] if "datasource" in has else ["there is no variable datasource"])


def check_grafana(root):
    faults, uids = [], set()
    for name, dashboard, error in documents(root, "packaging/grafana/*.json"):
        if error:
            faults.append(error)
            continue
        ids = [panel["id"] for panel in dashboard["panels"]]
        found = check_variables(dashboard)
        found += ["two panels have one id"] if len(set(ids)) < len(ids) else []
        found += ["has another's uid"] if dashboard["uid"] in uids else []
        found += ["has a number of its own, which may be another's"] if dashboard.get("id") is not None else []
        for panel in dashboard["panels"]:
            if panel["type"] != "row":
                found += [f"panel {panel.get('title') or panel['id']} {fault}" for fault in check_panel(panel)]
        uids.add(dashboard["uid"])
        faults += [f"{name}: {fault}" for fault in found]
    return faults if uids else faults + ["there is no dashboard for Grafana"]


# ---- Datadog ----

def named_in(text):
    """C's table of names: the strings after = in designated initialisers."""
    return re.findall(r'^\t\[\w+\] = \{?"([a-z0-9_.]+)"', text, re.MULTILINE)


def sent(root):
    """{metric: type} of the sources and of docs/metrics.md."""
    found = {}
    for name in named_in(read(root, "src/report/counter_names.c")) + named_in(read(root, "src/report/telemetry.c")):
        found["bpf_metro." + name] = "count"
    found["bpf_metro.series"] = "gauge"
    for name, kind in re.findall(r'\{"(system\.[a-z0-9_.]+)", METRIC_(\w+)\}', read(root, "src/report/metrics.c")):
        found[name] = kind.lower()
    text = read(root, "docs/metrics.md")
    own = text.partition("own counters\n")[2].partition("\n## ")[0]
    for names in re.findall(r"^\| ((?:`\w+`(?:, )?)+) (?:\(a gauge\) )?\| [^`]", own, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", names):
            found.setdefault("bpf_metro." + name, "count")
    for name in re.findall(r"`(system\.net\.tcp\.[a-z0-9_.]+)`", text):
        found.setdefault(name, "gauge")
    if "system.net.tcp.rtt.distribution" in text:
        found["system.net.tcp.rtt.distribution"] = "distribution"
    return found


def metadata(root):
    rows = list(csv.reader(read(root, "packaging/datadog/metadata.csv").splitlines()))
    return rows[0], rows[1:]


def check_metadata(root):
    columns, rows = metadata(root)
    if columns != COLUMNS:
        return [f"metadata.csv: the columns are not {','.join(COLUMNS)}"]
    faults, expected = [], sent(root)
    for row in rows:
        entry = dict(zip(COLUMNS, row))
        name = entry["metric_name"]
        if len(row) != len(COLUMNS):
            faults.append(f"{name} has {len(row)} columns")
        elif name not in expected:
            faults.append(f"{name} is not sent")
        elif entry["metric_type"] != expected[name]:
            faults.append(f"{name} is a {expected[name]}, not a {entry['metric_type']}")
        elif entry["unit_name"] not in UNITS or entry["orientation"] not in ("-1", "0", "1"):
            faults.append(f"{name} has a unit or an orientation that Datadog does not know")
        elif not entry["description"] or len(entry["description"]) > 400:
            faults.append(f"{name} has no description of 400 characters at most")
    names = [row[0] for row in rows]
    faults += [f"{name} is missing" for name in expected if name not in names]
    faults += [f"{name} is there twice" for name in set(names) if names.count(name) > 1]
    return [f"metadata.csv: {fault}" for fault in faults]


def check_datadog(root):
    faults, asked = [], set()
    known = {row[0] for row in metadata(root)[1]}
    for name, document, error in documents(root, "packaging/datadog/*.json"):
        if error:
            faults.append(error)
            continue
        used = {metric for text in strings(document) if ":" in text for metric in DATADOG.findall(text)}
        faults += [f"{name}: metadata.csv has no {metric}" for metric in sorted(used - known)]
        needed = ("name", "type", "query", "message", "options") if "monitor" in name else \
            ("title", "description", "layout_type", "widgets")
        faults += [f"{name}: has no {key}" for key in needed if not document.get(key)]
        asked |= used
    return faults if asked else faults + ["there is nothing for Datadog"]


def check_logs(root):
    """What monitors look for in the log is said there."""
    said = "".join(read(root, os.path.relpath(path, root)) for path in glob.glob(os.path.join(root, "src/daemon/*.c")))
    faults = []
    for name, document, error in documents(root, "packaging/datadog/monitor-*.json"):
        for words in [] if error or document.get("type") != "log alert" else re.findall(r'\\"(.+?)\\"', document["query"]):
            faults += [] if words in said else [f"{name}: nobody says {words}"]
    return faults


def judge(root):
    """Returns {what is asked: faults}."""
    return {
        "metrics of Grafana's dashboards and of the rules exist": check_unknown(root),
        "Grafana's dashboards are whole": check_grafana(root),
        "metadata.csv has all metrics": check_metadata(root),
        "metrics of Datadog's dashboard and monitors exist": check_datadog(root),
        "what Datadog's monitors look for in the log is said": check_logs(root),
    }


def board(**panel):
    source = {"type": "prometheus", "uid": "${datasource}"}
    whole = {"id": 1, "type": "stat", "title": "t", "description": "d", "datasource": source,
             "fieldConfig": {"defaults": {"unit": "s"}},
             "targets": [{"datasource": source, "expr": 'rate(bpf_metro_rtt_seconds_sum{a="$a"}[$__rate_interval])'}]}
    variables = [{"name": "datasource"}, {"name": "a"}]
    return json.dumps({"uid": "u", "id": None, "templating": {"list": variables}, "panels": [{**whole, **panel}]})


HEAD = ",".join(COLUMNS) + "\n"
ROWS = ("system.net.tcp.rtt.avg,gauge,,millisecond,,Mean.,-1,bpf-metro,,\nbpf_metro.flows,count,,connection,,Flows.,0,bpf-metro,,\n"
        "bpf_metro.folded,count,,,,Folded.,0,bpf-metro,,\nbpf_metro.series,gauge,,,,Series.,0,bpf-metro,,\n")
METADATA, METRICS = "packaging/datadog/metadata.csv", "docs/metrics.md"
SOUND = {
    "docs/openmetrics.md": "`bpf_metro_rtt_seconds`, `bpf_metro_flows_total`\n",
    METRICS: "| `avg` | `system.net.tcp.rtt.avg` |\n## bpf-metro's own counters\n| `flows` | connections |\n"
             "\n## Keys\n| `key` | of something else |\n",
    "src/report/counter_names.c": '\t[COUNTER_FLOWS] = "flows",\n',
    "src/report/telemetry.c": '\t[TELEMETRY_FOLDED] = "folded",\n',
    "src/report/metrics.c": '\t[METRIC_AVG] = {"system.net.tcp.rtt.avg", METRIC_GAUGE},\n',
    "packaging/grafana/a.json": board(),
    "packaging/prometheus/a.yml": "expr: bpf_metro_flows_total and a:bpf_metro_x:p50\n",
    METADATA: HEAD + ROWS,
    "packaging/datadog/monitor-a.json": json.dumps({"name": "n", "type": "t", "query": "avg:bpf_metro.flows{*}.as_count()",
                                                    "message": "m", "options": {"a": 1}}),
}
LOG = "packaging/datadog/monitor-log.json"
SOUND[LOG] = json.dumps({"name": "n", "type": "log alert", "query": 'logs("service:a \\"some words\\"")', "message": "m", "options": {"a": 1}})
SOUND["src/daemon/a.c"] = 'log_warning("these are some words");\n'
GRAFANA = "packaging/grafana/a.json"
UNSOUND = [
    ("a misspelt metric", {GRAFANA: board().replace("rtt_seconds", "rt_seconds")},
     f"{GRAFANA}: docs/openmetrics.md has no bpf_metro_rt_seconds_sum"),
    ("a misspelt metric in a rule", {"packaging/prometheus/a.yml": "expr: bpf_metro_flow_total\n"},
     "packaging/prometheus/a.yml: docs/openmetrics.md has no bpf_metro_flow_total"),
    ("half a file", {GRAFANA: "[1"}, f"{GRAFANA}: Expecting ',' delimiter: line 1 column 3 (char 2)"),
    ("a panel without a title", {GRAFANA: board(title="")}, f"{GRAFANA}: panel 1 has no title"),
    ("a panel without a description", {GRAFANA: board(description="")}, f"{GRAFANA}: panel t has no description"),
    ("a panel without a unit", {GRAFANA: board(fieldConfig={})}, f"{GRAFANA}: panel t has no unit"),
    ("another data source", {GRAFANA: board(datasource={"uid": "x"})},
     f"{GRAFANA}: panel t does not ask the data source that was chosen"),
    ("an unknown variable", {GRAFANA: board().replace("$a", "$b")}, f"{GRAFANA}: there is no variable b"),
    ("one uid twice", {"packaging/grafana/b.json": board()}, "packaging/grafana/b.json: has another's uid"),
    ("a metric of the sources", {"src/report/counter_names.c": '\t[COUNTER_NEW] = "new",\n'},
     "metadata.csv: bpf_metro.new is missing"),
    ("a metric of the documents", {METRICS: SOUND[METRICS].replace("\n\n## Keys", "\n| `new` (a gauge) | what is new |\n## Keys")},
     "metadata.csv: bpf_metro.new is missing"),
    ("a metric of peers", {METRICS: "`system.net.tcp.new`" + SOUND[METRICS]}, "metadata.csv: system.net.tcp.new is missing"),
    ("a metric that is gone", {METADATA: HEAD + ROWS + ROWS.splitlines()[1].replace("flows", "gone") + "\n"},
     "metadata.csv: bpf_metro.gone is not sent"),
    ("another type", {METADATA: HEAD + ROWS.replace("gauge,,milli", "count,,milli")},
     "metadata.csv: system.net.tcp.rtt.avg is a gauge, not a count"),
    ("another order", {METADATA: HEAD.replace("interval,unit_name", "unit_name,interval") + ROWS},
     f"metadata.csv: the columns are not {','.join(COLUMNS)}"),
    ("a monitor's metric", {"packaging/datadog/monitor-a.json": SOUND["packaging/datadog/monitor-a.json"].replace("flows", "flow")},
     "packaging/datadog/monitor-a.json: metadata.csv has no bpf_metro.flow"),
    ("other words in the log", {LOG: SOUND[LOG].replace("some", "other")}, f"{LOG}: nobody says other words"),
]


if __name__ == "__main__":
    sys.exit(made_up.run(judge, SOUND, UNSOUND))
