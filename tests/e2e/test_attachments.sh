#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What bpf-metro attached is taken away: by another tool, or with the interface, which comes again
# under the same index while bpf-metro has no CPU. It notices with the next report, says so once,
# attaches again and counts that. In the end it leaves what is not its own.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

IF=$METRO_CLIENT_IF


start() { # HOOK INTERVAL
  # shellcheck disable=SC2086
  start_metro metro in_client --backend bpf --hook "$1" --interval "$2" --output json -i "$IF" $PEERS
}

measuring_times() { # TIMES
  [ "$(log_count metro "INFO measuring on $IF ")" -ge "$1" ]
}

# all_measured: a load whose samples all arrive
all_measured() {
  : >"$METRO_TMP/metro.out"
  load rr "$METRO_SERVER_V4" --count 50 || return
  wait_until 2 samples_reach metro 50
  equal samples 50 "$(samples metro)"
}

ended_having_reattached() { # TIMES
  local status
  stop_background metro
  status=$?
  cat "$METRO_TMP/metro.err"
  equal status 0 $status && equal reattached "$1" "$(counter metro reattached)"
}

# comes_back HOW HOOK COMMAND...: the command takes something away
comes_back() {
  local how=$1 hook=$2
  shift 2
  start "$hook" 0.2 || bail_out "$how: it starts"
  all_measured >/dev/null
  tap_check "$how: it is done" "$@"
  tap_check "$how: that is noticed, and said" log_has metro \
    "WARNING interface $IF was created anew, or someone has removed our BPF program \(at .*attaching again"
  tap_check "$how: it measures again" wait_until 5 measuring_times 2
  tap_check "$how: no sample is missing" all_measured
  sleep 0.3 # another report, at least
  tap_check "$how: it was said once" equal lines 1 "$(log_count metro 'attaching again')"
  tap_check "$how: and counted" ended_having_reattached 1
}

# ---- another tool --------------------------------------------------------------------------------

neighbour_detaches() {
  in_client "$METRO_BUILD/bpf_neighbour" detach "$IF"
}

delete_clsact() {
  in_client tc qdisc del dev "$IF" clsact
}

# What an agent does that takes the qdisc for its own.
replace_filters() {
  in_client tc filter del dev "$IF" egress && add_other_filter egress
}

add_other_filter() { # SIDE
  in_client tc filter add dev "$IF" "$1" protocol all pref 9 bpf bytecode '1,6 0 0 4294967295,' classid 1:1
}

# Under exactly our priority and handle.
usurp_filter() {
  local handle
  handle=$(in_client tc filter show dev "$IF" ingress | grep -oE 'handle 0x[0-9a-f]+')
  # shellcheck disable=SC2086
  in_client tc filter replace dev "$IF" ingress protocol all pref 1 $handle bpf \
    bytecode '1,6 0 0 4294967295,' classid 1:1
}

test_taken() {
  if has_tcx; then
    comes_back "tcx, detached by another tool" tc neighbour_detaches
  else
    tap_skip "tcx, detached by another tool" "no TCX before Linux 6.6"
  fi
  comes_back "xdp, detached by another tool" xdp neighbour_detaches
  comes_back "clsact, deleted" clsact delete_clsact
  comes_back "clsact, filters replaced" clsact replace_filters
  tap_check "clsact, filters replaced: others' filter and the qdisc stay" \
    equal "egress, ingress" "bytecode/" "$(filters egress)/$(filters ingress)"
  delete_clsact
  comes_back "clsact, filter usurped" clsact usurp_filter
  tap_check "clsact, filter usurped: it is another's now, and stays" \
    equal "egress, ingress" "/bytecode" "$(filters egress)/$(filters ingress)"
  delete_clsact
}

# ---- not at once ---------------------------------------------------------------------------------

# in_its_place KIND: another qdisc, before bpf-metro makes its own again
in_its_place() {
  local pid
  pid=$(background_pid metro)
  kill -STOP "$pid"
  delete_clsact && in_client tc qdisc add dev "$IF" "$1"
  kill -CONT "$pid"
}

test_late() {
  start clsact 0.2 || bail_out "clsact: it starts"
  in_its_place ingress
  tap_check "an ingress qdisc in place of clsact: why it does not measure is said" \
    log_has metro 'ERROR cannot attach to .*: it has an ingress qdisc'
  sleep 0.7 # three more attempts
  tap_check "an ingress qdisc in place of clsact: it is said once" \
    equal lines 1 "$(log_count metro ERROR)"
  in_client tc qdisc del dev "$IF" ingress
  tap_check "the ingress qdisc goes: it measures again" wait_until 5 measuring_times 2
  tap_check "the ingress qdisc goes: no sample is missing" all_measured
  tap_check "the ingress qdisc goes: counted once" ended_having_reattached 1
}

# ---- a qdisc of another's ------------------------------------------------------------------------

test_others() {
  for interval in 0.2 3600; do
    start clsact $interval || bail_out "clsact: it starts"
    in_its_place clsact
    [ $interval = 3600 ] || wait_until 5 measuring_times 2
    stop_background metro
    tap_check "clsact made by another meanwhile, empty, reports every $interval s: it stays" clsact_is_there
    tap_check "clsact made by another meanwhile, reports every $interval s: no filter of ours stays" \
      equal filters "" "$(filters ingress)$(filters egress)"
    delete_clsact
  done
}

