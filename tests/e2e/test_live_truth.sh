#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Flow by flow, the samples of bpf-metro, with BPF and with libpcap at the same time, are what the
# kernel measured itself on that very connection (TCP_INFO): over a plain delay, and with jitter,
# loss, reordering and duplication. The seed is fixed, but which frame comes first is not.
#
# Frames are segments here (no offload). Answers are of three segments that all carry the same ACK:
# were a lost one the only one, then the sample would, rightly, be as long as the server's timeout.
# Blocks that are uploaded are of two segments, with IPv6 as well, for the kernel measures from the
# oldest segment that an ACK covers and bpf-metro from the newest: where a third one waits for its
# ACK, they differ by how long it waits.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

WAYS="bpf pcap"
KINDS="requests4 requests6 upload4 upload6"
CONNECTIONS=3
TRAFFIC_SECONDS=3
DELAY_MS=20
SEED=7
REORDER_MS=5 # what a frame is held back by, on each way: half of its delay one-way

JITTER_MS=0 HOLD_MS=0 # of the troubles that are set up, on each way

set_up() { # DELAY_LINK_OPTION...
  local way
  metro_setup_pair truth --no-offload --delay $DELAY_MS --seed $SEED "$@" ||
    bail_out "two hosts"
  start_server server || bail_out "a server"
  for way in $WAYS; do
    # shellcheck disable=SC2086
    start_metro "$way" in_client --backend "$way" --output json -i "$METRO_CLIENT_IF" $PEERS ||
      bail_out "$way: it starts"
  done
}

kind_options() {
  case $1 in
    requests*) echo --mode rr --rate 40 --response 4000 ;;
    upload*) echo --mode upload --rate 200 --request 2800 ;;
  esac
}

# Of all kinds at the same time.
traffic() {
  local kind address status=0
  local -a jobs=()
  for kind in $KINDS; do
    case $kind in
      *4) address=$METRO_SERVER_V4 ;;
      *6) address=$METRO_SERVER_V6 ;;
    esac
    # shellcheck disable=SC2046 # options are words
    load "$kind" "$address" $(kind_options "$kind") --connections $CONNECTIONS \
      --seconds $TRAFFIC_SECONDS &
    jobs+=($!)
  done
  for kind in "${jobs[@]}"; do
    wait "$kind" || status=1
  done
  return $status
}

# flows_of WAY KIND: a line for each connection, times in us:
#   PORT N LEAST MOST MEAN SMOOTHED SRTT RTTVAR MIN_RTT REQUESTS RETRANS
# SMOOTHED is what SRTT is, over our samples (RFC 6298, 2). Those that came after the kernel was
# asked are left out: tcp_load asks and writes when the last block is sent, not when it has arrived.
flows_of() {
  local asked
  asked=$(date -u -r "$METRO_TMP/$2.json" +%Y-%m-%dT%H:%M:%S.%NZ)
  awk -v asked="$asked" '
    function number(key, at) {
      at = index($0, "\"" key "\":")
      return substr($0, at + length(key) + 3) + 0
    }
    function text(key, at, rest) {
      at = index($0, "\"" key "\":\"")
      rest = substr($0, at + length(key) + 4)
      return substr(rest, 1, index(rest, "\"") - 1)
    }
    FNR == NR {
      flow = text("local") " " number("lport")
      port[flow] = number("lport")
      kernel[flow] = number("srtt_us") " " number("rttvar_us") " " number("min_rtt_us") " " \
        number("requests") " " number("retrans")
      n[flow] = least[flow] = most[flow] = sum[flow] = smoothed[flow] = 0
      next
    }
    {
      flow = text("src") " " number("sport")
      if (!(flow in n) || text("time") > asked) next
      rtt = number("rtt_ns") / 1000
      if (!n[flow] || rtt < least[flow]) least[flow] = rtt
      if (rtt > most[flow]) most[flow] = rtt
      smoothed[flow] += n[flow] ? (rtt - smoothed[flow]) / 8 : rtt
      sum[flow] += rtt
      n[flow]++
    }
    END {
      for (flow in n)
        printf "%d %d %.3f %.3f %.3f %.3f %s\n", port[flow], n[flow], least[flow], most[flow],
          n[flow] ? sum[flow] / n[flow] : 0, smoothed[flow], kernel[flow]
    }' "$METRO_TMP/$2.json" "$METRO_TMP/$1.out" | sort -n >"$METRO_TMP/$1-$2.flows"
}

# every_flow FILE EXPRESSION [NAME=NUMBER]...: of awk, for each line of flows_of; says which flows
# it does not hold for. A connection that spent its time on timeouts has nothing to compare, but
# that is no more than one.
every_flow() {
  local file=$1 expression=$2 assignment
  local -a numbers=()
  shift 2
  for assignment in "$@"; do
    numbers+=(-v "$assignment")
  done
  echo "$expression with $*"
  awk "${numbers[@]}" -v expected="$CONNECTIONS" '
    function larger(a, b) { return a > b ? a : b }
    function apart(a, b) { return a > b ? a - b : b - a }
    {
      port = $1; n = $2; least = $3; most = $4; mean = $5; smoothed = $6
      srtt = $7; rttvar = $8; min_rtt = $9; requests = $10; retrans = $11
    }
    requests < 20 { next }
    { compared++ }
    !('"$expression"') {
      printf "port %d: n=%d least=%.1f most=%.1f mean=%.1f smoothed=%.1f; kernel: srtt=%d " \
        "rttvar=%d min_rtt=%d requests=%d retrans=%d\n", port, n, least, most, mean, smoothed,
        srtt, rttvar, min_rtt, requests, retrans
      bad++
    }
    END {
      if (NR != expected) print NR " flows instead of " expected
      if (compared < expected - 1) print "only " compared + 0 " of them compared"
      exit bad || NR != expected || compared < expected - 1
    }' "$METRO_TMP/$file.flows"
}

