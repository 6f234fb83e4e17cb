#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Somebody who knows a connection's addresses and ports forges segments of its server: ACKs of all
# numbers, by luck with the right sequence number, too, ACKs of what was never sent, and RST, FIN and
# SYN-ACK that the kernel ignores. Samples go on after each of these, few are missing, and none is
# wrong, which a path of 5 ms shows.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

WAYS="bpf pcap"
KINDS="blind lucky ahead ends"
DELAY_MS=5
RATE=100    # requests a second
HEALS=16    # segments within which samples resume
SCANNED=512 # ACKs of one scan

metro_setup_pair forged --delay $DELAY_MS && start_server server ||
  bail_out "two hosts and a server"
for way in $WAYS; do
  start_metro "$way" in_client --backend "$way" --output json -i "$METRO_CLIENT_IF" \
    "$METRO_SERVER_V4" || bail_out "$way: it starts"
done

forge() { # KIND
  in_server timeout 30 "$METRO_BUILD/tcp_forge" "$METRO_SERVER_IF" $PORT "$1"
}

# More than what was on its way, and what healing takes.
goes_on() { # BACKEND
  local before
  before=$(samples "$1")
  soon 10 samples_reach "$1" $((before + HEALS + 30))
}

# What is forged before the answer makes a sample that is shorter than the path, if any, and what is
# believed wrongly makes one as long as the time between two requests. The requests' own times have
# what the machine does in them, and the samples no more than that.
values_are_right() { # BACKEND
  local least most
  least=$(sed 's/.*"rtt_ns":\([0-9]*\).*/\1/' "$METRO_TMP/$1.out" | sort -n | head -n 1)
  most=$(sed 's/.*"rtt_ns":\([0-9]*\).*/\1/' "$METRO_TMP/$1.out" | sort -n | tail -n 1)
  holds 'least >= 0.99 * delay * 1e6' "least=$least" "delay=$DELAY_MS" &&
    holds 'most <= slowest * 1000 + 1000' "most=$most" \
      "slowest=$(load_field requests max_app_rtt_us max)" &&
    holds 'mean <= its' "mean=$(mean_us "$1")" \
      "its=$(load_field requests mean_app_rtt_us mean)"
}

# One for each request, but for those that healing takes.
few_are_missing() { # BACKEND
  holds 'n <= requests + 1 && n >= requests - kinds * heals' "n=$(samples "$1")" \
    "requests=$(load_field requests requests sum)" "heals=$HEALS" "kinds=$(wc -w <<<"$KINDS")"
}

# All of the blind scan; and what ends in the wrong place.
strangers_are_counted() { # BACKEND
  holds 'out >= scanned' "out=$(counter "$1" out_of_window)" "scanned=$SCANNED"
}

start_background requests in_client "$LOAD" client --connect "$METRO_SERVER_V4" --port $PORT \
  --rate $RATE
for way in $WAYS; do tap_check "before, $way: samples" goes_on "$way"; done
for kind in $KINDS; do
  tap_check "$kind: segments are forged" forge "$kind"
  for way in $WAYS; do tap_check "$kind, $way: samples go on" goes_on "$way"; done
done
tap_check "the connection was not harmed" stop_background requests
cp "$METRO_TMP/requests.out" "$METRO_TMP/requests.json"
sleep 0.3 # libpcap hands packets over in blocks
for way in $WAYS; do
  tap_check "$way: it ends well" stop_background "$way"
  metro_comment <<<"$way: $(sed -n 's/.*counters: //p' "$METRO_TMP/$way.err")"
  tap_check "$way: no sample is wrong" values_are_right "$way"
  tap_check "$way: few are missing" few_are_missing "$way"
  tap_check "$way: what could not be the server's was counted" strangers_are_counted "$way"
done
tap_done
