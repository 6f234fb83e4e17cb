#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs the suites that are named (tree, unit, e2e, systemd, image, or one of tests/release) and ends with
# one line over everything:
#   N passed, N failed, N skipped
# Every test speaks TAP; cmocka 1.1's line for a skipped test, "not ok 1 # SKIP", is corrected.
# METRO_SKIPS_FAIL=1 turns skipped tests into failed ones, except those whose line matches the extended
# regular expression METRO_SKIPS_ALLOWED. METRO_ATTEMPTS=2 lets a program that failed run once
# more, and only the second run counts: a machine shared with others may stall for longer than any time
# limit allows, but not twice in the same place. Programs that ran again are named in the end.
# METRO_EMULATOR=qemu-aarch64 runs unit tests of another architecture; METRO_END_TO_END="accuracy signals"
# chooses among the end-to-end tests.
set -u
cd "$(dirname "$0")/.." || exit 1
export BUILD=${BUILD:-build}
limit=${METRO_TEST_SECONDS:-300} # for one test program

passed=0 failed=0 skipped=0
failures= repeated=
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# Adds one program's TAP to the totals; one that ends with an error but no failed test has failed, too.
tally() { # NAME STATUS
    local ok not_ok skip bad=0
    skip=$(grep -c '^ok .*# SKIP' "$output")
    ok=$(($(grep -c '^ok' "$output") - skip))
    not_ok=$(grep -c '^not ok' "$output")
    if [ "${METRO_SKIPS_FAIL:-0}" = 1 ] && [ "$skip" -gt 0 ]; then
        bad=$(grep '^ok .*# SKIP' "$output" |
            { if [ -n "${METRO_SKIPS_ALLOWED:-}" ]; then grep -Ecv "$METRO_SKIPS_ALLOWED"; else grep -c .; fi; })
        [ "$bad" = 0 ] || echo "# $1: $bad skipped test(s) count as failed here"
    fi
    if [ "$2" != 0 ] && [ "$not_ok" = 0 ]; then
        echo "not ok - $1 ended with status $2"
        not_ok=1
    elif [ $((ok + not_ok + skip)) = 0 ]; then
        echo "not ok - $1 tested nothing"
        not_ok=1
    fi
    passed=$((passed + ok))
    failed=$((failed + not_ok + bad))
    skipped=$((skipped + skip - bad))
    [ "$not_ok" = 0 ] || failures+="# $1: $(grep -m1 '^not ok' "$output")"$'\n'
}

run() { # ATTEMPTS NAME COMMAND...
    local attempts=$1 name=$2 status
    shift 2
    echo "# $name"
    CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 10 "$limit" "$@" 2>&1 </dev/null |
        sed -u 's/^not ok \([0-9]* # SKIP\)/ok \1/' | tee "$output"
    status=${PIPESTATUS[0]}
    if [ "$attempts" -gt 1 ] && { [ "$status" != 0 ] || grep -q '^not ok' "$output"; }; then
        repeated+="# $name ran again, since this had failed: $(grep -m1 '^not ok' "$output")"$'\n'
        run $((attempts - 1)) "$name" "$@"
        return
    fi
    tally "$name" "$status"
}

end_to_end() { # SUITE NAME...
    local suite=$1
    shift
    if [ $# -gt 0 ]; then
        printf "tests/$suite/test_%s.sh\n" "$@"
    else
        ls "tests/$suite"/test_*.sh
    fi
}

for suite in "$@"; do
    case $suite in
    tree)
        for script in tests/floors.py tests/papers.py tests/manual.py tests/versions.py tests/dashboards.py; do
            run 1 "$script" python3 "$script"
        done
        run 1 tests/dependencies.sh bash tests/dependencies.sh
        run 1 tests/judging.sh bash tests/judging.sh
        ;;
    unit)
        for source in tests/unit/test_*.c; do
            test=$BUILD/unit/$(basename "$source" .c)
            # shellcheck disable=SC2086 # a list of words
            run "${METRO_ATTEMPTS:-1}" "$test" ${METRO_EMULATOR:-} "$test"
        done
        ;;
    e2e | systemd)
        if [ "$(id -u)" != 0 ]; then
            echo "ok - $suite # SKIP needs root" | tee "$output"
            tally "$suite" 0
            continue
        fi
        # shellcheck disable=SC2086 # a list of words
        for test in $(end_to_end "$suite" ${METRO_END_TO_END:-}); do
            run "${METRO_ATTEMPTS:-1}" "$test" bash "$test"
        done
        ;;
    image)
        limit=900 run 1 tests/image/test_image.sh bash tests/image/test_image.sh
        ;;
    dist | deb | rpm | kubernetes | dashboards)
        run 1 "tests/release/test_$suite.sh" bash "tests/release/test_$suite.sh"
        ;;
    *)
        echo "run.sh: unknown suite $suite" >&2
        exit 2
        ;;
    esac
done

printf '%s' "$repeated" "$failures"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
