#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# bpf-metro -r at the end of a pipe is live: samples appear with their packets, and Ctrl-C, which ends
# tcpdump, too, loses none. And files that are damaged, endless, or none.
set -u
# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

CAPTURE=$(realpath "$(dirname "$0")/../data/captures/requests.pcap") # 10.77.0.1 asks 10.77.0.2
DUMP="tcpdump -i $METRO_CLIENT_IF -U --immediate-mode -w - tcp"
REQUESTS=40

have tcpdump || bail_out "tcpdump is there"
metro_setup_pair pipe --delay 5 && start_server || bail_out "two hosts and a server"

# Puts the age of each sample, in ms, in front of its line.
cat >"$METRO_TMP/age.py" <<'END'
import datetime, sys, time
print("age is ready", file=sys.stderr, flush=True)
for line in iter(sys.stdin.readline, ""):
    at = datetime.datetime.fromisoformat(line.split('"')[3][:26] + "+00:00").timestamp()
    print(round(1000 * (time.time() - at)), line, end="", flush=True)
END

# A compressor that writes everything at once.
cat >"$METRO_TMP/zip.py" <<'END'
import os, sys, zlib
z = zlib.compressobj(6, zlib.DEFLATED, 31)
print("zip is ready", file=sys.stderr, flush=True)
while piece := os.read(0, 65536):
    os.write(1, z.compress(piece) + z.flush(zlib.Z_SYNC_FLUSH))
os.write(1, z.flush())
END

# start_pipe COMMAND [PATTERN...]: in a process group of its own, as a terminal's Ctrl-C finds it. Waits
# until tcpdump captures, and for lines on standard error.
start_pipe() {
  local pattern
  start_background pipe in_client setsid bash -c "$1" || return
  for pattern in 'listening on' "${@:2}"; do
    wait_for_line "$METRO_TMP/pipe.err" "$pattern" 10 || return
  done
}

interrupt_pipe() {
  kill -INT -- "-$(background_pid pipe)"
  wait_background pipe 10
}

requests() { # COUNT
  load rr "$METRO_SERVER_V4" --count "$1" --rate 20
}

# Of ten samples nine are there within 100 ms: this machine may be busy.
young() {
  sort -n "$METRO_TMP/pipe.out" | awk -v all="$(samples pipe)" '
    NR == int(all * 0.9) { print "nine of ten samples within " $1 " ms"; good = $1 <= 100 }
    END { exit !good }'
}

while_it_runs() { # PIPE PATTERN...
  local status
  start_pipe "$@" && requests $REQUESTS && soon 2 samples_reach pipe $REQUESTS && young
  status=$?
  interrupt_pipe || status=1
  cat "$METRO_TMP/pipe.err"
  return $status
}

READ="'$METRO' --local $METRO_CLIENT_V4"
AGE="python3 '$METRO_TMP/age.py'"
tap_check "tcpdump | bpf-metro: a sample appears with its packet" \
  while_it_runs "$DUMP | $READ -r - --output json | $AGE" 'age is ready'
mkfifo "$METRO_TMP/fifo"
tap_check "a compressed FIFO: a sample appears with its packet" while_it_runs \
  "$DUMP | python3 '$METRO_TMP/zip.py' >'$METRO_TMP/fifo' &
    $READ -r '$METRO_TMP/fifo' --output json | $AGE" 'zip is ready' 'age is ready'

# With SIGINT to both, the last packets and the end of the pipe come after it.
interrupted() {
  local status
  start_pipe "$DUMP | $READ -r -" && requests $REQUESTS &&
    soon 2 samples_reach pipe $REQUESTS ' rtt ' || return
  interrupt_pipe
  status=$?
  cat "$METRO_TMP/pipe.out" "$METRO_TMP/pipe.err"
  equal status 0 $status &&
    equal "samples of the table" "$(grep -c ' rtt ' "$METRO_TMP/pipe.out")" \
      "$(awk '$2 == "10.77.0.1" && $3 == "10.77.0.2" { print $4 }' "$METRO_TMP/pipe.out")" &&
    equal "lines of the log that are bpf-metro's" 0 "$(log_count pipe 'WARNING|ERROR')"
}
tap_check "Ctrl-C on tcpdump | bpf-metro prints the table" interrupted

# Nobody writes: the signal is followed all the same, also before there is a writer.
alone() { # PATH
  local status
  start_background quiet "$METRO" -r "$1" || return
  sleep 0.3
  background_alive quiet || return
  stop_background quiet "$2"
  status=$?
  cat "$METRO_TMP/quiet.out" "$METRO_TMP/quiet.err"
  equal status 0 $status && grep -q 'no round-trip times' "$METRO_TMP/quiet.out" &&
    grep -q 'was not read to its end: stopped by a signal' "$METRO_TMP/quiet.err"
}
for signal in INT TERM QUIT; do
  tap_check "SIG$signal ends waiting for a pipe's writer" alone "$METRO_TMP/fifo" $signal
done

# Eight megabytes that inflate to eight gigabytes of empty packets.
python3 - "$METRO_TMP/endless.pcap.gz" <<'END'
import gzip, struct, sys
zeros = gzip.compress(bytes(16 << 20), 1)
with open(sys.argv[1], "wb") as out:
    out.write(gzip.compress(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)))
    for _ in range(512):
        out.write(zeros)