# ---- another interface of the same index ---------------------------------------------------------

remake_with_same_index() {
  local index pid
  index=$(in_client cat "/sys/class/net/$IF/ifindex") || return
  pid=$(background_pid metro)
  kill -STOP "$pid"
  ip -n "$METRO_CLIENT_NS" link delete "$IF" &&
    ip link add "$METRO_CLIENT_IF" netns "$METRO_CLIENT_NS" index "$index" type veth \
      peer name "$METRO_SERVER_IF" netns "$METRO_SERVER_NS" && metro_add_addresses
  set -- $?
  kill -CONT "$pid"
  return "$1"
}

test_anew() {
  ! has_tcx || comes_back "tcx, made anew with the same index" tc remake_with_same_index
  comes_back "xdp, made anew with the same index" xdp remake_with_same_index
  comes_back "clsact, made anew with the same index" clsact remake_with_same_index
  # shellcheck disable=SC2086
  start_metro metro in_client --backend pcap --interval 0.2 --output json -i "$IF" $PEERS ||
    bail_out "pcap: it starts"
  all_measured >/dev/null
  tap_check "pcap, made anew with the same index: it is done" remake_with_same_index
  tap_check "pcap, made anew with the same index: it measures again" \
    log_has metro "INFO measuring on $IF again"
  tap_check "pcap, made anew with the same index: no sample is missing" all_measured
  stop_background metro
}

# ---- nobody --------------------------------------------------------------------------------------

test_nobody() {
  # A user who is not root takes all names and numbers that a bpf-metro uses, one of them a dead one's.
  if have setpriv; then
    chmod 711 "$METRO_TMP" && install -m 755 "$METRO_BUILD/squatter" "$METRO_TMP"
    start clsact 10 || bail_out "clsact: it starts"
    handle=$(in_client tc filter show dev "$IF" ingress | grep -oE 'handle 0x[0-9a-f]+')
    stop_background metro KILL 2>/dev/null
    start_background squatter in_client setpriv --reuid 65534 --regid 65534 --clear-groups \
      "$METRO_TMP/squatter" "$IF" $((${handle#handle } & ~0x800000))
    tap_check "nobody takes names and ports" wait_for_line "$METRO_TMP/squatter.out" '^holding$' 5
    tap_check "nobody may not join an owner's group" \
      equal joined 0 "$(grep -c joined "$METRO_TMP/squatter.out")"
    start clsact 10 || bail_out "clsact beside nobody's sockets: it starts"
    tap_check "beside nobody's sockets: it measures" all_measured
    tap_check "beside nobody's sockets: what the dead one left is removed" \
      equal filters "metro_in_eth metro_out_eth" "$(filters ingress) $(filters egress)"
    stop_background metro
    tap_check "beside nobody's sockets: nothing is left in the end" \
      equal "filters, qdisc" "" "$(filters ingress)$(filters egress)$(clsact_is_there && echo clsact)"
    stop_background squatter
  else
    tap_skip "nobody takes names and ports" "setpriv is not installed"
  fi
}

# ---- many of them --------------------------------------------------------------------------------

# Ten at a time, which begin and end as they like, share one qdisc.
ten_at_once() {
  local i
  for i in {1..10}; do
    # shellcheck disable=SC2086
    start_background ten$i in_client "$METRO" --backend bpf --hook clsact --interval 1 \
      --output json -i "$IF" $PEERS || return
  done
  READY_SECONDS=$((READY_SECONDS * 4)) # ten verifiers at work
  for i in {1..10}; do
    await_metro ten$i || return
  done
  equal filters "10 10" "$(filters ingress | grep -c .) $(filters egress | grep -c .)" || return
  load rr "$METRO_SERVER_V4" --count 50
  for i in {1..10}; do
    wait_until 3 samples_reach ten$i 50
    equal "samples of ten$i" 50 "$(samples ten$i)" || return
  done
  for i in {1..10}; do # all at once
    kill -TERM "$(background_pid ten$i)"
  done
  for i in {1..10}; do
    wait_background ten$i 5 || return
    equal "reattached of ten$i" 0 "$(counter ten$i reattached)" || return
  done
}

test_ten() {
  tap_check "ten bpf-metros at clsact: all measure, and end" ten_at_once
  tap_check "ten bpf-metros at clsact: nothing is left" \
    equal "filters, qdisc" "" "$(filters ingress)$(filters egress)$(clsact_is_there && echo clsact)"
}

# --------------------------------------------------------------------------------------------------

# Mostly they wait, but for the ten, who have verifiers to wait for. What takes links away takes them from
# every namespace's interface of that index, since the kernel tells no more of a link: it runs alone.
if [ $# = 0 ]; then
  tap_parts "late others nobody" anew
  set -- "taken ten"
fi
metro_setup_pair attachments && start_server || bail_out "two hosts and a server"
for part in $1; do
  "test_$part"
done
tap_done
