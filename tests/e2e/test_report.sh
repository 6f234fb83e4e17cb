#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# --output html: its figures are those of --output json, in the page's data and as Chromium shows it; names
# stay names; what could not be read is said; and a terminal is told how far it is.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib.sh

captures=tests/data/captures
why=$(python3 -c 'import sys; sys.path.insert(0, "tests/tools"); import browser; print(browser.missing() or "")')

# report FILE [OPTION...]: to $METRO_TMP/page.html and samples.
report() {
  "$METRO_BUILD/bpf-metro" -r "$@" --output json >"$METRO_TMP/samples" 2>"$METRO_TMP/log.json"
  "$METRO_BUILD/bpf-metro" -r "$@" --output html >"$METRO_TMP/page.html" 2>"$METRO_TMP/log"
}

check() { # [--browser]
  python3 tests/tools/check_report.py "$@" "$METRO_TMP/page.html" "$METRO_TMP/samples"
}

check_shown() { # NAME
  if [ -n "$why" ]; then
    tap_skip "$1" "there is no $why here"
  else
    tap_check "$1" check --browser
  fi
}

# A page of a capture that has samples, one that Chromium opens too: DATA alone is cheap.
for capture in "$captures"/*.pcap; do
  report "$capture" || tap_fail "$capture: a report" "$(cat "$METRO_TMP/log")"
  tap_check "${capture##*/}: figures are those of the samples" check
done
report "$captures/lossy-upload.pcap"
check_shown "a page with retransmissions: figures, sorting, mouse, keyboard, telephone, console"
report "$captures/requests-ipv6-nano.pcap"
check_shown "a page with IPv6"

# Of 20,000 samples of a pair some are drawn, and all are counted.
python3 tests/bench/capture.py "$METRO_TMP/many.pcap" 50000 2 1
report "$METRO_TMP/many.pcap"
tap_check "many samples: there are too many to draw" \
  bash -c "[ \$(wc -l <'$METRO_TMP/samples') -gt 20000 ] && grep -q '\"stretch\":[1-9]' '$METRO_TMP/page.html'"
tap_check "many samples: figures are of all, points have the extremes" check
check_shown "many samples: the page"

# Of several thousand pairs there are some.
python3 tests/bench/capture.py "$METRO_TMP/pairs.pcap" 200000 1000 1500
report "$METRO_TMP/pairs.pcap"
tap_check "many pairs: the page has some of them" grep -Eq '"pairs_known":[2-9][0-9]{3},.*"left_out":[1-9]' "$METRO_TMP/page.html"
tap_check "many pairs: figures of all, and of each that is there" check
check_shown "many pairs: the page"

# A clock so coarse that data and its ACK have one time: 0 has no logarithm.
coarsen() { # FROM TO MICROSECONDS: of a pcap file
  python3 - "$@" <<'END'
import struct, sys
source, step = open(sys.argv[1], "rb"), int(sys.argv[3])
with open(sys.argv[2], "wb") as to:
    to.write(source.read(24))
    while header := source.read(16):
        seconds, us, kept, length = struct.unpack("<IIII", header)
        time = (seconds * 10**6 + us) // step * step
        to.write(struct.pack("<IIII", *divmod(time, 10**6), kept, length) + source.read(kept))
END
}
coarsen "$captures/requests.pcap" "$METRO_TMP/coarse.pcap" 20000
report "$METRO_TMP/coarse.pcap"
tap_check "a coarse clock: some samples are 0, and some are not" \
  bash -c "grep -q '\"rtt_ns\":0,' '$METRO_TMP/samples' && grep -q '\"rtt_ns\":[1-9]' '$METRO_TMP/samples'"
tap_check "a coarse clock: figures" check
check_shown "a coarse clock: the page does not hang"
coarsen "$captures/requests.pcap" "$METRO_TMP/coarse.pcap" 1000000000
report "$METRO_TMP/coarse.pcap"
tap_check "all samples are 0" bash -c "[ -s '$METRO_TMP/samples' ] && ! grep -v '\"rtt_ns\":0,' '$METRO_TMP/samples'"
tap_check "all samples are 0: figures" check
check_shown "all samples are 0: the page"