# The kernel takes a minimum from segments of which it was told by SACK, too; we may have to do
# without that one, and among delays that vary the next has some jitter more.
# The kernel's stamps stand outside of our hooks, libpcap's even outside of BPF's: what a slow or busy
# machine takes on the way between them (54 us has been seen) is in its figure and not in ours. Where
# delays vary, the least of both is not always of the same segment, either. A sample of the wrong
# segment would be short by milliseconds.
# Where the kernel cannot tell which copy of a segment an ACK is for, it takes TCP's timestamps, which are of
# whole milliseconds: its least may be short by one (20000 us where all others were 20400 and more).
judge_least() { # WAY KIND
  every_flow "$1-$2" 'least >= min_rtt - larger(0.02 * min_rtt, 200) &&
    least <= min_rtt + larger(0.02 * min_rtt, 200) + slack + (retrans ? 1000 : 0)' "slack=$((JITTER_MS * 1000))"
}

# Where the delay does not vary, only the machine does. RTTVAR has the share of what came last.
judge_smoothed() { # WAY KIND TROUBLE
  case $3 in
    "no trouble")
      every_flow "$1-$2" 'apart(smoothed, srtt) <= larger(0.02 * srtt, larger(rttvar, 200))'
      ;;
    *)
      every_flow "$1-$2" 'apart(smoothed, srtt) <= larger(0.1 * srtt, larger(2 * rttvar, 1000))'
      ;;
  esac
}

# An ACK that waited until something was sent again comes after a timeout of 200 ms and a round
# trip. One that the receiver delays comes within 40 ms; answers are not delayed. 100 ms are for a
# machine that has other things to do, which the kernel measures as well; and as long as
# it stood still for somebody else (tests/tools/stalls.c), our packets did.
judge_most() { # WAY KIND
  local most_ms=$((DELAY_MS + 2 * JITTER_MS + 2 * HOLD_MS + 100)) stall
  stall=$(sed -n 's/.*"stall_us":\([0-9]*\).*/\1/p' "$METRO_TMP/stalls.out")
  case $2 in
    upload*) most_ms=$((most_ms + 40)) ;;
  esac
  every_flow "$1-$2" 'most <= limit + stall' "limit=$((most_ms * 1000))" "stall=$stall"
}

# One for each request, and the handshake; for an upload, one for each ACK, which is for a block, or
# for two. What is sent again puts in doubt all that is in flight then (Karn's rule): up to 30 ms of
# blocks, of which there are 200 a second.
judge_number() { # WAY KIND
  case $2 in
    requests*) every_flow "$1-$2" 'n >= 0.8 * requests - retrans && n <= requests + 3' ;;
    upload*) every_flow "$1-$2" 'n >= 0.4 * requests - doubted * retrans' 'doubted=6' ;;
  esac
}

# both_ways KIND: as many samples, and the same mean, of every flow. Of an upload libpcap may have
# more: the kernel hands both segments of a block to BPF as one, and one ACK may be of the first.
both_ways() {
  local port n mean more=1.02 part=0.02
  case $1 in upload*) more=2 part=0.05 ;; esac
  while read -r port n _ _ mean _; do
    every_flow "pcap-$1" 'port != this || n >= 0.98 * its_n - 2 &&
      n <= more * its_n + 2 && apart(mean, its_mean) <= larger(part * its_mean, 50)' \
      "this=$port" "its_n=$n" "its_mean=$mean" "more=$more" "part=$part" || return
  done <"$METRO_TMP/bpf-$1.flows"
}

show_figures() { # WAY KIND TROUBLE
  awk -v title="$3, $1, $2" '{
    printf "# %s: %d samples, least %.0f, smoothed %.0f, most %.0f us; kernel: min_rtt %d, " \
      "srtt %d, rttvar %d us, retrans %d\n", title, $2, $3, $6, $4, $9, $7, $8, $11
  }' "$METRO_TMP/$1-$2.flows"
}

judge() { # WAY KIND TROUBLE
  flows_of "$1" "$2"
  show_figures "$@"
  tap_check "$3, $1, $2: the least sample is the kernel's" judge_least "$1" "$2"
  tap_check "$3, $1, $2: smoothed, the samples are the kernel's srtt" judge_smoothed "$@"
  tap_check "$3, $1, $2: no sample of what waited for a recovery" judge_most "$1" "$2"
  tap_check "$3, $1, $2: as many samples as there should be" judge_number "$1" "$2"
}

# with TROUBLE DELAY_LINK_OPTION...
with() {
  local trouble=$1 way kind
  shift
  JITTER_MS=0 HOLD_MS=0
  case " $* " in *" --jitter "*) JITTER_MS=2 ;; esac
  case " $* " in *" --reorder "*) HOLD_MS=$REORDER_MS ;; esac
  set_up "$@"
  start_background stalls "$METRO_BUILD/stalls"
  tap_check "$trouble: traffic" traffic
  sleep 0.2 # what is still on the way
  stop_background stalls
  echo "# $trouble: the machine stood still for $(cat "$METRO_TMP/stalls.out")"
  for way in $WAYS; do
    tap_check "$trouble, $way: it ends well" stop_background "$way"
    for kind in $KINDS; do
      judge "$way" "$kind" "$trouble"
    done
  done
  for kind in $KINDS; do
    tap_check "$trouble, $kind: both backends say the same" both_ways "$kind"
  done
}

with "no trouble"
with "jitter" --jitter 2
with "loss" --loss 2
with "reordering" --reorder 5
with "duplication" --duplicate 5
with "all troubles" --jitter 2 --loss 2 --reorder 5 --duplicate 5
tap_done
