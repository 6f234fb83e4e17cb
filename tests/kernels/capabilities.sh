# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Which privileges a way to measure really needs on this kernel, found by starting bpf-metro with one
# of them missing at a time. After tests/e2e/common.sh, with two hosts set up:
#
#   needed_privileges --backend bpf --hook xdp     prints them with commas between; "-": cannot measure
#
# RLIMIT_MEMLOCK stands for a limit that is high enough: without it, it is the 64 KB that a user has.

NEEDS_USER=65534

# measures_with "PRIVILEGE..." OPTION...: does it, as a user with only these?
measures_with() {
  local privileges=" $1 " privilege only=-all memlock=65536 status=1
  shift
  for privilege in $privileges; do
    case $privilege in
      RLIMIT_MEMLOCK) memlock=unlimited ;;
      *) only+=",+$privilege" ;;
    esac
  done
  start_background needs in_client prlimit --memlock=$memlock:$memlock \
    setpriv --reuid $NEEDS_USER --regid $NEEDS_USER --clear-groups \
    --inh-caps "$only" --ambient-caps "$only" --bounding-set "$only" "$NEEDS_BINARY" "$@" \
    --output json -i "$METRO_CLIENT_IF" "$METRO_SERVER_V4" || return
  wait_until "$READY_SECONDS" metro_measures_or_ended needs
  if metro_measures needs; then
    status=0
  elif background_alive needs; then
    echo "# it has not made up its mind after $READY_SECONDS s with $privileges" >&2
  fi
  stop_background needs
  return $status
}

without() { # WORD WORDS...
  local word rest=
  for word in "${@:2}"; do
    [ "$word" = "$1" ] || rest+="${rest:+ }$word"
  done
  echo "$rest"
}

# Why it did not measure, for people.
say_why() { # WITHOUT
  echo "# without $1: $(sed -n 's/.*CRITICAL //p' "$METRO_TMP/needs.err" | tail -n 1)" >&2
}

# Dropped for good where it still measures. CAP_SYS_RESOURCE goes first, and if the limit then has to
# stay, the two may stand for each other.
needed_privileges() {
  local privilege least have="sys_resource RLIMIT_MEMLOCK perfmon bpf net_admin net_raw" needed=
  measures_with "$have" "$@" || { echo - && return; }
  for privilege in $have; do
    # shellcheck disable=SC2086 # a list of words
    least=$(without "$privilege" $have)
    if measures_with "$least" "$@"; then have=$least; else say_why "$privilege"; fi
  done
  for privilege in $have; do
    # shellcheck disable=SC2086 # a list of words
    if [ "$privilege" = RLIMIT_MEMLOCK ] &&
      measures_with "sys_resource $(without RLIMIT_MEMLOCK $have)" "$@"; then
      privilege=RLIMIT_MEMLOCK/sys_resource
    fi
    needed+="${needed:+,}$privilege"
  done
  echo "${needed:-nothing}"
}
