#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# In a kernel without BPF, libpcap measures, one line says why, and asking for BPF is refused with the same
# reason (on a plain interface, and on a bond).
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/../e2e/common.sh"

DELAY=20 # ms
WHY='this kernel is built without CONFIG_BPF_SYSCALL: BPF takes another kernel'

# measured_on INTERFACE ADDRESS: all requests, with the link's delay
measured_on() {
  local least
  start_metro metro in_client --output json -i "$1" "$METRO_SERVER_V4" "$METRO_SERVER_V6" || return
  load rr "$2" --count 50
  wait_until 2 samples_reach metro 50
  stop_background metro
  least=$(sed 's/.*"rtt_ns":\([0-9]*\).*/\1/' "$METRO_TMP/metro.out" | sort -n | head -n 1)
  holds 'n == 50 && least > 0.99e6 * delay && least < 1.3e6 * delay' "n=$(samples metro)" \
    "least=${least:-0}" "delay=$DELAY"
}

one_warning() {
  cat "$METRO_TMP/metro.err"
  equal warnings 1 "$(log_count metro ' (WARNING|ERROR|CRITICAL) ')" &&
    log_has metro "WARNING BPF cannot be used here: $WHY; falling back to libpcap"
}

bpf_is_refused() {
  local status
  in_client timeout 60 "$METRO" --backend bpf -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4" >"$METRO_TMP/said" 2>&1
  status=$?
  cat "$METRO_TMP/said"
  equal status 1 $status && grep -qE "CRITICAL cannot measure: $WHY" "$METRO_TMP/said"
}

# The address moves to an interface that takes ours in.
bond() {
  ip -n "$METRO_CLIENT_NS" link add bond0 type bond mode active-backup miimon 100 &&
    ip -n "$METRO_CLIENT_NS" link set "$METRO_CLIENT_IF" down &&
    ip -n "$METRO_CLIENT_NS" link set "$METRO_CLIENT_IF" master bond0 &&
    ip -n "$METRO_CLIENT_NS" link set "$METRO_CLIENT_IF" up && ip -n "$METRO_CLIENT_NS" link set bond0 up &&
    ip -n "$METRO_CLIENT_NS" address flush dev "$METRO_CLIENT_IF" &&
    ip -n "$METRO_CLIENT_NS" address add "$METRO_CLIENT_V4/24" dev bond0 &&
    wait_until 10 load first "$METRO_SERVER_V4" --count 1
}

metro_setup_pair without-bpf --delay $DELAY && start_server || bail_out "two hosts"
tap_check "--backend bpf: refused, and why" bpf_is_refused
tap_check "auto, IPv4: measured" measured_on "$METRO_CLIENT_IF" "$METRO_SERVER_V4"
tap_check "auto: one line says why" one_warning
tap_check "auto, IPv6: measured" measured_on "$METRO_CLIENT_IF" "$METRO_SERVER_V6"
tap_check "a bond" bond
tap_check "auto, on a bond: measured" measured_on bond0 "$METRO_SERVER_V4"
tap_done
