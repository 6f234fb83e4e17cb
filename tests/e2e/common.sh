# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the end-to-end tests share: bpf-metro, traffic and a StatsD listener in the pair of hosts that
# tests/lib.sh makes, and figures from what they say. METRO=PATH tests another bpf-metro than the one
# in build/.

METRO_BUILD=${METRO_BUILD:-${BUILD:+$(realpath "$BUILD")}}
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
export LC_ALL=C

# Lines are the same wherever the tests run.
unset DD_DOGSTATSD_URL DD_AGENT_HOST DD_DOGSTATSD_PORT DD_ENTITY_ID DD_ENV DD_SERVICE DD_VERSION
export DD_ORIGIN_DETECTION_ENABLED=false

METRO=${METRO:-$METRO_BUILD/bpf-metro}
METRO_PROGRAM=$METRO
LOAD=$METRO_BUILD/tcp_load
PORT=5000
READY_SECONDS=${METRO_READY_SECONDS:-15} # a verifier on a busy machine takes its time

# shellcheck disable=SC2034 # for the scripts that source this
PEERS="$METRO_SERVER_V4 $METRO_SERVER_V6"

# Where a package has made the user that root becomes, tests stay root: their files are root's.
# test_privileges.sh brings its own user.
if id bpf-metro >/dev/null 2>&1; then
  METRO=$METRO_TMP/bpf-metro-as-root
  cat >"$METRO" <<END
#!/bin/sh
[ "\$(id -u)" != 0 ] || set -- "\$@" --user root
exec "$METRO_PROGRAM" "\$@"
END
  chmod 755 "$METRO"
fi

# bail_out REASON: nothing more can be tested in this file.
bail_out() {
  tap_fail "$1" "the tests that follow are left out"
  tap_done
  exit 1
}

have() {
  command -v "$1" >/dev/null
}

# Does the kernel have TCX, Linux 6.6? Debian and others keep the version's meaning.
has_tcx() {
  local major minor
  IFS=. read -r major minor _ <<END
$(uname -r)
END
  [ "$major" -gt 6 ] || { [ "$major" = 6 ] && [ "${minor%%[!0-9]*}" -ge 6 ]; }
}

# soon SECONDS COMMAND...: like wait_until, but shows the command's output only once.
soon() {
  wait_until "$@" >/dev/null || "${@:2}"
}

# ---- bpf-metro -----------------------------------------------------------------------------------

# start_metro NAME WHERE ARGUMENT...: starts bpf-metro and waits until it measures.
start_metro() {
  local name=$1 where=$2
  shift 2
  start_background "$name" "$where" "$METRO" "$@" && await_metro "$name"
}

# await_metro NAME: until it measures.
await_metro() {
  wait_until "$READY_SECONDS" metro_measures_or_ended "$1"
  metro_measures "$1" && return
  background_alive "$1" && metro_say "$1 does not measure after $READY_SECONDS s:" ||
    metro_say "$1 has ended:"
  cat "$METRO_TMP/$1.err" >&2
  return 1
}

metro_measures() {
  grep -q 'INFO measuring on ' "$METRO_TMP/$1.err"
}

metro_measures_or_ended() {
  metro_measures "$1" || ! background_alive "$1"
}

# log_has NAME PATTERN [SECONDS]: waits for it, 5 seconds unless told otherwise.
log_has() {
  wait_for_line "$METRO_TMP/$1.err" "$2" "${3:-5}"
}

log_count() {
  grep -cE -e "$2" "$METRO_TMP/$1.err"
}

# counter NAME COUNTER: of a bpf-metro that has ended.
counter() {
  sed -n "s/.*counters: .*\<$2=\([0-9]*\).*/\1/p" "$METRO_TMP/$1.err" | tail -n 1
}

# ---- samples in JSON -----------------------------------------------------------------------------

# samples NAME [PATTERN]: how many of them match.
samples() {
  grep -cE -e "${2:-.}" "$METRO_TMP/$1.out"
}

# samples_reach NAME NUMBER [PATTERN]
samples_reach() {
  [ "$(samples "$1" "${3:-.}")" -ge "$2" ]
}

