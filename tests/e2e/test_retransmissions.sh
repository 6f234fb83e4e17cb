#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Segments sent again, against the kernel's own TcpRetransSegs: uploads over a path that loses
# packets, with and without segments that leave in one piece (GSO).
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

# kernel_count: of the client's network namespace.
kernel_count() {
  in_client awk '
    $1 != "Tcp:" { next }
    column { print $column; exit }
    { for (i = 1; i <= NF; i++) if ($i == "RetransSegs") column = i }' /proc/net/snmp
}

# upload BACKEND RATE OPTION...: this many blocks of 64 KB a second on each of four connections. COUNTED
# and KERNEL are what the two say.
upload() {
  local backend=$1 rate=$2 status
  shift 2
  metro_setup_pair again --delay 4 --loss 1 "$@" && start_server || return
  start_metro metro in_client --backend "$backend" --output json -i "$METRO_CLIENT_IF" $PEERS ||
    return
  load upload "$METRO_SERVER_V4" --mode upload --connections 4 --seconds 3 --rate "$rate"
  status=$?
  stop_background server # what it still has in flight is sent again to nobody
  sleep 0.5
  stop_background metro
  KERNEL=$(kernel_count)
  COUNTED=$(counter metro retransmissions)
  return $status
}

same() {
  holds 'kernel > 20 && kernel == counted' "kernel=$1" "counted=$2"
}

tap_check "an upload that loses packets, with GSO" upload bpf 100
tap_check "BPF counts the segments that the kernel does" same "$KERNEL" "$COUNTED"
tap_check "an upload that loses packets, without" upload bpf 100 --no-offload
tap_check "BPF counts them without GSO" same "$KERNEL" "$COUNTED"
tap_check "an upload that loses packets, with libpcap" upload pcap 20 --no-offload # slow, so that it loses none itself
tap_check "libpcap lost none itself" equal "drops" 0 "$(counter metro capture_drops)"
tap_check "libpcap counts them without GSO" same "$KERNEL" "$COUNTED"
tap_done
