#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The clock is set forward and back, by 3 s and by 20 ms, under traffic: libpcap's times are of that
# clock, and no sample may have the step in it. Since this sets the clock of the whole machine, it
# runs only where that was allowed (in a virtual machine, say), and leaves it as it was but for
# some ms.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

if [ "${METRO_SET_CLOCK:-0}" != 1 ]; then
  tap_skip "the clock is set under traffic" \
    "sets this machine's clock, which METRO_SET_CLOCK=1 allows"
  tap_done
  exit
fi

DELAY=22 # ms
SECONDS_OF_TRAFFIC=16

# step SECONDS
step() {
  python3 -c 'import sys, time
time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME) + float(sys.argv[1]))' "$1"
}

steps() {
  local by
  sleep 1
  for by in 3 -3 3 -3 0.02 -0.02 3 -3 3 -3; do
    step $by || return
    sleep 1.2
  done
}

noticed() {
  equal "steps in the log" 10 "$(log_count metro 'DEBUG the clock was set by')"
}

# A step forward makes samples of 3 s; one back makes some of 2 ms, by the small one. A machine that
# only just keeps up makes some of 60 ms.
right() {
  local least most
  least=$(gauges statsd system.net.tcp.rtt.min | sort -n | head -n 1)
  most=$(gauges statsd system.net.tcp.rtt.max | sort -n | tail -n 1)
  holds 'least > 0.95 * delay && most < 1000' "least=$least" "most=$most" "delay=$DELAY"
}

samples_sum() {
  gauges statsd system.net.tcp.rtt.samples | awk '{ sum += $1 } END { print sum + 0 }'
}

# Not JSON: for somebody who is watching, packets do not wait in blocks.
cat >"$METRO_TMP/clock.yaml" <<END
init_config:
  {log_to_file: false, log_level: debug, report_interval: 1, metrics: [min, max, samples]}
instances: [{interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4]}]
END
metro_setup_pair clock --delay $DELAY && start_server || bail_out "two hosts"
start_statsd statsd || bail_out "a StatsD server"
start_metro metro in_client --backend pcap -c "$METRO_TMP/clock.yaml" ||
  bail_out "bpf-metro with libpcap"
start_background traffic in_client timeout 60 "$LOAD" client --connect "$METRO_SERVER_V4" \
  --port $PORT --connections 8 --rate 30 --seconds $SECONDS_OF_TRAFFIC
tap_check "the clock is set ten times" steps
wait_background traffic 30
requests=$(grep -o '"requests":[0-9]*' "$METRO_TMP/traffic.out" |
  awk -F : '{ sum += $2 } END { print sum }')
stop_background metro
sleep 0.2
tap_check "bpf-metro notices each time" noticed
tap_check "no sample has a step in it" right
# each step leaves a fifth of a second in doubt, and some
tap_check "most requests have their sample" holds 'samples > requests / 2' \
  "samples=$(samples_sum)" "requests=$requests"
tap_done
