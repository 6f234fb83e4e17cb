#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A bridge whose ports come and go by the hundred, as on a host of containers, while a long flow on one
# of them loses no sample, signals are heeded at once, and in the end nothing is left over.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

HOST_V4=10.88.0.1
POD_V4=10.88.0.2
CONFIG=$METRO_TMP/churn.yaml

on_host() {
  ip -n "$METRO_CLIENT_NS" "$@"
}

# The client is the host, the server a pod behind one port of its bridge.
metro_setup_pair churn && on_host link add br0 type bridge && on_host link set br0 up &&
  on_host address add $HOST_V4/24 dev br0 &&
  ip link add vethlong netns "$METRO_CLIENT_NS" type veth peer name pod0 netns "$METRO_SERVER_NS" &&
  on_host link set vethlong master br0 up && ip -n "$METRO_SERVER_NS" link set pod0 up &&
  ip -n "$METRO_SERVER_NS" address add $POD_V4/24 dev pod0 && start_server ||
  bail_out "a bridge, a pod and a server"

cat >"$CONFIG" <<END
init_config: {log_to_file: false, log_level: debug, report_interval: 1}
instances: [{interface: ["veth*", "!*-end"], ips: [10.88.0.0/24]}]
END

# come NUMBER: so many ports, of one group, by which they go at once
come() {
  local i
  for ((i = 0; i < $1; i++)); do
    echo "link add veth$i group 7 type veth peer name veth$i-end group 7"
    echo "link set veth$i master br0 up"
  done | on_host -batch -
}

go() {
  on_host link delete group 7
}

# attached NUMBER: the log's lines of interfaces that were measured
attached() {
  [ "$(log_count metro 'DEBUG measuring on veth[0-9]+ with ')" -ge "$1" ]
}

left() {
  [ "$(log_count metro 'DEBUG no longer measuring on veth[0-9]+')" -ge "$(log_count metro \
    'DEBUG measuring on veth[0-9]+ with ')" ]
}

descriptors() {
  find "/proc/$(background_pid metro)/fd" -mindepth 1 | wc -l
}

links() { # of BPF
  grep -l '^link_type' "/proc/$(background_pid metro)/fdinfo/"* 2>/dev/null | wc -l
}

resident_kb() {
  awk '$1 == "VmRSS:" { print $2 }' "/proc/$(background_pid metro)/status"
}

programs_in_use() { # by it, the links' own references among them
  grep -h '^prog_id' "/proc/$(background_pid metro)/fdinfo/"* 2>/dev/null | sort -u | wc -l
}

state() {
  echo "$(descriptors) descriptors, $(links) links, $(programs_in_use) programs"
}

# heeded_at_once: SIGHUP, while interfaces are being attached
heeded_at_once() {
  local before
  before=$(log_count metro 'INFO reloaded ')
  kill -HUP "$(background_pid metro)"
  wait_until 1 reloaded_more_than "$before"
}

# Requests are made 100 times a second, and JSON has each at once.
samples_grow() {
  local before
  before=$(samples metro)
  sleep 1
  holds 'now - before > 50' "now=$(samples metro)" "before=$before"
}

reloaded_more_than() {
  [ "$(log_count metro 'INFO reloaded ')" -gt "$1" ]
}

# Reports come each second. The counters of each are a line at debug level.
say_waits() {
  sed -nE 's/.*DEBUG measuring on veth[0-9]+ with .*, ([0-9]+) ms after.*/\1/p' "$METRO_TMP/metro.err" |
    sort -n | awk -v what="$1" '{ ms[NR] = $1 }
      END { if (NR) printf "# %s: measured after a median of %d ms, at most %d ms\n",
        what, ms[int((NR + 1) / 2)], ms[NR] }'
}

# churn BACKEND NUMBER ROUNDS
churn() {
  local backend=$1 number=$2 rounds=$3 round before resident requests
  start_metro metro in_client -c "$CONFIG" --backend "$backend" --output json || bail_out "$backend: it starts"
  load short $POD_V4 --count 50
  wait_until 3 samples_reach metro 50
  come 1 && wait_until 5 attached 1
  say_waits "$backend, one port"
  go && wait_until 5 left
  sleep 1.5 # a report: what is only needed once is there
  before=$(state) resident=$(resident_kb)
  : >"$METRO_TMP/metro.out"

  requests=$((rounds * (number / 40 + 1) * 100))
  start_background long in_client "$LOAD" client --connect $POD_V4 --port $PORT --rate 100 --count $requests
  for ((round = 1; round <= rounds; round++)); do
    : >"$METRO_TMP/metro.err"
    come "$number"
    if [ "$round" = 1 ]; then
      tap_check "$backend: a signal is heeded while ports are attached" heeded_at_once
      tap_check "$backend: samples arrive meanwhile" samples_grow
      tap_check "$backend: all $number ports are measured" wait_until 20 attached "$number"
      say_waits "$backend, $number ports"
    else
      sleep 1 # in the midst of it
    fi
    go || bail_out "the ports go"
  done
  tap_check "$backend: all ports are left" wait_until 20 left
  tap_check "$backend: that a port goes is no warning" equal warnings 0 "$(log_count metro 'WARNING no longer ')"
  tap_check "$backend: the long flow ends well" wait_background long 60
  wait_until 5 samples_reach metro "$requests"
  tap_check "$backend: it loses no sample" equal samples "$requests" "$(samples metro '"iface":"vethlong"')"
  tap_check "$backend: and none comes twice" equal samples "$requests" "$(samples metro)"
  sleep 1.5
  tap_check "$backend: nothing is left over" equal state "$before" "$(state)"
  # Of libpcap's ring for the long flow, 8 MB, what has been read once counts.
  [ "$backend" = bpf ] || resident=$((resident + 8192))
  tap_check "$backend: nor memory" holds 'now - before < 4096' "now=$(resident_kb)" "before=$resident"
  tap_check "$backend: it ends well" stop_background metro
}

churn bpf 200 5
churn pcap 40 3
tap_done
