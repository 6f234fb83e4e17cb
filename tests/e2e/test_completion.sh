#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Completion in bash: what stands in --help is offered, with the values that each option takes; and the name
# of an interface is never run.

# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

TOP=$(realpath "$(dirname "$0")/../..")
PATH=$(dirname "$METRO"):$PATH

# completed WORD...: what is offered for the last of these words, one a line, in order.
completed() {
  env PATH="$PATH" bash -c '
    . "$1" || exit
    shift
    set -f
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _bpf_metro
    printf "%s\n" "${COMPREPLY[@]}"' bash "${COMPLETION:-$TOP/packaging/bash-completion}" "$@" | LC_ALL=C sort
}

# offers EXPECTED WORD...: these, with spaces between, and no others.
offers() {
  local expected=$1
  shift
  equal "$*" "$(printf '%s\n' $expected | LC_ALL=C sort)" "$(completed "$@")"
}

# The same on its own in a shell that completes: it is registered for the program.
is_registered() {
  bash -c '. "$1" && complete -p bpf-metro' bash "$TOP/packaging/bash-completion" |
    grep -q -- '-F _bpf_metro bpf-metro'
}

long_options() {
  "$METRO" --help | grep -oE '^ .{5}--[a-z-]+' | grep -oE -- '--.*'
}

offers_all_options() {
  local option count=0
  for option in $(long_options) -cfg -log -f -st -c -i -Q -r -v -V -h; do
    completed bpf-metro - | grep -qFx -e "$option" || { echo "$option is not offered" && return 1; }
    count=$((count + 1))
  done
  holds 'n > 20' "n=$count"
}

# An option that --help shows with a value has one here, too: words, a file, or nothing that is known.
# The words are those of the help, where it lists them.
knows_all_values() {
  local option value
  while read -r option value; do
    # shellcheck disable=SC2016 # for the shell inside
    bash -c '. "$1"; _bpf_metro_values "$2" >/dev/null; status=$?
      [ $status = 1 ] && [ -n "$3" ] && echo "$2 takes $3, but has no case" && exit 1
      [ $status != 1 ] && [ -z "$3" ] && echo "$2 takes nothing, but has a case" && exit 1
      exit 0' bash "$TOP/packaging/bash-completion" "$option" "$value" || return
  done < <("$METRO" --help | sed -nE 's/^ .{5}(--[a-z-]+)( ([A-Z]+))? .*/\1 \3/p')
}

offers_words_of_help() {
  local name words
  for name in backend hook output; do
    words=$("$METRO" --help | sed -nE "s/^ +--$name NAME +([a-z, ]+).*/\1/p" |
      sed 's/ or /,/; s/[ ,]\+/ /g; s/ *$//')
    holds 'n > 1' "n=$(wc -w <<<"$words")" && offers "$words" bpf-metro --$name '' || return
  done
}

makes_files() {
  cd "$METRO_TMP" && mkdir files && cd files && touch 'a b.yaml' abc.yaml other.pcap && mkdir abd
}

offers_interfaces() {
  ip netns exec "$METRO_CLIENT_NS" bash -c '
    . "$1"
    for try in metro --interface; do
      [ $try = metro ] && COMP_WORDS=(bpf-metro -i met) || COMP_WORDS=(bpf-metro --interface = met)
      COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
      _bpf_metro
      [ "${COMPREPLY[*]}" = "$2" ] || { echo "offered: ${COMPREPLY[*]}"; exit 1; }
    done' bash "$TOP/packaging/bash-completion" "$METRO_CLIENT_IF"
}

# Somebody with rights over interfaces may name one as they like.
runs_no_interface() {
  ip -n "$METRO_CLIENT_NS" link add '$(touch$IFS+)' type dummy 2>/dev/null ||
    ip -n "$METRO_CLIENT_NS" link set "$METRO_CLIENT_IF" down name '$(touch$IFS+)' || return
  (
    cd "$METRO_TMP/files" && ip netns exec "$METRO_CLIENT_NS" bash -c '
    . "$1"
    COMP_WORDS=(bpf-metro -i "")
    COMP_CWORD=2
    _bpf_metro
    for word in "${COMPREPLY[@]}"; do
      eval "echo $word" # what Enter would do
    done' bash "$TOP/packaging/bash-completion"
  ) >"$METRO_TMP/offered"
  cat "$METRO_TMP/offered"
  grep -qFx '$(touch$IFS+)' "$METRO_TMP/offered" && [ ! -e "$METRO_TMP/files/+" ]
}

makes_files || bail_out "files can be made"
tap_check "it is registered" is_registered
tap_check "it offers every option" offers_all_options
tap_check "it knows which options take a value" knows_all_values
tap_check "it offers the words that --help lists" offers_words_of_help
tap_check "it offers what begins with the word" offers "--interface --interval" bpf-metro --inter
tap_check "it offers the values of an option" offers "out" bpf-metro -i eth0 -Q o
tap_check "it offers them behind a =" offers "bpf" bpf-metro --backend = b
tap_check "it offers all of them right behind the =" offers "auto bpf pcap" bpf-metro --backend =
tap_check "it offers files" offers "abc.yaml abd" bpf-metro --config ab
tap_check "it offers files with go-metro's options" offers "other.pcap" bpf-metro -cfg o
tap_check "it offers nothing for a peer" offers "" bpf-metro -i eth0 1
metro_setup_pair completion || bail_out "the hosts are set up"
tap_check "it offers interfaces" offers_interfaces
tap_check "it never runs the name of an interface" runs_no_interface
tap_done
