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

# measured BACKEND INTERFACES
measured() {
  [ "$(log_count "$1" 'DEBUG measuring on .* with ')" -ge "$2" ]
}

start_both() { # CONFIGURATION INTERFACES, in the host
  local backend
  for backend in bpf pcap; do
    start_background $backend ip netns exec "$HOST" "$METRO" -v --output json -c "$1" \
      --backend $backend && await_metro $backend &&
      wait_until 15 measured $backend "$2" || bail_out "$backend starts"
  done
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

# Both cooked formats, and one that does not tell ways.
start_captures() {
  have tcpdump || return
  start_capture SLL any -y LINUX_SLL && start_capture SLL2 any -y LINUX_SLL2 &&
    start_capture EN10MB veth-a || bail_out "tcpdump captures"
}

start_capture() { # NAME INTERFACE OPTION...
  start_background "tcpdump-$1" ip netns exec "$HOST" tcpdump -Z root -U -s 200 -i "$2" \
    -w "$METRO_TMP/$1.pcap" "${@:3}" tcp port $PORT &&
    wait_for_line "$METRO_TMP/tcpdump-$1.err" '^tcpdump: listening' 5
}

stop_captures() {
  local name
  have tcpdump || return
  sleep 1.2 # what libpcap waits for its block to fill
  for name in SLL SLL2 EN10MB; do
    stop_background "tcpdump-$name" INT
  done
}

# with_flags FROM TO: a pcap file of LINUX_SLL2 as pcapng of bare IP, whose flags tell the way
with_flags() {
  python3 - "$1" "$2" <<'END'
import struct, sys

def block(kind, body):
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size

data = open(sys.argv[1], "rb").read()
out = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
       block(1, struct.pack("<HHI", 101, 0, 0))]
at = 24
while at < len(data):
    seconds, fraction, captured, wire = struct.unpack_from("<IIII", data, at)
    frame = data[at + 16:at + 16 + captured]
    at += 16 + captured
    time = seconds * 1000000 + fraction
    flags = 2 if frame[10] == 4 else 1
    packet = frame[20:]
    out.append(block(6, struct.pack("<IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(packet), wire - 20)
                     + packet + bytes(-len(packet) % 4)
                     + struct.pack("<HHIHH", 2, 4, flags, 0, 0)))
open(sys.argv[2], "wb").write(b"".join(out))
END
}

# offline NAME DIRECTION
offline() {
  "$METRO" -r "$METRO_TMP/$1" -Q "$2" --output json >"$METRO_TMP/offline.out" \
    2>"$METRO_TMP/offline.err"
}

check_captures() {
  local name
  if ! have tcpdump; then
    tap_skip "captures that tell ways" "no tcpdump"
    return
  fi
  with_flags "$METRO_TMP/SLL2.pcap" "$METRO_TMP/flags.pcapng"
  for name in SLL.pcap SLL2.pcap flags.pcapng; do
    offline $name both
    tap_check "$name: -Q both finds what leaves" \
      same_count "$(samples offline "\"dst\":\"$B_V4\"$OUT")" $COUNT
    tap_check "$name: .. and what arrives" \
      same_count "$(samples offline "\"dst\":\"$B_V4\"$IN")" $COUNT
    tap_check "$name: .. with the time that it took live" same_time \
      "$(mean_us offline "\"dst\":\"$B_V4\"$IN")" \
      "$(mean_us pcap "\"iface\":\"veth-a\".*\"dst\":\"$B_V4\"$IN")"
    offline $name in
    tap_check "$name: -Q in finds that alone" holds 'a == b && a > 0' "a=$(samples offline)" \
      "b=$(samples offline "$IN")"
    offline $name out
    tap_check "$name: -Q out has none of it" holds 'a > 0 && b == 0' "a=$(samples offline)" \
      "b=$(samples offline "$IN")"
  done
  tap_check "a capture that does not tell is an error" equal status 1 \
    "$(offline EN10MB.pcap in && echo 0 || echo $?)"
  tap_check ".. and one line says so" \
    equal lines 1 "$(log_count offline 'ERROR .*does not say which way packets went')"
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
start_both "$METRO_TMP/bridge.yaml" 2
start_captures
requests bridge "$POD_A" $B_V4
stop_both
stop_captures
IN='.*"direction":"in"}'
OUT='.*"rtt_ns":[0-9]*(,"frame":[0-9]*)?}'
same "what container A sends, at its veth" "\"iface\":\"veth-a\".*\"dst\":\"$B_V4\"$IN"
same "what container B sends, at A's veth" "\"iface\":\"veth-a\".*\"dst\":\"$A_V4\"$OUT"
same "what A sends, at B's veth" "\"iface\":\"veth-b\".*\"dst\":\"$B_V4\"$OUT"
check_captures
tap_check "libpcap knows every packet's way" equal direction_unknown 0 "$(counter pcap direction_unknown)"

# ---- a container and its peer, which is slow to acknowledge -----------------------------------------

# Data that leaves for the container is acknowledged with the next request, 10 ms later.
cat >"$METRO_TMP/pod.yaml" <<END
init_config: {log_to_file: false}
instances:
  - {interface: veth-a, ips: [$B_V4], direction: in, tags: ["pod:a"]}
  - {interface: veth-a, ips: [$A_V4]}
END
start_both "$METRO_TMP/pod.yaml" 1
requests pod "$POD_A" $B_V4 --rate 100
stop_both
same "a container's requests every 10 ms" "\"dst\":\"$B_V4\"$IN"
tap_check "the pod's round trip, and not the client's delayed ACK" \
  holds 'a < 2000 && b > 5000' "a=$(mean_us bpf "$IN")" "b=$(mean_us bpf "\"dst\":\"$A_V4\"")"
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
requests loopback "$POD_B" 127.0.0.1
stop_both
LO="\"dst\":\"127.0.0.1\",\"dport\":$PORT"
same "lo, data that leaves" "$LO$OUT"
same "lo, data that arrives" "$LO$IN"

tap_done
