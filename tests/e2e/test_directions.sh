#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Data that arrives, where that is what matters: a container on a bridge, seen at the host's end of
# its veth; two containers on one bridge; a server's own answering time; the loopback interface both
# ways. BPF and libpcap find the same.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

POD_A=metro-dirs-a-$$ POD_B=metro-dirs-b-$$ HOST=metro-dirs-host-$$
A_V4=10.79.0.2 B_V4=10.79.0.3
COUNT=60

cleanup() {
  local namespace
  for namespace in $POD_A $POD_B $HOST; do
    metro_kill_in "$namespace"
    ip netns delete "$namespace" 2>/dev/null
  done
  metro_cleanup
}
trap cleanup EXIT

in_host() {
  ip netns exec "$HOST" "$@"
}

in_a() {
  ip netns exec "$POD_A" "$@"
}

in_b() {
  ip netns exec "$POD_B" "$@"
}

# pod NAMESPACE END ADDRESS: its veth's other end is a port of the host's bridge.
pod() {
  ip netns add "$1" && ip link add eth0 netns "$1" type veth peer name "$2" netns "$HOST" &&
    ip -n "$HOST" link set "$2" master bridge0 && ip -n "$HOST" link set "$2" up &&
    ip -n "$1" addr add "$3/24" dev eth0 && ip -n "$1" link set eth0 up &&
    ip -n "$1" link set lo up
}

start_both() { # CONFIGURATION, in the host
  local backend
  for backend in bpf pcap; do
    start_background $backend ip netns exec "$HOST" "$METRO" --output json -c "$1" \
      --backend $backend && await_metro $backend || bail_out "$backend starts"
  done
  sleep 0.3 # all interfaces
}

stop_both() {
  sleep 0.3 # what is on its way
  stop_background bpf
  stop_background pcap
}

# same WHAT PATTERN: both have as many samples of it, all requests, and the same mean.
same() {
  echo "# $1: BPF $(samples bpf "$2"), $(mean_us bpf "$2") us;" \
    "libpcap $(samples pcap "$2"), $(mean_us pcap "$2") us"
  tap_check "$1: BPF has each request" same_count "$(samples bpf "$2")" $COUNT
  tap_check "$1: libpcap has as many" same_count "$(samples pcap "$2")" $COUNT
  tap_check "$1: the same mean" same_time "$(mean_us pcap "$2")" "$(mean_us bpf "$2")"
}

requests() { # NAME NAMESPACE ADDRESS OPTION...
  ip netns exec "$2" timeout 60 "$LOAD" client --connect "$3" --port $PORT --mode rr \
    --count $COUNT "${@:4}" >"$METRO_TMP/$1.json"
}

# ---- two containers on one bridge ------------------------------------------------------------------

ip netns add "$HOST" || bail_out "a host"
if ! ip -n "$HOST" link add bridge0 type bridge 2>"$METRO_TMP/bridge.err"; then
  tap_skip "containers on a bridge" "no bridges here: $(cat "$METRO_TMP/bridge.err")"
  tap_done
  exit
fi
ip -n "$HOST" link set bridge0 up && ip -n "$HOST" link set lo up &&
  ip -n "$HOST" addr add 10.79.0.1/24 dev bridge0 &&
  pod "$POD_A" veth-a $A_V4 && pod "$POD_B" veth-b $B_V4 || bail_out "two containers"
start_background server ip netns exec "$POD_B" "$LOAD" server --port $PORT &&
  wait_for_line "$METRO_TMP/server.err" '^serving on' 5 || bail_out "a server"

cat >"$METRO_TMP/bridge.yaml" <<END
init_config: {log_to_file: false}
instances:
  - {interface: veth-a, ips: [$A_V4, $B_V4], direction: both}
  - {interface: veth-b, ips: [$A_V4, $B_V4]}
END
start_both "$METRO_TMP/bridge.yaml"
requests bridge "$POD_A" $B_V4
stop_both
IN='.*"direction":"in"}'
OUT='.*"rtt_ns":[0-9]*}'
same "what container A sends, at its veth" "\"iface\":\"veth-a\".*\"dst\":\"$B_V4\"$IN"
same "what container B sends, at A's veth" "\"iface\":\"veth-a\".*\"dst\":\"$A_V4\"$OUT"
same "what A sends, at B's veth" "\"iface\":\"veth-b\".*\"dst\":\"$B_V4\"$OUT"
tap_check "libpcap knows every packet's way" equal direction_unknown 0 "$(counter pcap direction_unknown)"

# ---- a container and its peer, which is slow to acknowledge -----------------------------------------

# Responses wait 40 ms for the client's delayed ACK, and so does data that leaves for the container.
cat >"$METRO_TMP/pod.yaml" <<END
init_config: {log_to_file: false}
instances:
  - {interface: veth-a, ips: [$B_V4], direction: in, tags: ["pod:a"]}
  - {interface: veth-a, ips: [$A_V4]}
END
start_both "$METRO_TMP/pod.yaml"
requests pod "$POD_A" $B_V4 --rate 20
stop_both
same "a container's requests every 50 ms" "\"dst\":\"$B_V4\"$IN"
tap_check "the pod's round trip, and not the client's delayed ACK" \
  holds 'a < 2000 && b > 20000' "a=$(mean_us bpf "$IN")" "b=$(mean_us bpf "\"dst\":\"$A_V4\"")"
tap_check "that is what the pod sees itself, to 2 % or 100 us" \
  holds 'a <= 1.02 * b + 100' "a=$(mean_us bpf "$IN")" "b=$(load_field pod mean_app_rtt_us mean)"

# ---- a server's own answering time -----------------------------------------------------------------

cat >"$METRO_TMP/server.yaml" <<END
init_config: {log_to_file: false}
instances:
  - {interface: eth0, ips: [$B_V4], direction: in}
END
for backend in bpf pcap; do
  start_background $backend ip netns exec "$POD_B" "$METRO" --output json \
    -c "$METRO_TMP/server.yaml" --backend $backend && await_metro $backend ||
    bail_out "$backend starts"
done
requests answering "$POD_A" $B_V4
stop_both
same "a server's answering time" "\"dst\":\"$B_V4\"$IN"
tap_check ".. is less than its client sees" \
  holds 'a < b' "a=$(mean_us bpf)" "b=$(load_field answering mean_app_rtt_us mean)"
tap_check "nobody is warned of peers that are this host's" \
  equal warnings 0 "$(log_count bpf WARNING)"

# ---- the loopback interface ------------------------------------------------------------------------

for backend in bpf pcap; do
  start_background $backend ip netns exec "$POD_B" "$METRO" --output json -i lo -Q both \
    --backend $backend 127.0.0.1 && await_metro $backend || bail_out "$backend starts"
done
sleep 0.3
requests loopback "$POD_B" 127.0.0.1
stop_both
LO="\"dst\":\"127.0.0.1\",\"dport\":$PORT"
same "lo, data that leaves" "$LO$OUT"
same "lo, data that arrives" "$LO$IN"

tap_done
