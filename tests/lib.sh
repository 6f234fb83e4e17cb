# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# For the demo and the end-to-end tests: a pair of hosts made of network namespaces, processes in
# them, and results in TAP. To be sourced by bash scripts, which run as root:
#
#   . tests/lib.sh
#   metro_setup_pair example --delay 20 || exit 1
#   start_background server in_server "$METRO_BUILD/tcp_load" server --port 5000
#   tap_check "the server is ready" wait_for_line "$METRO_TMP/server.err" '^serving on' 5
#   tap_check "requests are answered" \
#     in_client "$METRO_BUILD/tcp_load" client --connect "$METRO_SERVER_V4" --port 5000 --count 10
#   tap_done
#
# Sourcing this makes a directory for temporary files, $METRO_TMP, and sets traps. Whatever way the
# script ends, by exit, Ctrl-C or SIGTERM, they end the processes, and delete the namespaces and the
# directory. Functions report failure by their status, with one message on standard error.

METRO_BUILD=${METRO_BUILD:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/build}
METRO_TMP=$(mktemp -d "${TMPDIR:-/tmp}/metro.XXXXXX") || exit 1

# What every pair looks like. The names serve the scripts that source this.
# shellcheck disable=SC2034
{
  METRO_CLIENT_IF=metro0
  METRO_SERVER_IF=metro1
  METRO_CLIENT_V4=10.77.0.1
  METRO_SERVER_V4=10.77.0.2
  METRO_CLIENT_V6=fd77::1
  METRO_SERVER_V6=fd77::2
}

# The namespaces of the pair that is set up; empty without one. METRO_DELAY_BY says what delays its
# packets: netem, delay_link, or nothing when it is empty.
# shellcheck disable=SC2034
METRO_DELAY_BY=
METRO_TROUBLES_BY=${METRO_TROUBLES_BY:-delay_link}
METRO_CLIENT_NS=
METRO_SERVER_NS=
METRO_MIDDLE_NS=

declare -A METRO_PIDS=() # background processes by name

metro_say() {
  echo "${0##*/}: $*" >&2
}

# ---- background processes ------------------------------------------------------------------------

# start_background NAME [in_client|in_server] COMMAND...
# Its output goes to $METRO_TMP/NAME.out and NAME.err.
start_background() {
  local name=$1
  shift
  case $1 in # a function would run in a shell between us and the process, and take its signals
    in_client) set -- ip netns exec "$METRO_CLIENT_NS" "${@:2}" ;;
    in_server) set -- ip netns exec "$METRO_SERVER_NS" "${@:2}" ;;
    in_middle) set -- ip netns exec "$METRO_MIDDLE_NS" "${@:2}" ;;
  esac
  if [ -n "${METRO_PIDS[$name]:-}" ]; then
    metro_say "a background process '$name' is running already"
    return 1
  fi
  # Output of an earlier process of this name must not be taken for this one's.
  : >"$METRO_TMP/$name.out" >"$METRO_TMP/$name.err"
  "$@" >"$METRO_TMP/$name.out" 2>"$METRO_TMP/$name.err" </dev/null &
  METRO_PIDS[$name]=$!
}

# background_pid NAME: prints it.
background_pid() {
  echo "${METRO_PIDS[$1]}"
}

# background_alive NAME
background_alive() {
  [ -n "${METRO_PIDS[$1]:-}" ] && kill -0 "${METRO_PIDS[$1]}" 2>/dev/null
}

