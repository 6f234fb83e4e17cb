#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# bpf-metro leaves nothing behind: not when it ends, not when it is killed (with clsact: not after
# the next start). What others attached stays, and no packet suffers.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

IF=$METRO_CLIENT_IF

metro_setup_pair leftovers && start_server || bail_out "two hosts and a server"
pins_before=$(find /sys/fs/bpf 2>/dev/null | sort)

# ---- who is there --------------------------------------------------------------------------------

tcx() {
  in_client "$METRO_BUILD/bpf_neighbour" list "$IF"
}

xdp_is_there() {
  ip -n "$METRO_CLIENT_NS" link show dev "$IF" | grep -qw 'prog/xdp'
}

# attached_are: what sits on the interface is exactly what standard input says
attached_are() {
  local actual
  actual=$({
    tcx
    ! xdp_is_there || echo xdp
    filters ingress | sed 's/^/clsact-ingress /'
    filters egress | sed 's/^/clsact-egress /'
    ! clsact_is_there || echo clsact
  } | sort)
  equal "attached to $IF" "$(sort)" "$actual"
}

nothing_is_attached() {
  attached_are </dev/null
}

nothing_is_pinned() {
  equal "/sys/fs/bpf" "$pins_before" "$(find /sys/fs/bpf 2>/dev/null | sort)"
}

start() { # NAME HOOK
  # shellcheck disable=SC2086
  start_metro "$1" in_client --backend bpf --hook "$2" --output json -i "$IF" $PEERS
}

# The kernel takes a link away a moment after its process.
gone() { # WHAT
  tap_check "$1: nothing is attached" soon 2 nothing_is_attached
  tap_check "$1: nothing is pinned" nothing_is_pinned
}

# By SIGKILL; without the shell's own remark about it.
kill_metro() {
  stop_background metro KILL 2>/dev/null
}

traffic_is_unharmed() {
  load rr "$METRO_SERVER_V4" --count 500 &&
    load upload "$METRO_SERVER_V6" --mode upload --rate 500 --count 200 &&
    equal retransmissions 00 "$(load_field rr retrans sum)$(load_field upload retrans sum)"
}

# ---- one bpf-metro -------------------------------------------------------------------------------

attached_with() { # HOOK
  case $1 in
    tc) has_tcx || { attached_with clsact && return; }
      printf 'tcx-%s\n' 'ingress metro_in_eth' 'egress metro_out_eth' ;;
    xdp) printf '%s\n' xdp
      has_tcx || { printf 'clsact%s\n' '-egress metro_out_eth' '' && return; }
      echo 'tcx-egress metro_out_eth' ;;
    clsact) printf 'clsact%s\n' '-ingress metro_in_eth' '-egress metro_out_eth' '' ;;
  esac
}

nothing_is_attached || bail_out "nothing is attached to a new interface"
for hook in tc xdp clsact; do
  start metro $hook || bail_out "$hook: it starts"
  tap_check "$hook: its programs are attached" attached_are < <(attached_with $hook)
  tap_check "$hook: traffic is unharmed" traffic_is_unharmed
  tap_check "$hook: it ends well" stop_background metro
  gone "$hook, ended"
done
for hook in tc xdp; do
  if ! has_tcx; then
    tap_skip "$hook, killed: nothing is attached" "no TCX before Linux 6.6; clsact is below"
    continue
  fi
  start metro $hook || bail_out "$hook: it starts"
  kill_metro
  gone "$hook, killed"
  tap_check "$hook, killed: traffic is unharmed" traffic_is_unharmed
done

# ---- clsact --------------------------------------------------------------------------------------

# A filter of somebody else, where a program's return value decides a packet's fate.
add_other_filter() { # SIDE PREFERENCE
  in_client tc filter add dev "$IF" "$1" protocol all pref "$2" bpf bytecode '1,6 0 0 0,' classid 1:1
}

OTHERS='clsact
clsact-ingress bytecode
clsact-egress bytecode'

