#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The manual page: its options are those of --help, and it is sound mdoc. And what `make install`
# puts where, and `make uninstall` takes away.

# shellcheck source=tests/e2e/common.sh
. "$(dirname "$0")/common.sh"

TOP=$(realpath "$(dirname "$0")/../..")
PAGE=$TOP/docs/bpf-metro.8

# "-c --config FILE", one a line, from both.
options_of_help() {
  "$METRO" --help | sed -nE 's/^ +((-.), )?(--[a-z]+)( ([A-Z]+))? .*/\2 \3 \5/p' | sed 's/^ //; s/ $//'
}

options_of_page() {
  sed -nE 's/^\.It Fl (([a-zA-Z]) , )?-([a-z]+)( Ar ([A-Z]+))?$/-\2 --\3 \5/p' "$PAGE" |
    sed 's/^- //; s/ $//'
}

same_options() {
  local count
  count=$(options_of_help | grep -c -- --)
  diff <(options_of_help) <(options_of_page) && holds 'n > 10' "n=$count"
}

names_go_options() {
  local name
  for name in cfg log f st; do
    "$METRO" --help | grep -qE -- "-$name( |\$|,)" && grep -qE "^\.Fl $name( Ar [A-Z]+)?\$" "$PAGE" ||
      { echo "-$name is missing" && return 1; }
  done
}

# Style is not looked at: it depends on what other pages the machine has.
check_page() {
  local said
  said=$(mandoc -Tlint -Wwarning "$PAGE") && [ -z "$said" ] && return
  echo "$said"
  return 1
}

check_page_with_man() {
  local said
  said=$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$PAGE" 2>&1 >/dev/null) &&
    [ -z "$said" ] && return
  echo "$said"
  return 1
}

# make_installed ROOT install|uninstall
make_installed() {
  make -s -C "$TOP" BUILD="$METRO_BUILD" DESTDIR="$1" PREFIX=/opt/metro "$2"
}

# Installed files name the paths where things are installed.
installs() {
  local root=$METRO_TMP/root
  make_installed "$root" install || return
  (cd "$root" && find . -type f | sort)
  [ -x "$root/opt/metro/sbin/bpf-metro" ] &&
    grep -q 'ExecStart=/opt/metro/sbin/' "$root/opt/metro/lib/systemd/system/bpf-metro.service" &&
    grep -q '/opt/metro/share/doc/bpf-metro/bpf-metro.yaml' \
      "$root/opt/metro/share/man/man8/bpf-metro.8" &&
    [ -f "$root/opt/metro/share/doc/bpf-metro/bpf-metro.yaml" ] &&
    ! grep -rq /usr/local "$root/opt/metro/share/man" "$root/opt/metro/lib"
}

# What others put beside it stays.
uninstalls() {
  local root=$METRO_TMP/root
  touch "$root/opt/metro/sbin/other"
  make_installed "$root" uninstall || return
  find "$root" -type f
  [ "$(find "$root" -type f)" = "$root/opt/metro/sbin/other" ] &&
    [ ! -e "$root/opt/metro/share/doc/bpf-metro" ]
}

tap_check "the manual page has the options of --help" same_options
tap_check "the manual page and --help have go-metro's options" names_go_options
if have mandoc; then
  tap_check "the manual page is sound: mandoc" check_page
elif have man && have groff; then
  tap_check "the manual page is sound: man" check_page_with_man
else
  tap_skip "the manual page is sound" "neither mandoc nor man with groff is here"
fi
if have make; then
  tap_check "make install puts everything in its place" installs
  tap_check "make uninstall takes it away, and nothing else" uninstalls
else
  tap_skip "make install puts everything in its place" "no make here"
fi
tap_done