# wait_until SECONDS COMMAND...: until the command succeeds, asked every 50 ms.
wait_until() {
  local deadline=$((SECONDS + $1 + 1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.05
  done
}

metro_is_gone() {
  ! kill -0 "$1" 2>/dev/null
}

# wait_background NAME SECONDS: waits for the process to end by itself, and returns its status.
# When time is up it is killed, and the status is 137.
wait_background() {
  local name=$1 seconds=$2 pid=${METRO_PIDS[$1]:-}
  [ -n "$pid" ] || return 1
  wait_until "$seconds" metro_is_gone "$pid" || kill -KILL "$pid" 2>/dev/null
  unset "METRO_PIDS[$name]"
  wait "$pid" 2>/dev/null
}

# stop_background NAME [SIGNAL]: asks the process to end, by SIGTERM unless told otherwise, and
# returns its status. A process that does not obey within 5 seconds is killed.
stop_background() {
  [ -n "${METRO_PIDS[$1]:-}" ] || return 1
  kill -s "${2:-TERM}" "${METRO_PIDS[$1]}" 2>/dev/null
  wait_background "$1" 5
}

stop_all_background() {
  local name
  for name in "${!METRO_PIDS[@]}"; do # all of them first: they can end at the same time
    kill -TERM "${METRO_PIDS[$name]}" 2>/dev/null
  done
  for name in "${!METRO_PIDS[@]}"; do
    stop_background "$name"
  done
}

# wait_for_line FILE PATTERN SECONDS: until a line of the file matches the extended expression.
wait_for_line() {
  wait_until "$3" grep -qsE -e "$2" "$1" && return
  metro_say "no line '$2' within $3 s in ${1##*/}"
  return 1
}

# ---- the pair of hosts ---------------------------------------------------------------------------

# in_client COMMAND..., in_server COMMAND...
in_client() {
  ip netns exec "$METRO_CLIENT_NS" "$@"
}

in_server() {
  ip netns exec "$METRO_SERVER_NS" "$@"
}

in_middle() {
  ip netns exec "$METRO_MIDDLE_NS" "$@"
}

# The middle is a cable: with IPv6 on, its own end would talk.
metro_add_middle() {
  METRO_MIDDLE_NS=metro-$1-middle-$$
  ip netns add "$METRO_MIDDLE_NS" || return
  [ ! -e /proc/sys/net/ipv6 ] ||
    in_middle sh -c 'cd /proc/sys/net/ipv6/conf &&
      echo 1 >all/disable_ipv6 && echo 1 >default/disable_ipv6'
}

metro_add_hosts() {
  METRO_CLIENT_NS=metro-$1-client-$$
  METRO_SERVER_NS=metro-$1-server-$$
  ip netns add "$METRO_CLIENT_NS" && ip netns add "$METRO_SERVER_NS" &&
    ip -n "$METRO_CLIENT_NS" link set lo up && ip -n "$METRO_SERVER_NS" link set lo up &&
    # short connections by the thousand would use up the ports otherwise
    in_client sh -c 'cd /proc/sys/net/ipv4 &&
      echo 1 >tcp_tw_reuse && echo "2048 65535" >ip_local_port_range'
}

# nodad: addresses that can be used at once
metro_add_addresses() {
  ip -n "$METRO_CLIENT_NS" address add "$METRO_CLIENT_V4/24" dev "$METRO_CLIENT_IF" &&
    ip -n "$METRO_SERVER_NS" address add "$METRO_SERVER_V4/24" dev "$METRO_SERVER_IF" &&
    ip -n "$METRO_CLIENT_NS" address add "$METRO_CLIENT_V6/64" dev "$METRO_CLIENT_IF" nodad &&
    ip -n "$METRO_SERVER_NS" address add "$METRO_SERVER_V6/64" dev "$METRO_SERVER_IF" nodad &&
    ip -n "$METRO_CLIENT_NS" link set "$METRO_CLIENT_IF" up &&
    ip -n "$METRO_SERVER_NS" link set "$METRO_SERVER_IF" up
}

metro_wire_directly() {
  ip link add "$METRO_CLIENT_IF" netns "$METRO_CLIENT_NS" type veth \
    peer name "$METRO_SERVER_IF" netns "$METRO_SERVER_NS"
}

# metro_wire_through_delay_link NAME DELAY_LINK_OPTION...
metro_wire_through_delay_link() {
  metro_add_middle "$1" &&
    ip link add "$METRO_CLIENT_IF" netns "$METRO_CLIENT_NS" type veth \
      peer name to-client netns "$METRO_MIDDLE_NS" &&
    ip link add "$METRO_SERVER_IF" netns "$METRO_SERVER_NS" type veth \
      peer name to-server netns "$METRO_MIDDLE_NS" &&
    ip -n "$METRO_MIDDLE_NS" link set to-client up &&
    ip -n "$METRO_MIDDLE_NS" link set to-server up &&
    start_background delay_link in_middle "$METRO_BUILD/delay_link" "${@:2}" \
      to-client to-server &&
    wait_for_line "$METRO_TMP/delay_link.err" '^forwarding between' 5 &&
    METRO_DELAY_BY=delay_link
}

# metro_netem_options DELAY_LINK_OPTION...: the same in netem's words, but for --reorder
metro_netem_options() {
  local delay=0 jitter=0
  local -a troubles=()
  while [ $# -gt 0 ]; do
    case $1 in
      --delay) delay=$2 ;;
      --jitter) jitter=$2 ;;
      --loss | --duplicate) troubles+=("${1#--}" "$2%") ;;
      --seed | --reorder) ;;
      *) metro_say "netem has no $1" && return 1 ;;
    esac
    shift 2
  done
  echo "limit 100000 delay ${delay}ms ${jitter}ms ${troubles[*]}"
}

