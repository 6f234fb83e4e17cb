#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The release: the same source gives the same archive and the same program, and what is in the archive
# suffices for both.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
export LC_ALL=C
unset MAKEFLAGS MAKELEVEL MFLAGS SOURCE_DATE_EPOCH BUILD
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
version=$(sed -n 's/^VERSION *:= *//p' "$here/Makefile")
archive=build/bpf-metro-$version.tar.gz
# Paths of different length, at which the same is made.
one=$METRO_TMP/one two=$METRO_TMP/another/place/two unpacked=$METRO_TMP/unpacked/bpf-metro-$version

# A repository of this tree's files, with one commit.
make_repository() {
  mkdir -p "$one" "$(dirname "$two")" "$(dirname "$unpacked")" &&
    { git -C "$here" -c safe.directory='*' ls-files -z 2>/dev/null ||
      sed 1d "$here/MANIFEST" | tr '\n' '\0'; } |
    tar -C "$here" --null --files-from - -cf - | tar -C "$one" --no-same-owner -xf - &&
    git -C "$one" init -q && git -C "$one" add --force . &&
    GIT_COMMITTER_DATE='2026-01-02T03:04:05Z' git -C "$one" -c user.name=test -c user.email=test@test.invalid \
      commit -qm test
}

# Another person's clone: closed to others, later, in another zone and language.
make_clone() {
  (umask 077 && git clone -q "file://$one" "$two") && find "$two" -name .git -prune -o -exec touch -d '2030-05-05' {} + &&
    (cd "$two" && umask 077 && TZ=Asia/Tokyo LC_ALL=C.UTF-8 make -s dist)
}

in_one() {
  (cd "$one" && umask 022 && make -s dist "$@")
}

# What is in the archive: what git tracks, and the list of that.
has_tracked_files() {
  diff <(tar -tzf "$one/$archive" | sed "s,^bpf-metro-$version/,," | sort) \
    <({ git -C "$one" ls-files && echo MANIFEST; } | sort)
}

has_modes() {
  tar -tvzf "$one/$archive" --full-time --utc | awk '
    { modes[$1]++; owners[$2]++; times[$4 " " $5]++ }
    END {
      for (mode in modes) if (mode !~ /^(-rw-r--r--|-rwxr-xr-x|lrwxr-xr-x)$/) { print mode; bad = 1 }
      if (!modes["-rw-r--r--"] || !modes["-rwxr-xr-x"]) { print "no programs, or nothing else"; bad = 1 }
      if (!("root/root" in owners) || length(owners) != 1) { print "owners"; bad = 1 }
      for (time in times) if (time !~ /^2026-01-02 03:04:05/) { print time; bad = 1 }
      exit bad
    }'
}

# A release that says another time is another archive.
has_another_time() {
  cp "$one/$archive" "$METRO_TMP/first" && in_one SOURCE_DATE_EPOCH=1000000000 &&
    tar -tvzf "$one/$archive" --full-time --utc | grep -q '2001-09-09 01:46:40' &&
    ! cmp -s "$one/$archive" "$METRO_TMP/first" && mv "$METRO_TMP/first" "$one/$archive"
}

# Files beside those of git are left out; a change is not, and is said.
leaves_out() {
  : >"$two/notes.txt" && echo >>"$two/README.md" &&
    (cd "$two" && make -s dist) 2>&1 | grep -q 'not committed' &&
    ! tar -tzf "$two/$archive" | grep notes.txt && ! cmp -s "$one/$archive" "$two/$archive" &&
    git -C "$two" checkout -q README.md
}

# Where there is no git, nor a repository.
without_git() {
  mkdir -p "$METRO_TMP/bin" && printf '#!/bin/sh\nexit 127\n' >"$METRO_TMP/bin/git" &&
    chmod +x "$METRO_TMP/bin/git" && PATH=$METRO_TMP/bin:$PATH "$@"
}

unpack() {
  (umask 077 && tar -C "$(dirname "$unpacked")" -xzf "$one/$archive") && : >"$unpacked/notes.txt"
}

again_from_archive() {
  (cd "$unpacked" && TZ=Asia/Tokyo without_git make -s dist) && cmp "$one/$archive" "$unpacked/$archive"
}

no_list() {
  (cd "$unpacked" && mv MANIFEST hidden && ! make -s dist 2>"$METRO_TMP/no_list" && mv hidden MANIFEST &&
    grep -q 'neither' "$METRO_TMP/no_list")
}

# At the same time, one core each.
builds() {
  local first
  (cd "$one" && make -s all) >"$METRO_TMP/build.one" 2>&1 &
  first=$!
  (cd "$unpacked" && umask 077 && TZ=Asia/Tokyo without_git make -s all) && wait $first
}

no_trace() {
  ! grep -aF "$METRO_TMP" "$unpacked/build/bpf-metro" "$unpacked/build/metro.bpf.o"
}

says_version() {
  [ "$("$unpacked/build/bpf-metro" --version | head -n 1)" = "bpf-metro $version" ]
}

if ! command -v git >/dev/null; then
  tap_skip "the release is reproducible" "there is no git"
  tap_done
  exit
fi
make_repository || exit 1
tap_check "an archive is made in a repository" in_one
tap_check "in a clone elsewhere, by other rules and at another time, it is" make_clone
tap_check ".. the same, byte by byte" cmp "$one/$archive" "$two/$archive"
tap_check "it has what git tracks, and a list of that" has_tracked_files
tap_check "owners, modes and times are the release's" has_modes
tap_check "SOURCE_DATE_EPOCH sets the time" has_another_time
tap_check "what is not git's stays out, and what is not committed is said" leaves_out
tap_check "it unpacks" unpack
tap_check "and makes itself again, without git" again_from_archive
tap_check "without its list it says that it cannot" no_list
tap_check "both build" builds
tap_check ".. the same program, byte by byte" cmp "$one/build/bpf-metro" "$unpacked/build/bpf-metro"
tap_check "it does not say where it was built" no_trace
tap_check "it says its version" says_version
tap_done
