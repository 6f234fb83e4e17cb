#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Captures of tunnels and of other link layers: the connections inside have the samples that they
# have bare; and where there are none, what was seen instead.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib.sh

read_kinds="ppp ppp-hdlc cisco-hdlc frame-relay llc-snap 802.11 radiotap nflog pppoe mpls mpls-3
  mpls-pseudowire in-ipv4 in-ipv6 gre gre-all gre-ethernet vxlan vxlan-ipv6 geneve gtp-u
  mpls-in-vxlan-in-gre"
twice_kinds="bare-and-vxlan gre-and-bare"
other_kinds="esp l2tp vxlan-fragments user0 cut"

# measure FILE [OPTION...]: samples to $METRO_TMP/samples, the log, without its time, to $said.
measure() {
  "$METRO_BUILD/bpf-metro" -r "$@" --output json >"$METRO_TMP/samples" 2>"$METRO_TMP/log"
  status=$?
  said=$(sed 's/^[^ ]* [A-Z]* //' "$METRO_TMP/log")
}

# The packets' numbers are left out.
unnumbered() {
  sed 's/,"frame".*//' "$METRO_TMP/$1"
}

# To $METRO_TMP/4/KIND and $METRO_TMP/6/KIND, and what the bare captures have to .../bare. python takes
# longer to start than all else here.
for ip in 4 6; do
  capture=tests/data/captures/requests.pcap
  [ $ip = 4 ] || capture=tests/data/captures/requests-ipv6-nano.pcap
  # shellcheck disable=SC2086
  mkdir "$METRO_TMP/$ip" &&
    python3 tests/tools/wrap_capture.py $read_kinds $twice_kinds $other_kinds $capture "$METRO_TMP/$ip/{}" &&
    measure $capture && [ -z "$said" ] && mv "$METRO_TMP/samples" "$METRO_TMP/$ip/bare" &&
    [ -s "$METRO_TMP/$ip/bare" ] || tap_fail "IPv$ip, bare: samples" "$said"
done

same_inside() { # KIND
  local ip
  for ip in 4 6; do
    measure "$METRO_TMP/$ip/$1"
    [ -z "$said" ] && cmp "$METRO_TMP/samples" "$METRO_TMP/$ip/bare" || return 1
  done
}

for kind in $read_kinds; do
  tap_check "$kind: the samples of the connection inside" same_inside "$kind"
done

# In front of a tunnel and inside of it, each packet is one packet; its number is that of either.
twice() { # KIND 4|6
  measure "$METRO_TMP/$2/$1"
  cmp <(unnumbered samples) <(unnumbered "$2/bare")
}

for ip in 4 6; do
  for kind in $twice_kinds; do
    tap_check "IPv$ip, $kind: the same samples" twice "$kind" $ip
  done
done

wrapped= # the capture that is read
in_kind() { # KIND
  wrapped=$METRO_TMP/4/$1
}

# says OPTIONS... -- WORDS: reading the wrapped file has no samples, and this in its last line.
says() {
  local options=()
  while [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  measure "$wrapped" "${options[@]}"
  [ "$status" = "${expected_status:-0}" ] && [ ! -s "$METRO_TMP/samples" ] &&
    [ "$(tail -n 1 <<<"$said")" = "$wrapped: $2" ] && return
  echo "# status $status: $said"
  return 1
}

there="capture on the tunnel's own interface, where packets are not wrapped"
more="capture more of each packet (tcpdump -s 256)"
in_kind esp
tap_check "ESP is named" says -- "no samples: 383 packets seen, no TCP; not read: 383 ESP; $there"
in_kind l2tp
tap_check "L2TP is named" says -- "no samples: 383 packets seen, no TCP; not read: 383 L2TP; $there"
in_kind vxlan-fragments
tap_check "fragments of a tunnel are counted" says -- \
  "no samples: 383 packets seen, no TCP, 383 IP fragments; capture on an interface where packets are whole"
in_kind user0
expected_status=1 tap_check "an unknown link type is named, and is a failure" says -- \
  "no samples: 383 packets seen, no TCP; not read: 383 of link type 147"

# The same for what is missing, of a capture in VXLAN.
in_kind vxlan
tcp="383 packets seen, 383 TCP, 383 of these in VXLAN"
tap_check "a --local that is nowhere" says --local 10.9.9.9 -- \
  "no samples: $tcp, none of it to or from the --local addresses; try another --local, or none"
tap_check "a --filter of the bare packets" says --filter "tcp port 5000" -- \
  "no samples: 383 packets seen, 383 of these left out by --filter, no TCP; try another --filter"
in_kind cut
tap_check "packets cut short" says -- "no samples: 383 packets seen, no TCP, 383 with headers cut short or wrong; $more"
wrapped=tests/data/captures/requests.pcap
tap_check "one direction alone" says --filter "src host 10.77.0.1" -- \
  "no samples: 383 packets seen, 130 of these left out by --filter, 253 TCP, 121 with data, 3 of 3 flows never answered, 126 ACKs of data that was not seen; the capture must have both directions of a connection"
tap_check "one direction, of those who answer" says --filter "src host 10.77.0.2" --local 10.77.0.1 -- \
  "no samples: 383 packets seen, 253 of these left out by --filter, 130 TCP, 130 of it to or from the --local addresses, none with data to measure, 3 ACKs of data that was not seen; the capture must have both directions of a connection"

if [ -n "$(command -v tshark)" ]; then
  for kind in vxlan-ipv6 gre-all gtp-u geneve; do
    in_kind $kind
    tap_check "$kind: tshark sees TCP in it, too" \
      [ "$(tshark -r "$wrapped" -Y tcp 2>/dev/null | wc -l)" = 383 ]
  done
else
  tap_skip "what tshark sees" "tshark is not installed"
fi

tap_done
