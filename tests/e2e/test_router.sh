#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A router between two hosts, with another delay on either side: each of its interfaces sees two
# legs, one of the data that leaves through it and one of the data that arrives, and every leg is
# right, with BPF at TCX and at clsact and with libpcap.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

ROUTER=metro-legs-router-$$
CLIENT_V4=10.78.1.2 SERVER_V4=10.78.2.2
CLIENT_V6=fd78:1::2 SERVER_V6=fd78:2::2
CLIENT_MS=40 SERVER_MS=80 # there and back
COUNT=40                 # requests over each family

trap 'metro_kill_in "$ROUTER"; ip netns delete "$ROUTER" 2>/dev/null; metro_cleanup' EXIT

in_router() {
  ip netns exec "$ROUTER" "$@"
}

# host NAMESPACE INTERFACE SIDE V4 V6: the cable to the router, with an end of each in the middle
host() {
  ip link add "$2" netns "$1" type veth peer name "host-$3" netns "$METRO_MIDDLE_NS" &&
    ip link add "$3" netns "$ROUTER" type veth peer name "router-$3" netns "$METRO_MIDDLE_NS" &&
    in_middle ip link set "host-$3" up && in_middle ip link set "router-$3" up &&
    ip -n "$1" addr add "$4/24" dev "$2" && ip -n "$1" addr add "$5/64" dev "$2" nodad &&
    ip -n "$ROUTER" addr add "${4%.2}.1/24" dev "$3" &&
    ip -n "$ROUTER" addr add "${5%::2}::1/64" dev "$3" nodad &&
    ip -n "$1" link set "$2" up && ip -n "$ROUTER" link set "$3" up &&
    ip -n "$1" route add default via "${4%.2}.1" && ip -n "$1" route add default via "${5%::2}::1"
}

cable() { # SIDE ROUND_TRIP_MS
  start_background "cable-$1" in_middle "$METRO_BUILD/delay_link" --delay "$(metro_half "$2")" \
    "host-$1" "router-$1" && wait_for_line "$METRO_TMP/cable-$1.err" '^forwarding between' 5
}

setup() {
  metro_add_hosts legs && metro_add_middle legs && ip netns add "$ROUTER" &&
    in_router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward &&
      echo 1 >/proc/sys/net/ipv6/conf/all/forwarding' &&
    host "$METRO_CLIENT_NS" metro0 left $CLIENT_V4 $CLIENT_V6 &&
    host "$METRO_SERVER_NS" metro1 right $SERVER_V4 $SERVER_V6 &&
    cable left $CLIENT_MS && cable right $SERVER_MS
}

start_way() { # NAME OPTION...
  start_background "$1" ip netns exec "$ROUTER" "$METRO" -v --output json -c "$METRO_TMP/legs.yaml" \
    "${@:2}" && await_metro "$1" && wait_until 15 all_measured "$1" || bail_out "$1 starts"
}

all_measured() {
  [ "$(log_count "$1" 'DEBUG measuring on .* with .*, both ways')" -ge 2 ]
}

# median_us NAME PATTERN: a busy machine delays some packets in the cables, which are processes.
median_us() {
  grep -E -e "$2" "$METRO_TMP/$1.out" | sed 's/.*"rtt_ns":\([0-9]*\).*/\1/' | sort -n |
    awk '{ rtt[NR] = $1 } END { if (NR) print rtt[int((NR + 1) / 2)] / 1000 }'
}

# leg WAY IFACE DIRECTION RECEIVER MS
leg() {
  local pattern="\"iface\":\"$2\".*\"dst\":\"$4\".*\"rtt_ns\":[0-9]+"
  [ "$3" = in ] && pattern+=',"direction":"in"}' || pattern+='}'
  tap_check "$1: data to $4 that goes $3 at $2: each request has its sample" \
    same_count "$(samples "$1" "$pattern")" $COUNT
  tap_check "$1: .. of $5 ms" holds 'a >= b && a <= 1.02 * b' \
    "a=$(median_us "$1" "$pattern")" "b=${5}000"
}

setup || bail_out "two hosts and a router"
start_server || bail_out "a server"
cat >"$METRO_TMP/legs.yaml" <<END
init_config: {log_to_file: false}
instances:
  - {interface: left, ips: [0.0.0.0/0, "::/0"], direction: both}
  - {interface: right, ips: [0.0.0.0/0, "::/0"], direction: out}
  - {interface: right, ips: [0.0.0.0/0, "::/0"], direction: in}
END

WAYS="tcx clsact pcap"
for way in $WAYS; do
  case $way in
    tcx) start_way tcx --backend bpf ;;
    clsact) start_way clsact --backend bpf --hook clsact ;;
    pcap) start_way pcap --backend pcap ;;
  esac
done
load v4 $SERVER_V4 --mode rr --count $COUNT &
load v6 $SERVER_V6 --mode rr --count $COUNT
wait $!
sleep 0.3
for way in $WAYS; do
  stop_background $way
  for family in 4 6; do
    client=CLIENT_V$family server=SERVER_V$family
    leg $way left in "${!server}" $SERVER_MS
    leg $way right out "${!server}" $SERVER_MS
    leg $way right in "${!client}" $CLIENT_MS
    leg $way left out "${!client}" $CLIENT_MS
    tap_check "$way: the two legs at left are the time of a request, IPv$family" \
      holds 'a + b >= 0.98 * c && a + b <= 1.02 * c' \
      "a=$(mean_us $way "\"iface\":\"left\".*\"dst\":\"${!server}\"")" \
      "b=$(mean_us $way "\"iface\":\"left\".*\"dst\":\"${!client}\"")" \
      "c=$(load_field v$family mean_app_rtt_us mean)"
  done
done
tap_done
