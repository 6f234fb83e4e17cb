#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# StatsD servers that others wrote show the values that bpf-metro sent: the statsd of Etsy from the npm
# registry, or else netdata from Debian, whichever is found, those of live traffic; then statsd of npm
# in every dialect, and collectd from Debian in that which knows no tags, all that a capture file has.
#   STATSD_JS=PATH  its stats.js; else node_modules/statsd in $METRO_BUILD
#   NETDATA=PATH    its program;  else netdata/usr/sbin/netdata in $METRO_BUILD, else what is in PATH
#   COLLECTD=PATH   the directory it is unpacked in; else collectd in $METRO_BUILD
# `make deps` puts them there. They are started here, with a configuration of their own, in the
# client's network namespace; no system service is touched.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

STATSD_JS=${STATSD_JS:-$METRO_BUILD/node_modules/statsd/stats.js}
NETDATA=${NETDATA:-$METRO_BUILD/netdata/usr/sbin/netdata}
COLLECTD=${COLLECTD:-$METRO_BUILD/collectd}
[ -x "$NETDATA" ] || NETDATA=$(command -v netdata)
METRICS="system.net.tcp.rtt.avg system.net.tcp.rtt.jitter system.net.tcp.rtt"
API=19999 # netdata's port

metro_setup_pair real --delay 20 --jitter 3 && start_server || bail_out "two hosts and a server"

# ---- statsd of npm -------------------------------------------------------------------------------

# It shows tags the way Graphite has them: name;src=...;dst=...
start_npm() {
  cat >"$METRO_TMP/statsd.js" <<END
{
  address: "127.0.0.1", port: 8125, mgmt_address: "127.0.0.1", mgmt_port: 8126,
  backends: ["./backends/console"], flushInterval: 500, deleteGauges: false,
  prettyprint: true
}
END
  start_background real in_client node "$STATSD_JS" "$METRO_TMP/statsd.js" &&
    wait_for_line "$METRO_TMP/real.out" 'server is up' 10
}

read_npm() { # METRIC
  sed -n "s/^ *'$1;src=$METRO_CLIENT_V4;dst=$METRO_SERVER_V4;env=test;iface=$METRO_CLIENT_IF': \([0-9.]*\),*\$/\1/p" \
    "$METRO_TMP/real.out" | tail -n 1
}

npm_saw_no_bad_line() {
  grep 'bad_lines_seen' "$METRO_TMP/real.out" | tail -n 1 | grep . &&
    ! grep 'Bad line' "$METRO_TMP/real.out" "$METRO_TMP/real.err" &&
    ! grep -E "bad_lines_seen'?: [1-9]" "$METRO_TMP/real.out"
}

# ---- netdata -------------------------------------------------------------------------------------

# It leaves tags aside, and shows three decimals.
start_netdata() {
  local home=$METRO_TMP/netdata section
  mkdir -p "$home"
  cat >"$home/netdata.conf" <<END
[global]
  run as user = root
  memory mode = ram
[db]
  mode = ram
[directories]
$(for section in config "stock config" log cache lib web plugins; do echo "  $section = $home"; done)
[ml]
  enabled = no
[health]
  enabled = no
[web]
  bind to = 127.0.0.1:$API
[plugins]
$(for section in proc diskspace cgroups tc idlejitter timex "netdata monitoring" slabinfo \
    "enable running new plugins" checks; do echo "  $section = no"; done)
[statsd]
  update every (flushInterval) = 1
  default port = 8125
  bind to = udp:127.0.0.1:8125
END
  start_background real in_client "$NETDATA" -D -c "$home/netdata.conf" &&
    wait_until 15 api_answers
}

api() {
  # shellcheck disable=SC2016 # for the other shell
  in_client timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" &&
    printf "GET /api/v1/allmetrics?format=json HTTP/1.0\r\n\r\n" >&3 && cat <&3' $API 2>/dev/null
}

api_answers() {
  api | grep -q '200 OK'
}

read_netdata() { # METRIC
  api | awk -v name="\"statsd_$1_gauge\": {" '
    index($0, name) { found = 1 }
    found && /"value":/ { print $2 + 0; exit }'
}

# ---- live traffic --------------------------------------------------------------------------------