# metro_netem_held DELAY_LINK_OPTION...: --reorder in its words, if it is there. netem sends what it reorders at
# once; as in delay_link, few frames shall be late, by half of the delay: all others are what it reorders.
metro_netem_held() {
  local delay=0 held=0
  while [ $# -gt 0 ]; do
    case $1 in
      --delay) delay=$2 ;;
      --reorder) held=$2 ;;
    esac
    shift 2
  done
  [ "$held" = 0 ] || echo "limit 100000 delay $(metro_half "$delay")ms reorder $((100 - held))%"
}

# metro_wire_through_netem NAME DELAY_LINK_OPTION...: in the middle, two bridges with a cable between. netem
# at the outer ports delays, drops and duplicates, and at the ends of the cable it reorders.
metro_wire_through_netem() {
  local options held side
  options=$(metro_netem_options "${@:2}") && held=$(metro_netem_held "${@:2}") && metro_add_middle "$1" &&
    ip link add "$METRO_CLIENT_IF" netns "$METRO_CLIENT_NS" type veth \
      peer name to-client netns "$METRO_MIDDLE_NS" &&
    ip link add "$METRO_SERVER_IF" netns "$METRO_SERVER_NS" type veth \
      peer name to-server netns "$METRO_MIDDLE_NS" &&
    ip -n "$METRO_MIDDLE_NS" link add cable-client type veth peer name cable-server || return
  for side in client server; do
    # shellcheck disable=SC2086 # lists of words
    ip -n "$METRO_MIDDLE_NS" link add bridge-$side type bridge mcast_snooping 0 &&
      ip -n "$METRO_MIDDLE_NS" link set bridge-$side up &&
      ip -n "$METRO_MIDDLE_NS" link set to-$side master bridge-$side up &&
      ip -n "$METRO_MIDDLE_NS" link set cable-$side master bridge-$side up &&
      in_middle tc qdisc add dev to-$side root netem $options &&
      { [ -z "$held" ] || in_middle tc qdisc add dev cable-$side root netem $held; } || return
  done
  METRO_DELAY_BY=netem
}

# The whole delay on the way back, which round trips cannot tell from half of it each way. The
# limit is in packets, and far above what can be on the way.
metro_try_netem() {
  ip netns exec "$METRO_SERVER_NS" tc qdisc add dev "$METRO_SERVER_IF" root \
    netem delay "$1ms" limit 100000 2>/dev/null && METRO_DELAY_BY=netem
}

metro_half() {
  LC_ALL=C awk -v whole="$1" 'BEGIN { printf "%.6f", whole / 2 }'
}

metro_turn_off_offload() {
  in_client ethtool -K "$METRO_CLIENT_IF" tso off gso off gro off &&
    in_server ethtool -K "$METRO_SERVER_IF" tso off gso off gro off
}

# metro_wire NAME DELAY DELAY_LINK_OPTION...
metro_wire() {
  local name=$1 delay=$2
  shift 2
  if [ $# -eq 0 ]; then
    metro_wire_directly || return
    [ "$delay" != 0 ] || return 0
    metro_try_netem "$delay" && return
    ip -n "$METRO_CLIENT_NS" link delete "$METRO_CLIENT_IF" || return
  fi
  "metro_wire_through_$METRO_TROUBLES_BY" "$name" --delay "$(metro_half "$delay")" "$@"
}

# metro_setup_pair NAME [--delay MS] [--no-offload] [--jitter MS] [--loss PERCENT]
#                  [--duplicate PERCENT] [--reorder PERCENT] [--linear BYTES] [--seed N]
#
# Two hosts, client and server, and a veth pair between them. --delay is the ROUND TRIP time that is
# added, fractions allowed: by netem on the server's side where the kernel has it, else by
# delay_link in a third namespace, half of it each way. The other troubles are those of delay_link,
# which then does all of it, on each way; they are repeatable by their seed. METRO_TROUBLES_BY=netem has
# netem do it, in a kernel that has that and bridges. Offloads (TSO, GSO,
# GRO) are on unless --no-offload is given. One pair exists at a time: an earlier one goes first,
# with all background processes.
metro_setup_pair() {
  local name=$1 delay=0 offload=on
  local -a troubles=()
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --no-offload) offload=off && shift && continue ;;
      --delay) delay=${2:?} ;;
      --jitter | --loss | --duplicate | --reorder | --linear | --seed) troubles+=("$1" "${2:?}") ;;
      *) metro_say "metro_setup_pair: unknown option '$1'" && return 1 ;;
    esac
    shift 2
  done
  if ! [[ $delay =~ ^[0-9]+(\.[0-9]+)?$ ]]; then
    metro_say "metro_setup_pair: --delay takes milliseconds, not '$delay'"
    return 1
  fi
  metro_teardown
  metro_add_hosts "$name" && metro_wire "$name" "$delay" "${troubles[@]}" &&
    metro_add_addresses && { [ $offload = on ] || metro_turn_off_offload; } && return
  metro_say "cannot set up the network namespaces of '$name' (this needs root)"
  metro_teardown
  return 1
}

