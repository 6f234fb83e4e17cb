# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Is a row as good as recorded? For tests/kernels.sh, which says where the records are ($EXPECTED), where
# what was found is ($RESULTS/ROW, a line for each value: WHAT VALUE), and what is asked of a row
# (tests_of ROW). $worse counts.

# value ROW WHAT, expected ROW WHAT: what comes after it; nothing if it is not there
value() {
  sed -n "s|^$2 ||p" "$RESULTS/$1"
}

expected() {
  awk -v row="$1" -v what="$2" '$1 == row && $2 == what { sub(/^[^ ]+ +[^ ]+ +/, ""); print }' "$EXPECTED"
}

# As good as recorded? Of a test, as many must pass, and none may fail. What is not recorded must be there,
# and whatever is recorded, what --probe says must be so, and no thread may be able to gain anything.
as_good() { # WHAT THERE RECORDED
  local passed failed was
  [ -n "$2" ] || return
  case $1 in
    test_*)
      read -r passed failed _ <<<"$2"
      read -r was _ <<<"$3"
      [ "$failed" = 0 ] && [ "$passed" -ge "${was:-0}" ]
      ;;
    probe) [ "$2" = agrees ] ;;
    confined) [[ $2 == "20 samples, NoNewPrivs 1, Seccomp 2, "* ]] && [ "$2" = "${3:-$2}" ] ;;
    *) [ "$2" = "${3:-$2}" ] ;;
  esac
}

# Says what is recorded and what is there, if that is worse, or other.
compare() { # ROW WHAT
  local there recorded meaning=
  there=$(value "$1" "$2") recorded=$(expected "$1" "$2")
  as_good "$2" "$there" "$recorded" && return
  case $2 in test_*) meaning="passed, failed, skipped: " ;; esac
  echo "$1: $2: $meaning${there:-not found out}; recorded: ${recorded:-nothing}"
  worse=$((worse + 1))
}

whats_of() { # ROW: what must have a value there
  local what
  for what in btf $(tests_of "$1"); do
    [ "$what" != privileges ] || what="auto confined needs/tcx needs/clsact needs/load needs/xdp needs/pcap probe"
    echo "$what"
  done
}

judge_row() { # ROW
  local what
  for what in $(whats_of "$1"); do
    compare "$1" "$what"
  done
}

# What was not run this time stays; and what has failed is no record.
record_row() { # ROW
  local what there
  for what in $(whats_of "$1"); do
    there=$(value "$1" "$what")
    as_good "$what" "$there" "" || { compare "$1" "$what" && continue; }
    case $what in test_*) there=${there% *} ;; esac # without how long it took
    # In its place, or below the others of this row.
    awk -v row="$1" -v what="$what" -v new="$1 $what $there" '
      function add() { if (!added) print new; added = 1 }
      $1 == row && $2 == what { add(); next }
      was == row && $1 != row { add() }
      { print; was = $1 }
      END { add() }' "$EXPECTED" >"$RESULTS/new"
    cat "$RESULTS/new" >"$EXPECTED"
  done
}