# What it must show: the figures of the same samples, one by one. Another bpf-metro took them, a few
# microseconds apart; the line's jitter makes the figures large beside that.
truth() { # METRIC
  awk -F '"rtt_ns":' -v metric="$1" '
    {
      ms = $2 / 1e6
      sum += ms
      if (n++) apart += ms > last ? ms - last : last - ms
      last = ms
    }
    END {
      if (metric == "system.net.tcp.rtt") print last
      if (metric == "system.net.tcp.rtt.avg") print sum / n
      if (metric == "system.net.tcp.rtt.jitter") print apart / (n - 1)
    }' "$METRO_TMP/json.out"
}

shown() {
  [ -n "$(read_$server "$1")" ]
}

shows() { # METRIC
  wait_until 5 shown "$1"
  echo "# $1: $server shows $(read_$server "$1") ms, sent $(truth "$1")" >&3
  holds 'shown > 0 && (shown > sent ? shown - sent : sent - shown) <= 0.06' \
    "shown=$(read_$server "$1")" "sent=$(truth "$1")"
}

test_live() {
  cat >"$METRO_TMP/real.yaml" <<END
init_config: {log_to_file: false, report_interval: 3600}
instances: [{interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4], tags: ["env:test"]}]
END
  start_$server || bail_out "$server starts: $(tail -n 3 "$METRO_TMP/real.err")"
  start_metro metro in_client -c "$METRO_TMP/real.yaml" --backend bpf &&
    start_metro json in_client -c "$METRO_TMP/real.yaml" --backend bpf --output json ||
    bail_out "bpf-metro starts"
  load rr "$METRO_SERVER_V4" --rate 50 --count 50
  wait_until 2 samples_reach json 50
  stop_background json
  tap_check "bpf-metro reports to $server and ends well" stop_background metro
  for metric in $METRICS; do
    tap_check "$server shows $metric as it was sent" shows "$metric"
  done
  [ $server != npm ] || tap_check "npm's statsd saw no bad line" npm_saw_no_bad_line
  stop_background real
}

# ---- every dialect -------------------------------------------------------------------------------

# Two captures, IPv4 and IPv6, with tags that need cleaning. report PORT DIALECT
report() {
  local data
  data=$(realpath "$(dirname "$0")/../data/captures")
  cat >"$METRO_TMP/dialect.yaml" <<END
init_config:
  log_to_file: false
  statsd_port: $1
  dialect: $2
  prefix: by_$2
  metrics: [rtt, avg, jitter, min, max, p50, p95, p99, samples, handshake, retransmissions]
instances:
  - {interface: file, pcap: $data/lossy-upload.pcap, ips: [0.0.0.0/0], tags: ["env:A Test", plain]}
  - {interface: file, pcap: $data/requests-ipv6-nano.pcap, ips: ["::/0"], tags: ["a=b;c:d/e"]}
END
  in_client "$METRO" -c "$METRO_TMP/dialect.yaml"
}

# Our own listener tells what is sent: the same, each time. sent DIALECT: it goes to sent.DIALECT.
sent() {
  start_statsd sent in_client --port 8200 && report 8200 "$1" || return
  sleep 0.2
  stop_background sent
  grep -v '^--' "$METRO_TMP/sent.out" >"$METRO_TMP/sent.$1"
  [ "$(grep -c . "$METRO_TMP/sent.$1")" -ge 25 ]
}

# Every line sent must be among the values shown. Etsy's statsd takes tags as DogStatsD has them, and
# turns them into Graphite's; of a key it drops what Graphite would not like, if so configured.
cat >"$METRO_TMP/compare.py" <<'END'
import collections, csv, glob, os, re, sys

def shown_by_npm(path):
    shown = collections.defaultdict(set)
    kind = None
    for line in open(path):
        section = re.match(r"\s*(\w+): \{", line)
        if section:
            kind = {"gauges": "g", "counters": "c"}.get(section[1])
        for key, value in re.findall(r"'([^']+)': (-?[0-9.e-]+)", line):
            shown[kind, key].add(float(value))
    return shown

def shown_by_collectd(path):
    shown = collections.defaultdict(set)
    for name in glob.glob(path + "/*/statsd/*"):
        match = re.fullmatch(r"(gauge|derive)-(.*)-\d+-\d+-\d+", os.path.basename(name))
        for row in list(csv.reader(open(name)))[1:]:
            if match and len(row) == 2:
                shown[match[1].replace("gauge", "g").replace("derive", "c"), match[2]].add(float(row[1]))
    return shown

def key_of(name, fields, sanitized):
    for tags in (f[1:] for f in fields if f.startswith("#")):
        name += "".join(";" + t.replace(":", "=", 1) for t in tags.split(","))
    if sanitized:
        name = re.sub(r"[^a-zA-Z_\-0-9.;=]", "", name.replace("/", "-"))
    return name

