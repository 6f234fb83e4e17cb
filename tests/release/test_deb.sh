#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The Debian packages, in clean roots: built of the source package as a build daemon does, looked at by
# lintian, installed, configured, upgraded, removed and purged without a trace, also where systemd runs, and
# measuring real traffic by autopkgtest. test_deb.sh SUITE does one of Debian's releases; without it, all of
# SUITES at once. METRO_DEB_TESTS=1: the unit tests run as part of the build (`make unit` in clean roots is
# another test's).
set -u
PATH=$PATH:/usr/sbin:/sbin

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/systemd/machine.sh
. "$(dirname "$0")/../systemd/machine.sh"
export LC_ALL=C
TOP=$(realpath "$(dirname "$0")/../..")
SUITES=${SUITES:-bookworm trixie}
SUITE=${1:-}
PACKAGES=$METRO_BUILD/deb # the source package is there
ROOTS=$METRO_BUILD/deb-roots
BUILDER=$ROOTS/$SUITE-build # where it is built
TARGET=$ROOTS/$SUITE        # and where it is installed
CONFIG=/etc/bpf-metro/bpf-metro.yaml
ROOT_SH=$TOP/tests/root.sh

end_of_roots() {
  machine_cleanup
  [ -z "$SUITE" ] || { "$ROOT_SH" remove "$BUILDER" && "$ROOT_SH" remove "$TARGET"; }
}

in_builder() {
  BUILD=$METRO_BUILD "$ROOT_SH" run --apt "$BUILDER" "$@"
}

in_target() {
  BUILD=$METRO_BUILD "$ROOT_SH" run --apt "$TARGET" "$@"
}

# sh_in builder|target SCRIPT ARGUMENT...
sh_in() {
  "in_$1" env DEBIAN_FRONTEND=noninteractive DEB_BUILD_OPTIONS="${BUILD_OPTIONS:-}" sh -euc "${@:2}"
}

# must NAME COMMAND...: tap_check, without which there is no point in going on.
must() {
  local failures=$METRO_FAILURES
  tap_check "$@"
  [ "$METRO_FAILURES" = "$failures" ] || { tap_done; exit 1; }
}

# quietly COMMAND...: shows the end of what it says if it fails.
quietly() {
  "$@" >"$METRO_TMP/said" 2>&1 && return
  tail -n 40 "$METRO_TMP/said"
  return 1
}

# ---- built, and looked at ------------------------------------------------------------------------

