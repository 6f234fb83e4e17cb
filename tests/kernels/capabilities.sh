# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Which privileges a way to measure really needs on this kernel, found by starting bpf-metro with one
# of them missing at a time. After tests/e2e/common.sh, with two hosts set up:
#
#   needed_by measures_with --backend bpf --hook xdp   prints them with commas between; "-": cannot measure
#   needed_by loads_with                               the same of the kernel, which bpf-metro does not try in vain
#   probe_agrees                                       has --probe said the same each time?
#
# RLIMIT_MEMLOCK stands for a limit that is high enough: without it, it is the 64 KB that a user has.

NEEDS_USER=65534
NEEDS_ALL="sys_resource RLIMIT_MEMLOCK perfmon bpf net_admin net_raw"

# Where the program is that any user may run, and what --probe was asked and got wrong, a line each.
needs_begin() {
  NEEDS_BINARY=$METRO_TMP/bpf-metro NEEDS_LOADER=$METRO_TMP/many_cpus
  NEEDS_ASKED=$METRO_TMP/needs.asked NEEDS_WRONG=$METRO_TMP/needs.wrong
  chmod 711 "$METRO_TMP" && install -m 755 "$METRO" "$NEEDS_BINARY" &&
    install -m 755 "$METRO_BUILD/many_cpus" "$NEEDS_LOADER" &&
    touch "$NEEDS_ASKED" "$NEEDS_WRONG"
}

# as_user_with "PRIVILEGE...": AS_USER becomes the words before a command that a user with these alone runs.
as_user_with() {
  local privilege only=-all memlock=65536
  for privilege in $1; do
    case $privilege in
      RLIMIT_MEMLOCK) memlock=unlimited ;;
      *) only+=",+$privilege" ;;
    esac
  done
  AS_USER=(in_client prlimit "--memlock=$memlock:$memlock" setpriv --reuid "$NEEDS_USER" --regid "$NEEDS_USER"
    --clear-groups --inh-caps "$only" --ambient-caps "$only" --bounding-set "$only")
}

# ---- what --probe says -------------------------------------------------------------------------------

# probe_must REGEX "PRIVILEGE..." OPTION...: of these options' backend, to such a user
probe_must() {
  local must=$1 privileges=$2 backend=BPF said
  shift 2
  [[ " $* " != *" --backend pcap "* ]] || backend=libpcap
  as_user_with "$privileges"
  said=$("${AS_USER[@]}" "$NEEDS_BINARY" "$@" --probe -i "$METRO_CLIENT_IF" 2>&1 | grep "^$backend: ")
  echo "$* with $privileges: $said" >>"$NEEDS_ASKED"
  grep -qE "^$backend: $must" <<<"$said" ||
    echo "$* with '$privileges': --probe says '$said', not '$must'" >>"$NEEDS_WRONG"
}

# What it says to somebody who has nothing, by its names: "bpf,net_admin,perfmon".
probe_must_list() { # NEEDED OPTION...
  local needed capability list=
  needed=$(tr , '\n' <<<"$1" | grep -v RLIMIT_MEMLOCK)
  shift
  for capability in bpf net_admin perfmon net_raw; do # its order
    ! grep -qx $capability <<<"$needed" || list+=" CAP_${capability^^}"
  done
  # "CAP_A is", "CAP_A and CAP_B are", "CAP_A, CAP_B and CAP_C are"
  list=$(sed -E 's/^ //; s/ ([^ ]+)$/ and \1/; s/ (CAP_[^ ]+) and/, \1 and/' <<<"$list")
  probe_must "no: $list (is|are) missing, " "" "$@"
}

probe_agrees() {
  echo "# --probe was asked $(wc -l <"$NEEDS_ASKED") times" >&2
  sed 's/^/# /' "$NEEDS_WRONG" >&2
  [ -s "$NEEDS_ASKED" ] && [ ! -s "$NEEDS_WRONG" ]
}

# ---- what is so --------------------------------------------------------------------------------------

# measures_with "PRIVILEGE..." OPTION...: does it, as a user with only these?
measures_with() {
  local privileges=$1 status=1 said=no
  shift
  as_user_with "$privileges"
  start_background needs "${AS_USER[@]}" "$NEEDS_BINARY" "$@" --output json -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4" || return
  wait_until "$READY_SECONDS" metro_measures_or_ended needs
  if metro_measures needs; then
    status=0 said=yes
  elif background_alive needs; then
    echo "# it has not made up its mind after $READY_SECONDS s with $privileges" >&2
  fi
  stop_background needs
  probe_must $said "$privileges" "$@"
  return $status
}

# loads_with "PRIVILEGE...": does the kernel take our programs and maps from such a user? bpf-metro
# itself looks first for what would be in vain, so another program of ours loads them.
loads_with() {
  as_user_with "$1"
  "${AS_USER[@]}" timeout 300 "$NEEDS_LOADER" 1 20 1 >"$METRO_TMP/needs.err" 2>&1
}

without() { # WORD WORDS...
  local word rest=
  for word in "${@:2}"; do
    [ "$word" = "$1" ] || rest+="${rest:+ }$word"
  done
  echo "$rest"
}

# Why it did not measure, for people; and --probe must name the same and nothing else.
why_measures_with() { # MISSING "PRIVILEGE..." OPTION...
  echo "# without $1: $(sed -n 's/.*CRITICAL //p' "$METRO_TMP/needs.err" | tail -n 1)" >&2
  case $1 in
    RLIMIT_MEMLOCK) probe_must 'no: .*RLIMIT_MEMLOCK' "${@:2}" ;;
    *) probe_must "no: CAP_${1^^} is missing, " "${@:2}" ;;
  esac
}

why_loads_with() { # MISSING
  echo "# without $1: $(tail -n 1 "$METRO_TMP/needs.err")" >&2
}

# Dropped for good where it still measures. CAP_SYS_RESOURCE goes first, and if the limit then has to
# stay, the two may stand for each other.
needed_by() { # measures_with|loads_with OPTION...
  local try=$1 privilege least have=$NEEDS_ALL needed=
  shift
  "$try" "$have" "$@" || { echo - && return; }
  for privilege in $NEEDS_ALL; do
    # shellcheck disable=SC2086 # a list of words
    least=$(without "$privilege" $have)
    if "$try" "$least" "$@"; then have=$least; else "why_$try" "$privilege" "$least" "$@"; fi
  done
  for privilege in $have; do
    # shellcheck disable=SC2086 # a list of words
    if [ "$privilege" = RLIMIT_MEMLOCK ] &&
      "$try" "sys_resource $(without RLIMIT_MEMLOCK $have)" "$@"; then
      privilege=RLIMIT_MEMLOCK/sys_resource
    fi
    needed+="${needed:+,}$privilege"
  done
  [ "$try" = loads_with ] || probe_must_list "$needed" "$@"
  echo "${needed:-nothing}"
}