# mean_us NAME [PATTERN]: the mean RTT of those that match.
mean_us() {
  awk -F '"rtt_ns":' -v pattern="${2:-.}" '
    $0 ~ pattern { sum += $2; n++ }
    END { if (n) printf "%.3f\n", sum / n / 1000 }' "$METRO_TMP/$1.out"
}

# ---- traffic -------------------------------------------------------------------------------------

# start_server [NAME [WHERE]]: answers all modes of tcp_load on every address.
start_server() {
  local name=${1:-server}
  start_background "$name" "${2:-in_server}" "$LOAD" server --port $PORT &&
    wait_for_line "$METRO_TMP/$name.err" '^serving on' 5
}

# load NAME ADDRESS OPTION...: traffic from the client; its JSON goes to NAME.json.
load() {
  local name=$1 address=$2
  shift 2
  in_client timeout 60 "$LOAD" client --connect "$address" --port $PORT "$@" \
    >"$METRO_TMP/$name.json"
}

# load_field NAME KEY OPERATION: sum, mean, min or max of a key over all connections.
load_field() {
  awk -F "\"$2\":" -v operation="$3" '
    NF > 1 {
      value = $2 + 0
      sum += value
      if (!n || value < least) least = value
      if (!n || value > most) most = value
      n++
    }
    END {
      if (!n) exit 1
      if (operation == "sum") print sum
      if (operation == "mean") print sum / n
      if (operation == "min") print least
      if (operation == "max") print most
    }' "$METRO_TMP/$1.json"
}

# ---- StatsD --------------------------------------------------------------------------------------

# start_statsd NAME [WHERE [OPTION...]]: its datagrams go to NAME.out as they come.
start_statsd() {
  start_background "$1" "${2:-in_client}" "$METRO_BUILD/statsd_listen" --raw "${@:3}" &&
    wait_for_line "$METRO_TMP/$1.err" '^listening on' 5
}

# gauges NAME METRIC [PATTERN]: the values that arrived, one a line; the pattern looks at the line.
gauges() {
  awk -F '[:|]' -v metric="$2" -v pattern="${3:-.}" '
    $1 == metric && $0 ~ pattern { print $2 }' "$METRO_TMP/$1.out"
}

# gauge_arrived NAME METRIC [PATTERN]
gauge_arrived() {
  [ -n "$(gauges "$@")" ]
}

# ---- comparisons ---------------------------------------------------------------------------------

# holds EXPRESSION [NAME=NUMBER]...: of awk; says what the numbers were.
holds() {
  local expression=$1 assignment
  local -a numbers=()
  shift
  for assignment in "$@"; do
    case $assignment in
      *=) echo "$expression: ${assignment%=} is missing" && return 1 ;;
    esac
    numbers+=(-v "$assignment")
  done
  echo "$expression with $*"
  awk "${numbers[@]}" "BEGIN { exit !($expression) }"
}

# same_count A B: within 1 %.
same_count() {
  holds 'a > 0 && (a > b ? a - b : b - a) <= 0.01 * b' "a=$1" "b=$2"
}

# same_time A B: within 2 % or 50 us.
same_time() {
  holds 'a > 0 && (a > b ? a - b : b - a) <= (0.02 * b > 50 ? 0.02 * b : 50)' "a=$1" "b=$2"
}

# equal WHAT EXPECTED ACTUAL
equal() {
  [ "$2" = "$3" ] && return
  echo "$1: expected '$2', got '$3'"
  return 1
}

# ---- what is attached to the client's interface ----------------------------------------------------

# filters SIDE: one line for each of clsact's filters, its program's name or what else it is
filters() {
  in_client tc filter show dev "$METRO_CLIENT_IF" "$1" 2>/dev/null | awk '
    match($0, /bytecode|metro_[a-z_]+/) { print substr($0, RSTART, RLENGTH) }'
}

clsact_is_there() {
  in_client tc qdisc show dev "$METRO_CLIENT_IF" clsact | grep -q clsact
}

# Removes the control groups below $CGROUP, in both versions; fails while any is in use.
cgroups_gone() {
  local mount left=0
  for mount in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [ ! -d "$mount/$CGROUP" ] || find "$mount/$CGROUP" -depth -type d -exec rmdir {} + || left=1
  done 2>/dev/null
  return $left
}