start metro clsact || bail_out "clsact: it starts"
kill_metro
tap_check "clsact, killed: its filters are still there" attached_are < <(attached_with clsact)
tap_check "clsact, killed: traffic is unharmed" traffic_is_unharmed
start metro clsact || bail_out "clsact: it starts after another was killed"
tap_check "clsact, next start: exactly its own filters" attached_are < <(attached_with clsact)
tap_check "clsact, next start: it says so" log_has metro 'removed 2 filters that a killed bpf-metro had left on 1 interface'
load rr "$METRO_SERVER_V4" --count 100
wait_until 2 samples_reach metro 100
tap_check "clsact, next start: it measures" equal samples 100 "$(samples metro)"
tap_check "clsact, next start: it ends well" stop_background metro
tap_check "clsact, next start and end: no filter is left" \
  equal filters "" "$(filters ingress)$(filters egress)"
gone "clsact, next start and end"
in_client tc qdisc del dev "$IF" clsact 2>/dev/null

# With others on the interface: first of all, at the priority that we would take, and behind.
in_client tc qdisc add dev "$IF" clsact && add_other_filter ingress 1 && add_other_filter egress 9 ||
  bail_out "somebody else's filters can be added"
start metro clsact || bail_out "clsact: it starts beside other filters"
tap_check "clsact beside others: all are attached" \
  attached_are < <(echo "$OTHERS" && attached_with clsact | grep -)
load rr "$METRO_SERVER_V4" --count 100
wait_until 2 samples_reach metro 100
tap_check "clsact beside others: it measures" equal samples 100 "$(samples metro)"
kill_metro
start metro clsact
tap_check "clsact beside others, killed, started: all are attached" \
  attached_are < <(echo "$OTHERS" && attached_with clsact | grep -)
stop_background metro
tap_check "clsact beside others, ended: others' filters and qdisc are left" \
  attached_are <<<"$OTHERS"
in_client tc qdisc del dev "$IF" clsact

# ---- two at a time -------------------------------------------------------------------------------

for hook in clsact tc; do
  start first $hook && start second $hook || bail_out "$hook: two at a time"
  load rr "$METRO_SERVER_V4" --count 100
  wait_until 2 samples_reach first 100
  wait_until 2 samples_reach second 100
  tap_check "$hook, two at a time: both measure" \
    equal samples "100 100" "$(samples first) $(samples second)"
  stop_background first
  load rr "$METRO_SERVER_V4" --count 100
  wait_until 2 samples_reach second 200
  tap_check "$hook, two at a time: one ends, the other measures on" equal samples 200 "$(samples second)"
  start third $hook
  stop_background second
  load rr "$METRO_SERVER_V4" --count 100
  wait_until 2 samples_reach third 100
  tap_check "$hook, two at a time: the next one, too" equal samples 100 "$(samples third)"
  stop_background third
  gone "$hook, two at a time, ended"
  in_client tc qdisc del dev "$IF" clsact 2>/dev/null
done

# ---- other people's programs ---------------------------------------------------------------------

refuses_xdp() {
  local status
  # shellcheck disable=SC2086
  in_client timeout 20 "$METRO" --backend bpf --hook xdp -i "$IF" $PEERS >"$METRO_TMP/said" 2>&1
  status=$?
  cat "$METRO_TMP/said"
  equal status 1 $status && grep -q "cannot attach to $IF at XDP: .*another program" "$METRO_TMP/said"
}

start_background neighbour in_client "$METRO_BUILD/bpf_neighbour" xdp "$IF"
if wait_until 5 grep -q . "$METRO_TMP/neighbour.err" && grep -q '^attached' "$METRO_TMP/neighbour.err"; then
  tap_check "somebody else's XDP program: a clear error, status 1" refuses_xdp
  tap_check "somebody else's XDP program stays" attached_are <<<xdp
else
  tap_skip "somebody else's XDP program stays" "$(cat "$METRO_TMP/neighbour.err")"
fi
stop_background neighbour

start_background neighbour in_client "$METRO_BUILD/bpf_neighbour" tcx-ingress "$IF"
if wait_until 5 grep -q . "$METRO_TMP/neighbour.err" && grep -q '^attached' "$METRO_TMP/neighbour.err"; then
  start metro tc
  load rr "$METRO_SERVER_V4" --count 100
  wait_until 2 samples_reach metro 100
  tap_check "beside somebody else's TCX program: it measures" equal samples 100 "$(samples metro)"
  stop_background metro
  tap_check "somebody else's TCX program stays" attached_are <<<'tcx-ingress neighbour'
else
  tap_skip "somebody else's TCX program stays" "$(cat "$METRO_TMP/neighbour.err")"
fi
stop_background neighbour
tap_done
