#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The manual pages: the options are those of --help, and they are sound mdoc. And what `make install`
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
check_pages() {
  local said
  said=$(mandoc -Tlint -Wwarning "$TOP"/docs/*.[58]) && [ -z "$said" ] && return
  echo "$said"
  return 1
}

check_pages_with_man() {
  local page said
  for page in "$TOP"/docs/*.[58]; do
    said=$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null) &&
      [ -z "$said" ] && continue
    echo "$page: $said"
    return 1
  done
}

# make_installed ROOT install|uninstall
make_installed() {
  make -s -C "$TOP" BUILD="$METRO_BUILD" DESTDIR="$1" PREFIX=/opt/metro "$2"
}

# Installed files name the paths where things are installed.
installs() {
  local root=$METRO_TMP/root
  make_installed "$root" install || return
  (cd "$root" && find . -type f | LC_ALL=C sort) | tee "$METRO_TMP/installed"
  diff "$METRO_TMP/installed" - <<END || return
./etc/bpf-metro/bpf-metro.yaml
./opt/metro/lib/systemd/system/bpf-metro.service
./opt/metro/lib/sysusers.d/bpf-metro.conf
./opt/metro/sbin/bpf-metro
./opt/metro/share/bash-completion/completions/bpf-metro
$(cd "$TOP/packaging" && printf './opt/metro/share/bpf-metro/%s\n' datadog/* grafana/* prometheus/*)
./opt/metro/share/doc/bpf-metro/bpf-metro.yaml
./opt/metro/share/man/man5/bpf-metro.yaml.5
./opt/metro/share/man/man8/bpf-metro.8
END
  [ -x "$root/opt/metro/sbin/bpf-metro" ] &&
    grep -q 'ExecStart=/opt/metro/sbin/' "$root/opt/metro/lib/systemd/system/bpf-metro.service" &&
    grep -q '/opt/metro/share/doc/bpf-metro/bpf-metro.yaml' \
      "$root/opt/metro/share/man/man8/bpf-metro.8" &&
    grep -q '/opt/metro/share/doc/bpf-metro/bpf-metro.yaml' "$root/etc/bpf-metro/bpf-metro.yaml" &&
    ! grep -r /usr/local "$root/opt/metro/share" "$root/opt/metro/lib" "$root/etc"
}

configuration_is_valid() {
  "$METRO" -c "$METRO_TMP/root/etc/bpf-metro/bpf-metro.yaml" --check
}

# Without the comments, too: they are what people begin with.
comments_are_valid() {
  sed -E 's/^  # (- | {2,}|[a-z_]+: )/  \1/' "$METRO_TMP/root/etc/bpf-metro/bpf-metro.yaml" >"$METRO_TMP/all.yaml"
  grep -v '^ *#' "$METRO_TMP/all.yaml"
  "$METRO" -c "$METRO_TMP/all.yaml" --check && holds 'n == 14' "n=$(grep -vcE '^ *(#|$)' "$METRO_TMP/all.yaml")"
}

# What somebody has made of it is kept by both.
keeps_configuration() {
  local root=$METRO_TMP/root
  echo "# mine" >>"$root/etc/bpf-metro/bpf-metro.yaml"
  make_installed "$root" install && make_installed "$root" uninstall || return
  (cd "$root" && find . -type f)
  grep -q mine "$root/etc/bpf-metro/bpf-metro.yaml" && [ ! -e "$root/opt/metro/sbin/bpf-metro" ] &&
    rm "$root/etc/bpf-metro/bpf-metro.yaml" && make_installed "$root" install
}

# What others put beside it stays.
uninstalls() {
  local root=$METRO_TMP/root
  touch "$root/opt/metro/sbin/other"
  make_installed "$root" uninstall || return
  find "$root" -type f
  [ "$(find "$root" -type f)" = "$root/opt/metro/sbin/other" ] &&
    [ ! -e "$root/opt/metro/share/doc/bpf-metro" ] && [ ! -e "$root/opt/metro/share/bpf-metro" ] && [ ! -e "$root/etc/bpf-metro" ]
}

tap_check "the manual page has the options of --help" same_options
tap_check "the manual page and --help have go-metro's options" names_go_options
if have mandoc; then
  tap_check "the manual pages are sound: mandoc" check_pages
elif have man && have groff; then
  tap_check "the manual pages are sound: man" check_pages_with_man
else
  tap_skip "the manual pages are sound" "neither mandoc nor man with groff is here"
fi
if have make; then
  tap_check "make install puts everything in its place" installs
  tap_check "the configuration it puts there is valid" configuration_is_valid
  tap_check "so it is when its comments are taken off" comments_are_valid
  tap_check "make install and make uninstall keep one that was edited" keeps_configuration
  tap_check "make uninstall takes it away, and nothing else" uninstalls
else
  tap_skip "make install puts everything in its place" "no make here"
fi
tap_done
