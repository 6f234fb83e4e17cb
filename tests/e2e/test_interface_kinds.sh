#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Interfaces on top of others, whose packets do not pass every hook: what leaves a VRF does not pass
# TC, and native XDP on a bond runs for the interfaces in it. What cannot be measured one way is
# measured in another, or refused, and the reason is said.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

IF=$METRO_CLIENT_IF

ask() { # TIMES
  in_server timeout 10 "$LOAD" client --connect "$METRO_CLIENT_V4" --port $PORT --count "$1" \
    >"$METRO_TMP/answers.json"
}

# The other host asks, and is answered by ours: data that leaves here are the answers. The ACK of the
# last one may come after the end.
answers_measured() { # INTERFACE BACKEND...
  start_metro metro in_client -i "$1" --output json "${@:2}" "$METRO_SERVER_V4" || return
  ask 50
  wait_until 2 samples_reach metro 49
  stop_background metro
  cat "$METRO_TMP/metro.err"
  holds 'n >= 49 && n <= 50' "n=$(samples metro "\"iface\":\"$1\",\"src\":\"$METRO_CLIENT_V4\"")"
}

# on_top TYPE NAME OPTION...: an interface that takes ours in, with its address
on_top() {
  metro_setup_pair "$1" || return
  ip -n "$METRO_CLIENT_NS" link add "$2" type "$1" "${@:3}" 2>"$METRO_TMP/said" || return
  ip -n "$METRO_CLIENT_NS" link set "$IF" down && ip -n "$METRO_CLIENT_NS" link set "$2" up &&
    ip -n "$METRO_CLIENT_NS" link set "$IF" master "$2" && ip -n "$METRO_CLIENT_NS" link set "$IF" up
}

# ---- VRF -----------------------------------------------------------------------------------------

vrf_is_refused() {
  local status
  in_client timeout 20 "$METRO" --backend bpf -i vrf0 "$METRO_SERVER_V4" >"$METRO_TMP/said" 2>&1
  status=$?
  cat "$METRO_TMP/said"
  equal status 1 $status &&
    grep -q 'CRITICAL cannot measure: vrf0 is a VRF, and what leaves it does not pass TC' "$METRO_TMP/said"
}

if on_top vrf vrf0 table 10; then
  in_client sysctl -qw net.ipv4.tcp_l3mdev_accept=1
  start_server server in_client || bail_out "a server in the VRF"
  tap_check "VRF, --backend bpf: refused, and why" vrf_is_refused
  tap_check "VRF, auto: all is measured" answers_measured vrf0
  tap_check "VRF, auto: with libpcap, and why" \
    log_has metro 'WARNING BPF cannot be used here: vrf0 is a VRF.*; falling back to libpcap'
  tap_check "the interface in the VRF: all is measured" answers_measured "$IF" --backend bpf
else
  tap_skip "VRF: refused by BPF, measured by libpcap" "$(cat "$METRO_TMP/said")"
fi

# ---- bond ----------------------------------------------------------------------------------------

if on_top bond bond0 mode active-backup miimon 100; then
  ip -n "$METRO_CLIENT_NS" address flush dev "$IF"
  ip -n "$METRO_CLIENT_NS" address add "$METRO_CLIENT_V4/24" dev bond0
  start_server server in_client && wait_until 5 ask 1 ||
    bail_out "a server behind the bond"
  for hook in auto tc xdp; do
    tap_check "bond, --hook $hook: all is measured" answers_measured bond0 --backend bpf --hook $hook
  done
  tap_check "bond, --hook xdp: it says that it uses TC" \
    log_has metro 'WARNING bond0 is a bond, where XDP would see the interfaces in it: using TC'
  tap_check "bond, pcap: all is measured" answers_measured bond0 --backend pcap
else
  tap_skip "bond: measured, with TC in place of XDP" "$(cat "$METRO_TMP/said")"
fi
tap_done