# A name that would be markup, end the script, or another element.
attack="$METRO_TMP/<img src=x onerror=alert(1)>\"'&<b>-{{style}}"$'\xff'"-<!--<script>.pcap"
cp "$captures/short-connections.pcap" "$attack"
report "$attack"
tap_check "a hostile name: figures" check
tap_check "a hostile name is nowhere in the page as it is" bash -c "! grep -aq 'onerror=alert(1)>' '$METRO_TMP/page.html'"
tap_check "a hostile name is there, escaped" grep -aq 'u003cscript.u003e.pcap",' "$METRO_TMP/page.html"
check_shown "a hostile name is a name"

# Handshakes alone, or nothing at all.
report "$captures/requests.pcap" --port 9
tap_check "no samples: a page, and an end without error" check
check_shown "no samples: it says so"
tap_check "no samples: why is said as in the log" grep -q '"note":"' "$METRO_TMP/page.html"

head -c 20000 "$captures/requests.pcap" >"$METRO_TMP/cut.pcap"
report "$METRO_TMP/cut.pcap"
status=$?
tap_check "a file that is cut: status 1" test $status = 1
tap_check "a file that is cut: a page of what there is" check
tap_check "a file that is cut: the page says so" grep -q '"whole":false' "$METRO_TMP/page.html"

no_page() { # COMMAND...
  "$@" >"$METRO_TMP/none" 2>/dev/null
  [ ! -s "$METRO_TMP/none" ]
}
tap_check "no file, no page" no_page "$METRO_BUILD/bpf-metro" -r "$METRO_TMP/absent" --output html
tap_check "standard output that is full is an error" \
  bash -c "! '$METRO_BUILD/bpf-metro' -r '$captures/requests.pcap' --output html >/dev/full 2>'$METRO_TMP/full'"

same_page() { # the same bytes, but for the name
  "$METRO_BUILD/bpf-metro" -r - --output html <"$captures/requests.pcap" >"$METRO_TMP/stdin.html"
  "$METRO_BUILD/bpf-metro" -r "$captures/requests.pcap" --output html |
    sed "s|\"file\":\"[^\"]*\"|\"file\":\"standard input\"|" | cmp - "$METRO_TMP/stdin.html"
}
tap_check "standard input: the same page" same_page
# at_terminal OUTPUT COMMAND: with standard error at a terminal, what that sees to $METRO_TMP/seen, and each
# piece of the file late, so that it takes more than a second.
slowly="strace -qq -o '$METRO_TMP/strace' -e trace=read -e inject=read:delay_enter=150000:when=5+ '$METRO_BUILD/bpf-metro'"
at_terminal() {
  TERM=${3:-xterm} script -qefc "$2 >'$1'" "$METRO_TMP/seen" >/dev/null </dev/null
}

if ! command -v script >/dev/null || ! command -v strace >/dev/null; then
  tap_skip "progress" "there is no script or no strace here"
else
  many="$METRO_TMP/many.pcap"
  at_terminal "$METRO_TMP/late.html" "$slowly -v -r '$many' --output html"
  tap_check "a terminal sees how far it is" grep -Eq 'many.pcap: [1-9][0-9]? %, [0-9.]+ million packets' "$METRO_TMP/seen"
  tap_check ".. on one line, which is empty when something is said, and in the end" \
    bash -c "! grep -E 'million/s' '$METRO_TMP/seen' | tail -n 1 | grep -Eqv \$'million/s\\r\\033\\[K[0-9T:.Z-]+ INFO counters'"
  tap_check ".. and the page is whole" grep -q '"whole":true' "$METRO_TMP/late.html"
  at_terminal "$METRO_TMP/late.html" "$slowly -r '$many' --output html" dumb
  tap_check "a terminal that cannot: nothing" bash -c "! grep -q million '$METRO_TMP/seen'"
  at_terminal "$METRO_TMP/fast.html" "'$METRO_BUILD/bpf-metro' -r $captures/requests.pcap --output html"
  tap_check "a small file: nothing" bash -c "! grep -q million '$METRO_TMP/seen'"
  at_terminal "$METRO_TMP/late.html" "$slowly -r '$many' --output html 2>'$METRO_TMP/log'"
  tap_check "in a pipe or a file: nothing" bash -c "! grep -q million '$METRO_TMP/seen' '$METRO_TMP/log'"
fi
tap_done