make_builder() {
  quietly env BUILD="$METRO_BUILD" "$ROOT_SH" make "$SUITE" "$BUILDER" dpkg-dev &&
    mkdir "$BUILDER/packages" && cp "$PACKAGES"/*.dsc "$PACKAGES"/*.tar.* "$BUILDER/packages"
}

# shellcheck disable=SC2016 # for the shell inside
installs_what_it_builds_with() {
  quietly sh_in builder 'cd /packages
    apt-get -qq -y --no-install-recommends -o DPkg::Options::=--force-unsafe-io build-dep ./*.dsc'
}

# As nobody: unit tests that need more skip themselves.
builds() {
  [ "${METRO_DEB_TESTS:-0}" = 1 ] || local BUILD_OPTIONS=nocheck
  quietly sh_in builder 'cd /packages
    dpkg-source -x *.dsc tree
    chown -R nobody /packages
    cd tree
    as_nobody="setpriv --reuid nobody --regid nogroup --clear-groups env HOME=/packages"
    $as_nobody dpkg-buildpackage --no-sign --jobs="$(nproc)"'
}

# What lintian finds only of interest, and what is overridden, does not count, but is shown. Lintian of Debian
# 12 would count the overridden ones, too.
is_clean() {
  sh_in builder 'cd /packages
    apt-get -qq -y --no-install-recommends -o DPkg::Options::=--force-unsafe-io install lintian >/dev/null 2>&1
    lintian --version
    lintian --allow-root --pedantic --display-info --show-overrides --fail-on none *.changes 2>&1' \
    >"$METRO_TMP/lintian"
  local status=$?
  grep -vE '^N: |^$' "$METRO_TMP/lintian" | metro_comment >&3
  cat "$METRO_TMP/lintian"
  [ $status = 0 ] && grep -q '^O: bpf-metro: initial-upload' "$METRO_TMP/lintian" && ! grep '^[EW]:' "$METRO_TMP/lintian"
}

# An older one, whose configuration had a line more.
builds_older() {
  quietly sh_in builder 'cd /packages/tree
    mkdir ../new && mv ../*.deb ../*.changes ../*.buildinfo ../new/
    sed -i "1s/(\(.*\)-/(\1~older-/" debian/changelog
    echo "# a line that the older version had" >>packaging/etc.yaml
    DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage --no-sign --build=binary --no-pre-clean
    mkdir ../older && mv ../*.deb ../older/' &&
    dpkg --compare-versions "$(version_of older)" lt "$(version_of new)"
}

# version_of new|older
version_of() {
  dpkg-deb -f "$BUILDER/packages/$1"/bpf-metro_*.deb Version
}

has_its_parts() {
  local package
  package=$(echo "$BUILDER"/packages/new/bpf-metro_*.deb)
  dpkg-deb -c "$package" | awk '{ print $1, $2, $6 }' >"$METRO_TMP/contents"
  dpkg-deb -I "$package" && cat "$METRO_TMP/contents"
  for part in './usr/sbin/bpf-metro$' './usr/share/man/man8/bpf-metro.8.gz$' \
    './usr/share/man/man5/bpf-metro.yaml.5.gz$' './(usr/)?lib/systemd/system/bpf-metro.service$' \
    './usr/lib/sysusers.d/bpf-metro.conf$' ".$CONFIG\$" './usr/share/doc/bpf-metro/bpf-metro.yaml$' \
    './usr/share/bpf-metro/grafana/overview.json$' './usr/share/bpf-metro/prometheus/bpf-metro.rules.yml$' \
    './usr/share/bpf-metro/datadog/metadata.csv$' './usr/share/doc/bpf-metro/copyright$' './usr/share/bash-completion/completions/bpf-metro$'; do
    grep -qE -e "^-rw.*root/root $part" "$METRO_TMP/contents" || { echo "$part is missing" && return 1; }
  done
  [ -e "$(echo "$BUILDER"/packages/new/bpf-metro-dbgsym_*.deb)" ] && ! grep -E 'logrotate|/var' "$METRO_TMP/contents"
}

# ---- installed, and gone -------------------------------------------------------------------------

# It also gets what it takes to boot it, later on.
make_target() {
  quietly env BUILD="$METRO_BUILD" "$ROOT_SH" make "$SUITE" "$TARGET" systemd-sysv dbus &&
    mkdir "$TARGET/packages" && cp -r "$BUILDER"/packages/{new,older} "$TARGET/packages" &&
    cp "$PACKAGES"/*.dsc "$PACKAGES"/*.tar.* "$TARGET/packages" &&
    quietly sh_in target 'apt-get -qq -y --no-install-recommends -o DPkg::Options::=--force-unsafe-io satisfy \
      "$(dpkg-deb -f /packages/new/bpf-metro_*.deb Depends)"'
}

# What there is, with all that tells one file from another, and who there is. Left out is what dpkg and apt
# write for themselves, and what is this test's own.
snapshot() { # FILE
  (
    cd "$TARGET" && find . -xdev \( -path ./packages -o -path ./tmp -o -path ./root -o -path ./var/cache \
      -o -path ./var/lib/apt -o -path ./var/lib/dpkg -o -path './var/log/apt' -o -path ./var/log/dpkg.log \
      -o -path ./var/log/alternatives.log \) -prune -o -printf '%y %m %u:%g %p %l\n' | sort
    cd "$TARGET" && find ./etc ./usr -xdev -type f ! -path './etc/*-' -exec sha256sum {} + | sort -k 2
    find ./var/lib/dpkg/info -name 'bpf-metro*'
  ) >"$1"
}

# The user stays, as is Debian's practice for those that are made by packages.
only_the_user_stays() { # BEFORE AFTER
  diff "$1" "$2" | grep '^[<>]' >"$METRO_TMP/left"
  cat "$METRO_TMP/left"
  ! grep -vE '^[<>] ([0-9a-f]{64}  ./etc/(passwd|shadow|group|gshadow)$|f [0-7]+ root:(root|shadow) ./etc/(passwd|shadow|group|gshadow)-? )' \
    "$METRO_TMP/left"
}

dpkg_in() { # OPTION...
  quietly in_target env DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io "$@"
}

installs() { # older|new
  dpkg_in --force-confold --force-downgrade -i "/packages/$1/$(basename "$BUILDER"/packages/"$1"/bpf-metro_*.deb)"
}

configuration_is_of() { # older|new
  local lines=0
  [ "$1" = new ] || lines=1
  [ "$(grep -c 'the older version had' "$TARGET$CONFIG")" = $lines ]
}

installs_older() {
  installs older && configuration_is_of older && in_target bpf-metro --version && in_target bpf-metro --check
}

# The mark of `systemctl enable`, which the service's installation is.
is_enabled() {
  [ -L "$TARGET/etc/systemd/system/multi-user.target.wants/bpf-metro.service" ] &&
    in_target id bpf-metro
}

upgrades() {
  installs new && configuration_is_of new && in_target bpf-metro --check
}

# As what its unit makes, when it has run for a while.
leave_logs() {
  mkdir "$TARGET/var/log/bpf-metro" && touch "$TARGET"/var/log/bpf-metro/bpf-metro.log{,.1,.2}
}

edit_configuration() {
  cat >"$TARGET$CONFIG" <<END
instances:
  - interface: eth0 # edited
    ips: [192.0.2.1]
END
}

keeps_edited() {
  installs older && edit_configuration && installs new && cat "$TARGET$CONFIG" &&
    grep -q '# edited' "$TARGET$CONFIG" && in_target bpf-metro --check
}

removes() {
  leave_logs && dpkg_in -r bpf-metro && grep -q '# edited' "$TARGET$CONFIG" && [ ! -e "$TARGET/usr/sbin/bpf-metro" ] &&
    [ -e "$TARGET/var/log/bpf-metro/bpf-metro.log" ]
}

purges() {
  dpkg_in -P bpf-metro && [ ! -e "$TARGET/etc/bpf-metro" ] && [ ! -e "$TARGET/var/log/bpf-metro" ]
}

installs_purges() {
  installs new && purges
}

leaves_nothing() {
  snapshot "$METRO_TMP/after" && only_the_user_stays "$METRO_TMP/before" "$METRO_TMP/after"
}

# A test that cannot fail is none.
would_find_something() {
  local path status=0
  for path in etc/default/bpf-metro var/lib/bpf-metro usr/share/bpf-metro; do
    touch "$TARGET/$path" && ! leaves_nothing >/dev/null || { echo "$path is not found" && status=1; }
    rm -f "$TARGET/$path"
  done
  return $status
}

# ---- where systemd runs --------------------------------------------------------------------------

property() { # NAME
  inside systemctl show --property "$1" --value bpf-metro
}

boots() {
  local version
  MACHINE_ROOT=$TARGET
  for version in v2 v1; do
    machine_boot $version && return
    [ $? = 77 ] || return 1
  done
  echo "$MACHINE_REASON"
  return 1
}

install_inside() { # older|new
  inside sh -c 'exec dpkg --force-confold --force-downgrade --force-unsafe-io -i "$@"' dpkg \
    "/packages/$1/$(basename "$BUILDER"/packages/"$1"/bpf-metro_*.deb)"
}

# Installed, it runs: as its user, and says once that there is nothing to measure.
starts_idle() {
  local pid
  install_inside new && inside systemctl is-enabled bpf-metro && inside systemctl is-active bpf-metro || return
  pid=$(property MainPID)
  inside grep -E '^(Uid|CapEff)' "/proc/$pid/status"
  [ "$(inside stat -c %U "/proc/$pid")" = bpf-metro ] &&
    inside journalctl --no-pager --unit bpf-metro >"$METRO_TMP/journal" && cat "$METRO_TMP/journal" &&
    [ "$(grep -c 'has no instances: nothing is measured' "$METRO_TMP/journal")" = 1 ]
}

measures_when_edited() {
  mkdir -p "$TARGET/packages/tools" && cp "$METRO_BUILD"/{tcp_load,statsd_listen} "$TARGET/packages/tools" &&
    cat >"$TARGET$CONFIG" <<'END' || return
init_config:
  report_interval: 1
instances:
  - interface: lo # edited
    ips: [127.0.0.1]
    ports: [5000]
END
  inside systemctl reload bpf-metro || return
  inside sh -c 'cd /packages/tools
    timeout 30 ./statsd_listen >/root/statsd 2>&1 &
    timeout 30 ./tcp_load server --port 5000 2>/dev/null &
    sleep 1
    ./tcp_load client --connect 127.0.0.1 --port 5000 --mode rr --seconds 3 --rate 50
    sleep 3'
  inside systemctl status --no-pager bpf-metro
  tail -n 5 "$TARGET/root/statsd"
  grep -q 'system.net.tcp.rtt.avg .*dst:' "$TARGET/root/statsd"
}

restarts_when_upgraded() {
  local before
  before=$(property MainPID)
  install_inside older && install_inside new && inside systemctl is-active bpf-metro || return
  echo "$before, then $(property MainPID)"
  [ "$(property MainPID)" != "$before" ] && grep -q '# edited' "$TARGET$CONFIG" && inside systemctl status --no-pager bpf-metro
}

stops_when_removed() {
  [ -d "$TARGET/var/log/bpf-metro" ] && inside dpkg -r bpf-metro || return
  ! inside systemctl is-active bpf-metro && ! grep -lsx bpf-metro "/proc/$MACHINE_PID/root"/proc/[0-9]*/comm &&
    inside dpkg -P bpf-metro && [ ! -e "$TARGET/var/log/bpf-metro" ] && [ ! -e "$TARGET/etc/bpf-metro" ] &&
    [ -z "$(inside systemctl list-units --all --no-legend 'bpf-metro*')" ]
}

