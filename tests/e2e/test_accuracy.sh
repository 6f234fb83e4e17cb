#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What bpf-metro ships is what the kernel measured itself (TCP_INFO), at every hook and with libpcap,
# over delays of 20 ms, 5 ms and none, IPv4 and IPv6; and every request makes a sample.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

WAYS="tc clsact xdp pcap"
AVG=system.net.tcp.rtt.avg

way_options() {
  case $1 in
    pcap) echo --backend pcap ;;
    *) echo --backend bpf --hook "$1" ;;
  esac
}

# Its only report is the one at its end, so that there is one avg over all samples.
start_way() {
  cat >"$METRO_TMP/$1.yaml" <<END
init_config:
  log_to_file: false
  report_interval: 3600
instances:
  - interface: $METRO_CLIENT_IF
    ips: [$METRO_SERVER_V4, $METRO_SERVER_V6]
    tags: ["way:$1"]
END
  # shellcheck disable=SC2046 # options are words
  start_metro "$1" in_client -c "$METRO_TMP/$1.yaml" $(way_options "$1")
}

# requests OPTION...: over both families at the same time.
requests() {
  local status
  load v6 "$METRO_SERVER_V6" "$@" &
  load v4 "$METRO_SERVER_V4" "$@"
  status=$?
  wait $! && return $status
}

# judge_avg WAY FAMILY ADDRESS: The kernel smooths over the last samples; the mean that tcp_load
# measured is over all, but has the time in it that a process takes to be woken. The truth lies
# between the two, and never below the kernel's minimum. On a busy machine both have delays between
# the interface and the socket that we do not have: seen, 2.1 % of 5 ms, and 65 us without a delay.
judge_avg() {
  local avg_ms
  avg_ms=$(gauges statsd $AVG "dst:$3,way:$1,")
  holds 'avg * 1000 >= min_rtt - 50 &&
      avg * 1000 >= (srtt < mean ? srtt : mean) - (0.05 * srtt > 100 ? 0.05 * srtt : 100) &&
      avg * 1000 <= (srtt > mean ? srtt : mean) + (0.02 * srtt > 50 ? 0.02 * srtt : 50)' \
    "avg=$avg_ms" "srtt=$(load_field "$2" srtt_us mean)" \
    "mean=$(load_field "$2" mean_app_rtt_us mean)" "min_rtt=$(load_field "$2" min_rtt_us min)"
}

show_figures() { # WAY DELAY FAMILY ADDRESS
  echo "# $1, $2, $3: avg $(gauges statsd $AVG "dst:$4,way:$1,") ms; kernel's srtt" \
    "$(load_field "$3" srtt_us mean) us, mean $(load_field "$3" mean_app_rtt_us mean) us," \
    "least $(load_field "$3" min_rtt_us min) us"
}

# judge_way WAY DELAY: of a bpf-metro that has reported.
judge_way() {
  local requests samples
  requests=$(($(load_field v4 requests sum) + $(load_field v6 requests sum)))
  samples=$(counter "$1" samples)
  show_figures "$1" "$2" v4 "$METRO_SERVER_V4"
  show_figures "$1" "$2" v6 "$METRO_SERVER_V6"
  tap_check "$1, $2: IPv4 avg is the kernel's" judge_avg "$1" v4 "$METRO_SERVER_V4"
  tap_check "$1, $2: IPv6 avg is the kernel's" judge_avg "$1" v6 "$METRO_SERVER_V6"
  tap_check "$1, $2: $requests requests make as many samples" same_count "$samples" "$requests"
}

stop_way() {
  stop_background "$1" && wait_until 5 gauge_arrived statsd $AVG "way:$1,"
}

set_up() { # PAIR_OPTION...
  metro_setup_pair accuracy "$@" && start_server && start_statsd statsd ||
    bail_out "two hosts, a server and a StatsD listener"
}

# All ways at the same time: what one costs is nothing beside the delay.
over_delay() { # MS
  local way
  set_up --delay "$1"
  for way in $WAYS; do
    start_way "$way" || bail_out "$way, $1 ms: it starts"
  done
  tap_check "$1 ms: requests are answered" requests --connections 4 --rate 20 --count 50
  for way in $WAYS; do
    stop_way "$way"
    judge_way "$way" "$1 ms"
  done
}

# One way at a time, for every other would be in its round trips.
without_delay() {
  local way
  for way in $WAYS; do
    set_up
    start_way "$way" || bail_out "$way, no delay: it starts"
    tap_check "$way, no delay: requests are answered" requests --rate 100 --count 150
    stop_way "$way"
    judge_way "$way" "no delay"
  done
}

# As many requests as possible, and every one of them a line of JSON.
every_sample() {
  local way n=2000
  set_up
  for way in $WAYS; do
    # shellcheck disable=SC2046,SC2086
    start_metro "$way" in_client $(way_options "$way") --output json -i "$METRO_CLIENT_IF" \
      $PEERS || bail_out "$way as JSON: it starts"
  done
  tap_check "requests without a pause are answered" requests --count $n
  for way in $WAYS; do
    wait_until 5 samples_reach "$way" $((2 * n))
    stop_background "$way"
    tap_check "$way as JSON: $n IPv4 requests make as many samples" \
      same_count "$(samples "$way" "\"dst\":\"$METRO_SERVER_V4\"")" $n
    tap_check "$way as JSON: $n IPv6 requests make as many samples" \
      same_count "$(samples "$way" "\"dst\":\"$METRO_SERVER_V6\"")" $n
  done
}

over_delay 20
over_delay 5
without_delay
every_sample
tap_done
