#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# That tests/kernels.sh fails when a row has become worse than recorded, with a row and records made up.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib.sh
. tests/kernels/judge.sh

RESULTS=$METRO_TMP EXPECTED=$METRO_TMP/expected
tests_of() { echo "privileges test_fq"; }

# As it was, and as it is. Each case changes one line.
cat >"$METRO_TMP/good" <<'END'
btf yes
auto BPF at tcx
confined 20 samples, NoNewPrivs 1, Seccomp 2, CapEff 0/2000
needs/tcx perfmon,bpf,net_admin
needs/clsact perfmon,bpf,net_admin
needs/load perfmon,bpf,net_admin
needs/xdp perfmon,bpf,net_admin
needs/pcap net_raw
probe agrees
test_fq 21 0 0 47
END

# judged RECORD THERE: how many values are worse or other if these lines are recorded and there
judged() {
  edit "$1" <"$METRO_TMP/good" | sed 's/^/row /; s/ 47$//' >"$EXPECTED"
  edit "$2" <"$METRO_TMP/good" >"$RESULTS/row"
  worse=0
  judge_row row
}

edit() { # LINE: in place of what begins with the same word; WHAT- takes it away
  awk -v line="$1" 'BEGIN { split(line, word, " ") }
    word[1] "" == $1 "-" { next }
    { print line != "" && word[1] == $1 ? line : $0 }'
}

good() {
  judged "$@" && equal worse 0 $worse
}

bad() {
  judged "$@"
  equal worse 1 $worse
}

equal() {
  [ "$2" = "$3" ] && return
  echo "$1: expected '$2', got '$3'"
  return 1
}

tap_check "as recorded" good "" ""
tap_check "more tests pass than recorded" good "test_fq 20 0 0" ""
tap_check "fewer tests pass" bad "test_fq 22 0 0" ""
tap_check "a test that was skipped was not passed" bad "" "test_fq 20 0 1 47"
tap_check "a test fails" bad "" "test_fq 21 1 0 47"
tap_check "a test was not run" bad "" "test_fq-"
tap_check "a test that nothing is recorded of passes" good "test_fq-" ""
tap_check "a test that nothing is recorded of fails" bad "test_fq-" "test_fq 3 1 0 47"
tap_check "libpcap in place of BPF" bad "" "auto libpcap"
tap_check "another hook" bad "" "auto BPF at clsact"
tap_check "one capability more" bad "" "needs/tcx sys_admin,perfmon,bpf,net_admin"
tap_check "one fewer: the documents are wrong then" bad "" "needs/tcx bpf,net_admin"
tap_check "one that measured does not any more" bad "" "needs/xdp -"
tap_check "a value was not found out" bad "" "needs/xdp-"
tap_check "a thread has more left" bad "" "confined 20 samples, NoNewPrivs 1, Seccomp 2, CapEff 0/3000"
tap_check "no filter, whatever is recorded" bad "confined-" "confined 20 samples, NoNewPrivs 1, Seccomp 0, CapEff 0"
tap_check "--probe says something else than what is" bad "" "probe differs"
tap_check "whatever is recorded" bad "probe differs" "probe differs"

recorded() { # WHAT: that line; nothing if there is none
  sed -n "s|^row \($1 .*\)|\1|p" "$EXPECTED"
}

is_recorded() {
  judged "test_fq 20 0 0" "needs/xdp bpf"
  worse=0
  record_row row
  equal worse 0 $worse && equal lines 10 "$(wc -l <"$EXPECTED")" &&
    equal order "$(cut -d ' ' -f 1 "$RESULTS/row" | paste -sd ' ')" "$(cut -d ' ' -f 2 "$EXPECTED" | paste -sd ' ')" &&
    equal test_fq "test_fq 21 0 0" "$(recorded test_fq)" && equal xdp "needs/xdp bpf" "$(recorded needs/xdp)"
}

failure_is_not_recorded() {
  judged "" "test_fq 30 1 0 47"
  worse=0
  record_row row
  equal worse 1 $worse && equal test_fq "test_fq 21 0 0" "$(recorded test_fq)"
}

tap_check "--record: what is there, in place of what was" is_recorded
tap_check "--record: a failed test is no record" failure_is_not_recorded
tap_done