# ---- measuring -----------------------------------------------------------------------------------

# Inside of the root, on itself.
# shellcheck disable=SC2016 # for the shell inside
measures() {
  sh_in target 'apt-get -qq -y --no-install-recommends -o DPkg::Options::=--force-unsafe-io install autopkgtest \
      >/dev/null 2>&1
    cd /packages
    autopkgtest --no-built-binaries new/bpf-metro_*.deb *.dsc -- null' >"$METRO_TMP/autopkgtest" 2>&1
  local status=$?
  grep -oE '(not )?ok [0-9]+ - .*|measure +(PASS|FAIL|SKIP).*' "$METRO_TMP/autopkgtest" | metro_comment >&3
  tail -n 100 "$METRO_TMP/autopkgtest"
  [ $status = 0 ] && grep -qE '^measure +PASS' "$METRO_TMP/autopkgtest"
}

# ---- all of it -----------------------------------------------------------------------------------

if [ -z "$SUITE" ]; then
  [ "$(id -u)" = 0 ] || { tap_skip "Debian's packages" "needs root" && tap_done && exit; }
  for tool in debootstrap dpkg-source; do
    command -v $tool >/dev/null || { tap_skip "Debian's packages" "there is no $tool here" && tap_done && exit; }
  done
  METRO_PART_SECONDS=900
  # shellcheck disable=SC2086 # a list of words
  tap_parts $SUITES
  tap_done
  exit