END
tap_check "SIGINT ends a file that takes long" alone "$METRO_TMP/endless.pcap.gz" INT

# The same in two pcapng blocks that are skipped, and in packets as large as they may be.
python3 - "$METRO_TMP/block.gz" "$METRO_TMP/packets.gz" <<'END'
import gzip, struct, sys
MIB = 1 << 20
zeros = gzip.compress(bytes(16 * MIB), 1)
section = struct.pack("<IIIHHqI", 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, -1, 28)
length = struct.pack("<I", 255 * 16 * MIB + 12)
with open(sys.argv[1], "wb") as out:
    out.write(gzip.compress(section))
    for _ in range(2):
        out.write(gzip.compress(struct.pack("<I", 0x555) + length) + 255 * zeros + gzip.compress(length))
with open(sys.argv[2], "wb") as out:
    out.write(gzip.compress(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)))
    out.write(512 * (gzip.compress(struct.pack("<IIII", 1, 0, 16 * MIB, 16 * MIB)) + zeros))
END
at_once() { # PATH
  local status before=$(date +%s%N)
  alone "$1" INT
  status=$?
  holds 'ms < 2000' "ms=$((($(date +%s%N) - before) / 1000000))" && return $status
}
tap_check "SIGINT ends what is passed over" at_once "$METRO_TMP/block.gz"
tap_check "SIGINT ends large packets" at_once "$METRO_TMP/packets.gz"

# ---- damage --------------------------------------------------------------------------------------

# says STATUS PATTERN ARGUMENT...: what bpf-metro has to say, and how it ends.
says() {
  local expected=$1 pattern=$2 status
  shift 2
  "$METRO" "$@" >"$METRO_TMP/says.out" 2>"$METRO_TMP/says.err"
  status=$?
  cat "$METRO_TMP/says.err"
  equal status "$expected" $status && grep -qE -e "$pattern" "$METRO_TMP/says.err"
}

# damage EXPRESSION: of the bytes d.
damage() {
  python3 -c 'import gzip, sys
d = bytearray(gzip.compress(open(sys.argv[1], "rb").read(), 6, mtime=0))
exec(sys.argv[2])
open(sys.argv[3], "wb").write(d)' "$CAPTURE" "$1" "$METRO_TMP/damaged.gz"
}

all_of_it() {
  "$METRO" -r "$CAPTURE" --output json >"$METRO_TMP/whole.out"
  [ -s "$METRO_TMP/whole.out" ] && cmp "$METRO_TMP/whole.out" "$METRO_TMP/says.out"
}

damage 'd[-8] ^= 1'
tap_check "a wrong checksum is named, status 1" \
  says 1 'damaged.gz: packet [0-9]+: the gzip data has a wrong checksum \(CRC\) at byte [0-9]+: .*were read$' \
  -r "$METRO_TMP/damaged.gz" --output json
tap_check ".. and every sample is there" all_of_it
damage 'del d[-3000:]'
tap_check "a file that was cut off is named, status 1" \
  says 1 'the gzip data has been cut off at byte [0-9]+' -r "$METRO_TMP/damaged.gz" --output json
tap_check ".. and samples in front of that are there" [ "$(samples says)" -gt 10 ]
damage 'd += b"more"'
tap_check "what follows is ignored with a warning, status 0" \
  says 0 'WARNING .*what follows the gzip data, from byte [0-9]+ on, is ignored' \
  -r "$METRO_TMP/damaged.gz" --output json
tap_check ".. and every sample is there" all_of_it
damage 'd = d[:10]'
tap_check "a file without anything: an error" \
  says 1 'the gzip data has been cut off at byte 10' -r "$METRO_TMP/damaged.gz"
tap_check ".. and no second line" equal lines 1 "$(grep -c . "$METRO_TMP/says.err")"
head -c 30 "$CAPTURE" >"$METRO_TMP/damaged.gz"
tap_check "a file with half a packet: an error" \
  says 1 'packet 1: the file ends in the middle of ' -r "$METRO_TMP/damaged.gz"
tap_check ".. and no second line" equal lines 1 "$(grep -c . "$METRO_TMP/says.err")"
tap_check "a directory is called one" says 1 "ERROR $METRO_TMP: Is a directory\$" -r "$METRO_TMP"
tap_check ".. and nothing more is said" [ ! -s "$METRO_TMP/says.out" ]

# ---- standard files that are closed --------------------------------------------------------------

# Something else would get their numbers: the descriptor that signals are read from took standard
# input's, and no packet ever came from it.
closed() { # PATTERN REDIRECTION [PATH]
  local status
  # shellcheck disable=SC2016 # for the other shell
  timeout 5 bash -c '"$1" -r "$2" '"$2" - "$METRO" "${3:-$CAPTURE}" >"$METRO_TMP/closed.out" 2>&1
  status=$?
  cat "$METRO_TMP/closed.out"
  equal status 1 $status && grep -qE -e "$1" "$METRO_TMP/closed.out"
}
tap_check "no standard input: an error" closed 'ERROR standard input: Bad file descriptor' '<&-' -
tap_check "no standard output: an error" closed 'ERROR cannot write the samples: Bad file descriptor' '>&-'
tap_check "neither of them: an error" closed 'ERROR standard input: Bad file' '<&- >&-' -

tap_done