server, sanitized, sent, path = sys.argv[1:]
shown = shown_by_npm(path) if server == "npm" else shown_by_collectd(path)
missing = 0
lines = open(sent).read().splitlines()
for line in lines:
    head, kind, *fields = line.split("|")
    name, value = head.rsplit(":", 1)
    key = key_of(name, fields, sanitized == "yes")
    if float(value) not in shown[kind, key]:
        missing += 1
        print("sent", line, "shown", key, shown[kind, key])
print(len(lines), "lines")
sys.exit(missing > 0 or not lines)
END

compare() { # SERVER SANITIZED DIALECT FILE
  python3 "$METRO_TMP/compare.py" "$1" "$2" "$METRO_TMP/sent.$3" "$4"
}

start_npm_again() { # SANITIZE
  cat >"$METRO_TMP/statsd.js" <<END
{
  address: "127.0.0.1", port: 8125, mgmt_address: "127.0.0.1", mgmt_port: 8126,
  backends: ["./backends/console"], flushInterval: 300, deleteGauges: false,
  keyNameSanitize: $1
}
END
  start_background real in_client node "$STATSD_JS" "$METRO_TMP/statsd.js" &&
    wait_for_line "$METRO_TMP/real.out" 'server is up' 10
}

npm_shows() { # DIALECT SANITIZED
  sent "$1" && report 8125 "$1" && soon 5 compare npm "$2" "$1" "$METRO_TMP/real.out"
}

# InfluxDB's names have commas, which a statsd in front of Graphite would drop.
test_npm_dialects() {
  local dialect
  start_npm_again true || bail_out "npm's statsd starts"
  for dialect in dogstatsd graphite statsd; do
    tap_check "npm's statsd shows every value sent in the dialect $dialect" npm_shows $dialect yes
  done
  tap_check "npm's statsd saw no bad line in them" npm_saw_no_bad_line
  stop_background real
  start_npm_again false || bail_out "npm's statsd starts again"
  tap_check "npm's statsd shows every value sent in the dialect influx" npm_shows influx no
  tap_check "npm's statsd saw no bad line in it" npm_saw_no_bad_line
  stop_background real
}

start_collectd() {
  local home=$METRO_TMP/collectd
  mkdir -p "$home"
  cat >"$home/collectd.conf" <<END
Hostname "test"
FQDNLookup false
BaseDir "$home"
PIDFile "$home/pid"
PluginDir "$COLLECTD/usr/lib/collectd"
TypesDB "$COLLECTD/usr/share/collectd/types.db"
Interval 0.5
LoadPlugin logfile
LoadPlugin statsd
LoadPlugin csv
<Plugin logfile>
  LogLevel info
  File stderr
</Plugin>
<Plugin statsd>
  Host "127.0.0.1"
  Port "8125"
</Plugin>
<Plugin csv>
  DataDir "$home/csv"
  StoreRates false
</Plugin>
END
  start_background collectd in_client "$COLLECTD/usr/sbin/collectd" -f -C "$home/collectd.conf" &&
    wait_for_line "$METRO_TMP/collectd.err" 'Listening on' 10
}

collectd_shows() {
  sent statsd && report 8125 statsd && soon 5 compare collectd no statsd "$METRO_TMP/collectd/csv"
}

collectd_saw_no_bad_line() {
  ! grep -iE 'unable|error|invalid|failed' "$METRO_TMP/collectd.err"
}

test_collectd() {
  start_collectd || bail_out "collectd starts: $(cat "$METRO_TMP/collectd.err")"
  tap_check "collectd shows every value sent in the dialect statsd" collectd_shows
  tap_check "collectd saw no bad line" collectd_saw_no_bad_line
  stop_background collectd
}

# ---- which there are -----------------------------------------------------------------------------

exec 3>&1
if have node && [ -f "$STATSD_JS" ]; then
  server=npm
  test_live
  test_npm_dialects
elif [ -n "$NETDATA" ]; then
  server=netdata
  test_live
else
  tap_skip "a real StatsD server shows what was sent" "neither statsd (npm) nor netdata is installed"
fi
if [ -x "$COLLECTD/usr/sbin/collectd" ]; then
  test_collectd
else
  tap_skip "collectd shows what was sent" "it is not in $COLLECTD: sudo make deps"
fi
tap_done