fi

trap end_of_roots EXIT
exec 3>&1 # past what tap_check keeps for itself
"$ROOT_SH" remove "$BUILDER" && "$ROOT_SH" remove "$TARGET" || exit 1
must "$SUITE: a clean root" make_builder
must "$SUITE: all that is needed to build it has a name" installs_what_it_builds_with
must "$SUITE: it builds" builds
tap_check "$SUITE: lintian sees nothing wrong with it" is_clean
must "$SUITE: it builds as an older version" builds_older
tap_check "$SUITE: everything is in the package" has_its_parts
must "$SUITE: another clean root, with what it depends on" make_target
snapshot "$METRO_TMP/before"
must "$SUITE: the older version is installed" installs_older
tap_check "$SUITE: its service is enabled, and has its user" is_enabled
tap_check "$SUITE: it is upgraded, and the configuration with it" upgrades
tap_check "$SUITE: a configuration that was edited stays" keeps_edited
tap_check "$SUITE: without the package, configuration and logs stay" removes
tap_check "$SUITE: purged, they are gone" purges
tap_check "$SUITE: nothing is left" leaves_nothing
tap_check "$SUITE: if something were, it would be found" would_find_something
tap_check "$SUITE: it is installed and purged" installs_purges
tap_check "$SUITE: nothing is left of that, either" leaves_nothing
if command -v systemd-nspawn >/dev/null; then
  must "$SUITE: systemd boots" boots
  tap_check "$SUITE: installed, it runs, and has nothing to measure" starts_idle
  tap_check "$SUITE: with the configuration edited, it measures" measures_when_edited
  tap_check "$SUITE: upgraded, it has been started anew" restarts_when_upgraded
  tap_check "$SUITE: removed, it has ended" stops_when_removed
  tap_check "$SUITE: systemd ends" machine_off
else
  tap_skip "$SUITE: where systemd runs" "there is no systemd-nspawn here"
fi
tap_check "$SUITE: autopkgtest: it measures" measures
tap_done
