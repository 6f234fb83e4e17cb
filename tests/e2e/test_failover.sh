#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Failover: requests leave on one link and are lost there, what is sent again leaves on another, at
# first in vain, too, and the answers come back over the first. On that one each ACK comes seconds
# after its request, with no retransmission in between, on a path of far less than a millisecond.
# None of that is a sample, it is counted, and samples go on, back on the first link and then on the
# second.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

WAYS="bpf pcap"
FIRST=$METRO_CLIENT_IF SECOND=second0
PEER_SECOND=second1
CONNECTIONS=4
RATE=20             # requests a second and connection
RTO_SECONDS=2       # the first link's routes say so: then time is left to break the second
IMPLAUSIBLE_MS=2000 # what no sender waits for on a short path

metro_setup_pair failover && start_server || bail_out "two hosts and a server"

# ---- two links -----------------------------------------------------------------------------------

mac() { # NAMESPACE INTERFACE
  ip netns exec "$1" cat "/sys/class/net/$2/address"
}

add_second_link() {
  ip link add $SECOND netns "$METRO_CLIENT_NS" type veth \
    peer name $PEER_SECOND netns "$METRO_SERVER_NS" &&
    ip -n "$METRO_CLIENT_NS" address add 10.78.0.1/24 dev $SECOND &&
    ip -n "$METRO_SERVER_NS" address add 10.78.0.2/24 dev $PEER_SECOND &&
    ip -n "$METRO_CLIENT_NS" link set $SECOND up && ip -n "$METRO_SERVER_NS" link set $PEER_SECOND up &&
    in_server sh -c 'echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter' &&
    in_client sh -c 'echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter' &&
    in_server sh -c "echo 0 >/proc/sys/net/ipv4/conf/$PEER_SECOND/rp_filter" &&
    in_client sh -c "echo 0 >/proc/sys/net/ipv4/conf/$SECOND/rp_filter" &&
    in_client sh -c 'echo 0 >/proc/sys/net/ipv4/tcp_early_retrans' # no probe before the time-out
}

requests_over() { # INTERFACE
  case $1 in
    "$FIRST") ip -n "$METRO_CLIENT_NS" route replace "$METRO_SERVER_V4/32" dev "$1" rto_min ${RTO_SECONDS}s ;;
    *) ip -n "$METRO_CLIENT_NS" route replace "$METRO_SERVER_V4/32" via 10.78.0.2 dev "$1" rto_min ${RTO_SECONDS}s ;;
  esac
}

answers_over_second() {
  ip -n "$METRO_SERVER_NS" route replace "$METRO_CLIENT_V4/32" via 10.78.0.1 dev $PEER_SECOND
}

break_link() { # INTERFACE: what the client sends there arrives nowhere
  ip -n "$METRO_CLIENT_NS" neighbour replace "$(next_hop "$1")" lladdr 02:00:00:00:00:99 \
    nud permanent dev "$1"
}

mend_link() { # INTERFACE
  ip -n "$METRO_CLIENT_NS" neighbour replace "$(next_hop "$1")" lladdr "$(peer_mac "$1")" \
    nud permanent dev "$1"
}

next_hop() { # INTERFACE
  [ "$1" = "$FIRST" ] && echo "$METRO_SERVER_V4" || echo 10.78.0.2
}

peer_mac() { # INTERFACE
  mac "$METRO_SERVER_NS" "$([ "$1" = "$FIRST" ] && echo "$METRO_SERVER_IF" || echo $PEER_SECOND)"
}

# ---- what they measure ---------------------------------------------------------------------------

start_way() { # BACKEND
  start_metro "$1" in_client --backend "$1" --output json -c "$METRO_TMP/both.yaml" &&
    log_has "$1" "INFO measuring on $FIRST" && log_has "$1" "INFO measuring on $SECOND"
}

flows_on() { # BACKEND INTERFACE: how many connections have samples there
  grep -F "\"iface\":\"$2\"" "$METRO_TMP/$1.out" | sed 's/.*"sport":\([0-9]*\),.*/\1/' | sort -u |
    wc -l
}

# Every connection has LEAST samples more there. Says what there is.
goes_on() { # BACKEND INTERFACE BEFORE LEAST
  local now
  now=$(samples "$1" "\"iface\":\"$2\"")
  holds 'now >= before + least' "now=$now" "before=$3" "least=$4" &&
    equal "connections on $2" $CONNECTIONS "$(flows_on "$1" "$2")"
}

wait_for_samples_of_both() { # INTERFACE LEAST: as many more on both backends
  local way before
  for way in $WAYS; do
    before=$(samples "$way" "\"iface\":\"$1\"")
    tap_check "$3, $way: samples on $1" soon 8 goes_on "$way" "$1" "$before" "$2"
  done
}

longest_is_below() { # BACKEND MILLISECONDS
  local longest
  longest=$(sed 's/.*"rtt_ns":\([0-9]*\).*/\1/' "$METRO_TMP/$1.out" | sort -n | tail -n 1)
  sort -t : -k 10 -n "$METRO_TMP/$1.out" | tail -n 2
  holds 'longest < bound' "longest=$longest" "bound=$(($2 * 1000000))"
}

# Each connection has one ACK that came too late, if all were asking when the links broke.
implausible_are_counted() { # BACKEND
  grep 'counters:' "$METRO_TMP/$1.err"
  holds 'late >= 1 && late <= connections' "late=$(counter "$1" acks_implausible)" \
    "connections=$CONNECTIONS"
}

# ---- the failover --------------------------------------------------------------------------------

fails_over() {
  break_link "$FIRST" && break_link $SECOND || return
  sleep 0.3 # requests leave on the first
  requests_over $SECOND || return
  sleep $((RTO_SECONDS + 1)) # and what is sent again on the second
  mend_link $SECOND && mend_link "$FIRST"
}

cat >"$METRO_TMP/both.yaml" <<END
init_config: {log_to_file: false}
instances:
  - {interface: $FIRST, ips: [$METRO_SERVER_V4]}
  - {interface: $SECOND, ips: [$METRO_SERVER_V4]}
END
add_second_link && requests_over "$FIRST" && mend_link "$FIRST" && mend_link $SECOND ||
  bail_out "a second link"
for way in $WAYS; do start_way $way || bail_out "$way: it starts"; done

start_background requests in_client "$LOAD" client --connect "$METRO_SERVER_V4" --port $PORT \
  --connections $CONNECTIONS --rate $RATE
wait_for_samples_of_both "$FIRST" 20 "before"
tap_check "requests leave on one link, and are sent again on the other" fails_over
# After 2 s and 4 s more by the senders' timers; the answers come back over the first.
unanswered() { [ "$(in_client ss -tnHo state established dport = :$PORT | grep -c timer:)" = 0 ]; }
wait_until 8 unanswered
sleep 0.5
requests_over "$FIRST"
wait_for_samples_of_both "$FIRST" 20 "back on the first link"
requests_over $SECOND && answers_over_second
wait_for_samples_of_both $SECOND 20 "all of it on the second link"
stop_background requests
for way in $WAYS; do
  tap_check "$way: it ends well" stop_background "$way"
  tap_check "$way: no sample of what waited for the other link" \
    longest_is_below "$way" $IMPLAUSIBLE_MS
  tap_check "$way: that was counted" implausible_are_counted "$way"
done
tap_done
