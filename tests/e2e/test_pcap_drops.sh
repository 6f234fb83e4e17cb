#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Packets that libpcap could not keep up with are counted and logged: a bpf-metro that is stopped for a while
# loses packets, and goes on measuring afterwards. What was in flight then makes no sample.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/common.sh

metro_setup_pair drops || bail_out "two hosts"
start_server || bail_out "a server"
start_metro metro in_client --backend pcap --output json --interval 1 -i "$METRO_CLIENT_IF" \
  $PEERS || bail_out "bpf-metro with libpcap"

# stuck: more packets than the buffer of 8 MB holds while nobody reads it.
stuck() {
  kill -STOP "$(background_pid metro)" || return
  load flood "$METRO_SERVER_V4" --connections 64 --request 400 --response 400 --count 2000
  local status=$?
  kill -CONT "$(background_pid metro)"
  return $status
}

# To another address, so that packets waiting in the buffer are not taken for it. The first fifth of
# a second is in doubt.
goes_on() {
  load after "$METRO_SERVER_V6" --rate 100 --count 200 && soon 10 samples_reach metro 100 "$METRO_SERVER_V6"
}

tap_check "traffic while bpf-metro is stopped" stuck
tap_check "the log says that packets were lost" \
  log_has metro 'WARNING in the last interval, [0-9]+ packets were lost: libpcap could not keep up' 10
tap_check "it goes on measuring" goes_on
stop_background metro TERM
tap_check "the drops are counted" holds 'drops > 0' "drops=$(counter metro capture_drops)"

# ---- in flight while packets are lost --------------------------------------------------------------
# The request comes into the buffer, its ACK does not; the response, much later, carries the same ACK
# number. Without knowing of the drops, that is a round trip of 1.6 s on a path of 0.4 s,
# and nothing else would tell: it is below the 2 s that any sender may take to send again.

ROUND_TRIP=400 # ms
cat >"$METRO_TMP/slow.py" <<'END'
import errno, os, signal, socket, struct, sys, time

def answer():
    listener = socket.create_server(("", 5001))
    print("serving on 5001", file=sys.stderr, flush=True)
    while True:
        c, _ = listener.accept()
        while request := c.recv(100):
            time.sleep(1.2 if request == b"slow" else 0)
            c.sendall(b"response")

def ask(c, request):
    c.sendall(request)
    assert c.recv(100) == b"response"

# Segments to the peer, of a connection that is none, and too long for the other end of the cable:
# the capture alone sees them.
def fill(source, peer, interface):
    tcp = struct.pack("!HHIIBBHHH", 9, 9, 1, 1, 0x50, 0x10, 1000, 0, 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 59040, 0, 0, 64, 6, 0, socket.inet_aton(source),
                     socket.inet_aton(peer))
    frame = b"\2\0\0\0\0\1" + b"\2\0\0\0\0\2" + b"\x08\0" + ip + tcp + bytes(59000)
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((interface, 0))
    for _ in range(250): # 15 MB in a buffer of 8
        try:
            s.send(frame)
        except OSError as e: # the cable lost it
            assert e.errno == errno.ENOBUFS

def client(source, peer, interface, metro):
    c = socket.create_connection((peer, 5001))
    for _ in range(3):
        ask(c, b"quick")
    time.sleep(0.2) # bpf-metro has read it
    os.kill(metro, signal.SIGSTOP)
    try:
        asked = time.monotonic()
        c.sendall(b"slow")
        fill(source, peer, interface)
        filled = time.monotonic() - asked
        time.sleep(max(0, 0.9 - filled))
    finally:
        os.kill(metro, signal.SIGCONT)
    assert c.recv(100) == b"response"
    print("filled after", filled, "response after", time.monotonic() - asked)
    for _ in range(6):
        ask(c, b"quick")
    sys.exit(0 if filled < 0.35 else 3)

answer() if sys.argv[1] == "server" else client(*sys.argv[1:4], int(sys.argv[4]))
END

# Once more if the machine was too slow for the buffer to be full before the ACK came.
in_flight() {
  local attempt status
  for attempt in 1 2 3; do
    in_client timeout 30 python3 "$METRO_TMP/slow.py" "$METRO_CLIENT_V4" "$METRO_SERVER_V4" \
      "$METRO_CLIENT_IF" "$(background_pid slow)"
    status=$?
    [ $status = 3 ] || return $status
  done
  echo "the buffer did not fill in time, $attempt times"
  return 1
}

# An attempt has three requests before, and six after, of which the first ones may be in doubt.
all_near() {
  soon 5 samples_reach slow 6 || return
  grep -o '"rtt_ns":[0-9]*' "$METRO_TMP/slow.out"
  awk -F '"rtt_ns":' -v most="$ROUND_TRIP" '
    $2 / 1e6 > 1.5 * most || $2 / 1e6 < 0.9 * most { wrong++ }
    END { exit wrong > 0 }' "$METRO_TMP/slow.out"
}

metro_setup_pair drops --delay $ROUND_TRIP || bail_out "two hosts far from each other"
start_background slow_server in_server python3 "$METRO_TMP/slow.py" server &&
  wait_for_line "$METRO_TMP/slow_server.err" '^serving on' 15 || bail_out "a slow server"
cat >"$METRO_TMP/slow.yaml" <<END
init_config: {log_to_file: false, report_interval: 1, snaplen: 65535}
instances: [{interface: $METRO_CLIENT_IF, ips: [$METRO_SERVER_V4]}]
END
ip -n "$METRO_CLIENT_NS" link set "$METRO_CLIENT_IF" mtu 60000 || bail_out "long frames"
start_metro slow in_client --backend pcap --output json -c "$METRO_TMP/slow.yaml" ||
  bail_out "bpf-metro with libpcap, again"
tap_check "a request in flight while packets are lost" in_flight
tap_check "every sample is of the path, before and after" all_near
stop_background slow TERM
tap_check "packets were lost" holds 'drops > 0' "drops=$(counter slow capture_drops)"
tap_done
