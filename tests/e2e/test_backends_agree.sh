#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# BPF and libpcap side by side on one interface at the same time find the same samples: their number
# within 1 %, their mean within 2 % or 50 us, for every kind of traffic, with offloads and without.
# One kind cannot be the same: TCP always makes super-packets of bulk data. Where the interface does
# not take them, they are cut behind the TC hook, and before the tap that libpcap listens to.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

start_backend() {
  # shellcheck disable=SC2086
  start_metro "$1" in_client --backend "$1" --output json -i "$METRO_CLIENT_IF" $PEERS ||
    bail_out "the $1 backend starts"
}

traffic() { # OPTION...
  local status
  load v6 "$METRO_SERVER_V6" "$@" &
  load v4 "$METRO_SERVER_V4" "$@"
  status=$?
  wait $! && return $status
}

# compare WHAT FAMILY ADDRESS LEAST: of LEAST samples on
compare() {
  local pattern="\"dst\":\"$3\"" count mean
  count=$(samples bpf "$pattern")
  mean=$(mean_us bpf "$pattern")
  echo "# $1, $2: BPF $count samples, mean $mean us;" \
    "libpcap $(samples pcap "$pattern"), $(mean_us pcap "$pattern") us"
  tap_check "$1, $2: at least $4 samples" holds 'count >= least' "count=$count" "least=$4"
  tap_check "$1, $2: as many samples" same_count "$(samples pcap "$pattern")" "$count"
  tap_check "$1, $2: the same mean" same_time "$(mean_us pcap "$pattern")" "$mean"
}

# compare_loosely WHAT FAMILY ADDRESS LEAST: where the two see different packets
compare_loosely() {
  local pattern="\"dst\":\"$3\"" backend
  for backend in bpf pcap; do
    echo "# $1, $2: $backend $(samples $backend "$pattern") samples," \
      "mean $(mean_us $backend "$pattern") us"
    tap_check "$1, $2: at least $4 samples, $backend" samples_reach $backend "$4" "$pattern"
  done
  tap_check "$1, $2: means within 10 %" holds 'a > 0.9 * b && a < 1.1 * b' \
    "a=$(mean_us pcap "$pattern")" "b=$(mean_us bpf "$pattern")"
}

# side_by_side COMPARE WHAT LEAST_SAMPLES OPTION...
side_by_side() {
  local compare=$1 what=$2 least=$3
  shift 3
  start_backend bpf
  start_backend pcap
  tap_check "$what: there is traffic" traffic "$@"
  sleep 0.3 # what is on its way
  stop_background bpf
  stop_background pcap
  "$compare" "$what" IPv4 "$METRO_SERVER_V4" "$least"
  "$compare" "$what" IPv6 "$METRO_SERVER_V6" "$least"
}

all_traffic() { # OFFLOAD COMPARE_BULK PAIR_OPTION...
  local offload="offload $1" bulk=$2
  shift 2
  metro_setup_pair agree --delay 5 "$@" && start_server || bail_out "two hosts and a server"
  side_by_side compare "requests, $offload" 200 --mode rr --connections 4 --count 50
  side_by_side compare "upload of segments, $offload" 100 \
    --mode upload --request 1000 --connections 2 --rate 100 --count 150
  side_by_side "$bulk" "upload in bulk, $offload" 100 \
    --mode upload --connections 2 --rate 100 --count 150
  # A receiver sends nothing but its request.
  side_by_side compare "download, $offload" 1 --mode download --seconds 1
  side_by_side compare "short connections, $offload" 100 --mode connect --connections 2 --count 50
}

all_traffic on compare
all_traffic off compare_loosely --no-offload
tap_done
