#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One engine, compiled twice: captures run through the BPF programs in the kernel, and through the
# same code in user space, give the same samples, line by line.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib.sh

oracle=../shared/oracle/captures

# same FILE [MARKS [PORT]...]: the two streams are the same; leaves their length in $samples.
same() {
  local file=$1 marks=${2:-32}
  local -a port=()
  [ $# -lt 3 ] || port=(--port "$(IFS=, && echo "${*:3}")")
  "$METRO_BUILD/replay" "$file" "$marks" "${@:3}" >"$METRO_TMP/kernel" 2>"$METRO_TMP/errors"
  "$METRO_BUILD/bpf-metro" -r "$file" --marks "$marks" "${port[@]}" --output json \
    >"$METRO_TMP/user" 2>/dev/null
  samples=$(wc -l <"$METRO_TMP/user")
  cmp -s "$METRO_TMP/kernel" "$METRO_TMP/user" && return
  diff "$METRO_TMP/kernel" "$METRO_TMP/user" | sed -n '1,3s/^/# /p'
  sed 's/^/# /' "$METRO_TMP/errors"
  return 1
}

for capture in tests/data/captures/*.pcap; do
  for marks in 8 32 64; do
    tap_check "${capture##*/} with $marks marks: kernel and user space agree" same "$capture" $marks
    tap_check "${capture##*/} with $marks marks: there are samples" [ "$samples" -gt 20 ]
  done
done

# By port: what is left are the samples of all that have an end on one.
has_ports() { # awk-condition-on-a-port FILE
  "$METRO_BUILD/bpf-metro" -r "$2" --output json 2>/dev/null | sed 's/"frame":.*//' |
    awk -F '"[sd]port":' '{ s = $2 + 0; d = $3 + 0 } '"$1" >"$METRO_TMP/expected"
  sed 's/"frame":.*//' "$METRO_TMP/user" | cmp -s - "$METRO_TMP/expected"
}

for capture in tests/data/captures/*.pcap; do
  name=${capture##*/}
  "$METRO_BUILD/bpf-metro" -r "$capture" --output json 2>/dev/null |
    sed 's/.*"sport":\([0-9]*\),.*"dport":\([0-9]*\).*/\1\n\2/' | sort -n | uniq -c | sort -n >"$METRO_TMP/ports"
  most=$(awk 'END { print $2 }' "$METRO_TMP/ports")
  least=$(awk 'NR == 1 { print $2 }' "$METRO_TMP/ports")
  tap_check "$name by port $most: kernel and user space agree" same "$capture" 32 "$most"
  tap_check "$name by port $most: there are samples" [ "$samples" -gt 20 ]
  tap_check "$name by port $least and a range: kernel and user space agree" \
    same "$capture" 32 "$least" 60000-65535
  tap_check "$name by port $least and a range: those of these ports" \
    has_ports "s == $least || d == $least || s >= 60000 || d >= 60000" "$capture"
  tap_check "$name by ports of nobody: nothing, in kernel and user space" same "$capture" 32 1 2-9
  tap_check "$name by ports of nobody: no samples" [ "$samples" -eq 0 ]
done

# What the programs look through by themselves.
for capture in requests requests-ipv6-nano; do
  python3 tests/tools/wrap_capture.py mpls mpls-3 pppoe tests/data/captures/$capture.pcap "$METRO_TMP/{}.pcap"
  for kind in mpls mpls-3 pppoe; do
    tap_check "$capture in $kind: kernel and user space agree" same "$METRO_TMP/$kind.pcap"
    tap_check "$capture in $kind: there are samples" [ "$samples" -gt 20 ]
  done
done

if [ -d "$oracle" ]; then
  total=0 different=
  for capture in "$oracle"/*.pcap*; do
    same "$capture" >/dev/null || different="$different ${capture##*/}"
    total=$((total + samples))
  done
  tap_check "real captures: kernel and user space agree on $total samples$different" \
    [ -z "$different" ]
else
  tap_skip "real captures: kernel and user space agree" "no $oracle here"
fi

tap_done
