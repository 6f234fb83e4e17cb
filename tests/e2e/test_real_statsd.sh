#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A StatsD server that others wrote shows the values that bpf-metro sent. Which: the statsd of Etsy
# from the npm registry, or else netdata from Debian, whichever is found:
#   STATSD_JS=PATH  its stats.js; else node_modules/statsd in $METRO_BUILD
#   NETDATA=PATH    its program;  else netdata/usr/sbin/netdata in $METRO_BUILD, else what is in PATH
# `make deps` puts one of them there. Both are started here, with a configuration of their own, in
# the client's network namespace; no system service is touched.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

STATSD_JS=${STATSD_JS:-$METRO_BUILD/node_modules/statsd/stats.js}
NETDATA=${NETDATA:-$METRO_BUILD/netdata/usr/sbin/netdata}
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
  grep 'bad_lines_seen' "$METRO_TMP/real.out" | tail -n 1
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

# ---- the test ------------------------------------------------------------------------------------

if have node && [ -f "$STATSD_JS" ]; then
  server=npm
elif [ -n "$NETDATA" ]; then
  server=netdata
else
  tap_skip "a real StatsD server shows what was sent" "neither statsd (npm) nor netdata is installed"
  tap_done
  exit
fi

cat >"$METRO_TMP/real.yaml" <<END
init_config: {log_to_file: false, report_interval: 3600}
instances: [{interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4], tags: ["env:test"]}]
END

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

exec 3>&1
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
tap_done