# What scripts left running in our namespaces: only they start processes there.
metro_kill_in() {
  local pid
  for pid in $(ip netns pids "$1" 2>/dev/null); do
    kill -KILL "$pid" 2>/dev/null
  done
}

# Ends all background processes and deletes the namespaces. Any number of times.
metro_teardown() {
  local namespace
  stop_all_background
  for namespace in $METRO_CLIENT_NS $METRO_SERVER_NS $METRO_MIDDLE_NS; do
    metro_kill_in "$namespace"
    ip netns delete "$namespace" 2>/dev/null
  done
  METRO_CLIENT_NS='' METRO_SERVER_NS='' METRO_MIDDLE_NS=''
  # shellcheck disable=SC2034
  METRO_DELAY_BY=
}

metro_cleanup() {
  trap '' INT TERM HUP # a second Ctrl-C must not leave half of it behind
  metro_teardown
  # shellcheck disable=SC2046
  kill -KILL $(jobs -p) 2>/dev/null # one the signal came too early for to be in METRO_PIDS
  rm -rf "$METRO_TMP"
}

trap metro_cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- results, in the Test Anything Protocol ------------------------------------------------------

METRO_TESTS=0
METRO_FAILURES=0

metro_comment() {
  sed 's/^/# /'
}

tap_ok() {
  METRO_TESTS=$((METRO_TESTS + 1))
  echo "ok $METRO_TESTS - $1"
}

# tap_fail NAME DETAIL
tap_fail() {
  METRO_TESTS=$((METRO_TESTS + 1))
  METRO_FAILURES=$((METRO_FAILURES + 1))
  echo "not ok $METRO_TESTS - $1"
  echo "$2" | metro_comment
}

# tap_skip NAME REASON
tap_skip() {
  METRO_TESTS=$((METRO_TESTS + 1))
  echo "ok $METRO_TESTS - $1 # SKIP $2"
}

# tap_check NAME COMMAND...: passes when the command succeeds; what it said is shown when it fails.
tap_check() {
  local name=$1 status
  shift
  "$@" >"$METRO_TMP/tap_check" 2>&1
  status=$?
  if [ $status -eq 0 ]; then
    tap_ok "$name"
  else
    tap_fail "$name" "status $status: $*
$(tail -n 20 "$METRO_TMP/tap_check")"
  fi
}

# tap_parts PART...: runs this script again with each of them as its argument, all at once, and takes
# over their results. Each has hosts, processes and temporary files of its own, and METRO_PART_SECONDS.
tap_parts() {
  local part line ended
  for part in "$@"; do
    start_background "part-$part" bash "$0" "$part"
  done
  for part in "$@"; do
    wait_background "part-$part" "${METRO_PART_SECONDS:-200}"
    ended=no
    while IFS= read -r line; do
      case $line in
        ok\ *) METRO_TESTS=$((METRO_TESTS + 1)) && echo "ok $METRO_TESTS - ${line#* - }" ;;
        not\ ok\ *)
          METRO_TESTS=$((METRO_TESTS + 1)) METRO_FAILURES=$((METRO_FAILURES + 1))
          echo "not ok $METRO_TESTS - ${line#* - }" ;;
        1..*) ended=yes ;;
        *) echo "$line" ;;
      esac
    done <"$METRO_TMP/part-$part.out"
    [ $ended = yes ] || tap_fail "$part: it comes to its end" "$(tail -n 20 "$METRO_TMP/part-$part.err")"
  done
}

# Ends the list. As the last command of a script it makes the script's status.
tap_done() {
  echo "1..$METRO_TESTS"
  [ "$METRO_FAILURES" -eq 0 ]
}
