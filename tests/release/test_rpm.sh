#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The packages of `make rpm`: what is in them, what rpmlint says, what the spec makes of other distributions'
# rules, and what comes and goes in a clean root: install, upgrade, remove.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
export BUILD=${BUILD:-build}
rpms=$BUILD/rpm
version=$(sed -n 's/^VERSION *:= *//p' Makefile)
release=$version-1$(rpm --eval '%{?dist}' 2>/dev/null)
architecture=$(rpm --eval '%{_arch}' 2>/dev/null)
binary=$rpms/RPMS/$architecture/bpf-metro-$release.$architecture.rpm
debuginfo=$rpms/RPMS/$architecture/bpf-metro-debuginfo-$release.$architecture.rpm
source_rpm=$rpms/SRPMS/bpf-metro-$release.src.rpm
root=$METRO_TMP/root
in_root() { tests/root.sh run "$root" "$@"; }
rpm_in_root() { rpm --root "$root" --nodeps "$@"; }

for program in rpm rpmbuild rpmlint; do
  command -v $program >/dev/null || { tap_skip "packages for rpm" "there is no $program" && tap_done && exit; }
done
if [ ! -e "$binary" ]; then
  tap_fail "the package is there" "$binary is not; \`make check-rpm\` makes it first"
  tap_done
  exit 1
fi

# ---- what is in it -------------------------------------------------------------------------------

# Mode, owner and path of all but the documents and dashboards, of which there are those of the tree.
expected_files() {
  cat <<END
drwxr-xr-x root root /etc/bpf-metro
-rw-r--r-- root root /etc/bpf-metro/bpf-metro.yaml
-rw-r--r-- root root /usr/lib/systemd/system/bpf-metro.service
-rw-r--r-- root root /usr/lib/sysusers.d/bpf-metro.conf
-rwxr-xr-x root root /usr/sbin/bpf-metro
-rw-r--r-- root root /usr/share/bash-completion/completions/bpf-metro
drwxr-xr-x root root /usr/share/bpf-metro
drwxr-xr-x root root /usr/share/bpf-metro/datadog
drwxr-xr-x root root /usr/share/bpf-metro/grafana
drwxr-xr-x root root /usr/share/bpf-metro/prometheus
drwxr-xr-x root root /usr/share/doc/bpf-metro
drwxr-xr-x root root /usr/share/licenses/bpf-metro
-rw-r--r-- root root /usr/share/licenses/bpf-metro/LICENSE
-rw-r--r-- root root /usr/share/man/man5/bpf-metro.yaml.5.gz
-rw-r--r-- root root /usr/share/man/man8/bpf-metro.8.gz
END
  for document in README.md NEWS.md packaging/bpf-metro.yaml docs/*.md docs/*.png docs/demo.svg; do
    echo "-rw-r--r-- root root /usr/share/doc/bpf-metro/$(basename "$document")"
  done
  for document in packaging/{datadog,grafana,prometheus}/*; do
    echo "-rw-r--r-- root root /usr/share/bpf-metro/${document#packaging/}"
  done
}

# The build's own link to its symbols is named by what was built.
listed_files() { # PACKAGE
  rpm -qp --qf '[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\n]' "$1" | grep -v /.build-id
}

lists() {
  diff <(expected_files | sort -k 4) <(listed_files "$binary" | sort -k 4)
}

# is QUERY TEXT: what rpm says of the package to that query is this.
is() {
  local said
  said=$(rpm -qp "$1" "${3:-$binary}") && [ "$said" = "$2" ] || { echo "$said"; return 1; }
}

marks() {
  is --configfiles /etc/bpf-metro/bpf-metro.yaml && is --licensefiles /usr/share/licenses/bpf-metro/LICENSE &&
    [ "$(rpm -qp --qf '[%{FILEFLAGS:fflags} %{FILENAMES}\n]' "$binary" | grep '^cn ')" = \
      "cn /etc/bpf-metro/bpf-metro.yaml" ] &&
    rpm -qp --docfiles "$binary" | grep -q /man8/ && rpm -qp --docfiles "$binary" | grep -q /NEWS.md
}

# The libraries that the program is linked to, and nothing that a package would have to be named for.
needs_libraries() {
  local library
  for library in libbpf.so.1 libpcap.so libyaml-0.so.2 libz.so.1 libmicrohttpd.so; do
    rpm -qp --requires "$binary" | grep -q "^$library" || { echo "$library"; return 1; }
  done
}

# From the archive and the spec alone, by names that every distribution has.
source_suffices() {
  local file
  is --list "bpf-metro-$version.tar.gz
bpf-metro.spec" "$source_rpm" &&
    rpm2cpio "$source_rpm" | (cd "$METRO_TMP" && cpio --quiet -id "bpf-metro-$version.tar.gz") &&
    cmp "$METRO_TMP/bpf-metro-$version.tar.gz" "$BUILD/bpf-metro-$version.tar.gz" &&
    for file in bpf libpcap yaml libmicrohttpd; do
      rpm -qp --requires "$source_rpm" | grep -q "^pkgconfig(.*$file" || { echo "$file"; return 1; }
    done
}

has_symbols() {
  rpm -qp --list "$debuginfo" | grep -q '^/usr/lib/debug/usr/sbin/bpf-metro' &&
    rpm2cpio "$binary" | (cd "$METRO_TMP" && cpio --quiet -id ./usr/sbin/bpf-metro) &&
    ! readelf --sections "$METRO_TMP/usr/sbin/bpf-metro" | grep -E '\.(debug_info|symtab)'
}

# ---- rpmlint -------------------------------------------------------------------------------------

lint() {
  rpmlint "$@" "$binary" "$source_rpm" packaging/bpf-metro.spec
}

lint_is_silent() {
  lint --config packaging/rpmlint.toml | tee "$METRO_TMP/lint"
  grep -q '2 packages and 1 specfiles checked; 0 errors, 0 warnings' "$METRO_TMP/lint"
}

# Every filter is for something that is said; that also shows that rpmlint looks.
filters_are_needed() {
  local filter
  lint >"$METRO_TMP/lint"
  sed -n '/^Filters/,/^]/s/^ *"\(.*\)",/\1/p' packaging/rpmlint.toml | while read -r filter; do
    grep -q "$filter" "$METRO_TMP/lint" || { echo "never said: $filter"; return 1; }
  done
}

# ---- other distributions' rules ------------------------------------------------------------------

# spec OPTION...: the spec as it is under these rules.
spec() {
  rpmspec --load packaging/rpm-macros "$@" --parse packaging/bpf-metro.spec
}

section() { # NAME: that section of a spec, without comments
  sed -n "/^%$1\b/,/^%/p" | grep -v '^ *[#%]'
}

fedora() {
  spec --define 'fedora 43' >"$METRO_TMP/spec" && ! section post <"$METRO_TMP/spec" | grep sysusers &&
    section post <"$METRO_TMP/spec" | grep -q 'preset bpf-metro.service'
}

opensuse() {
  spec --define 'suse_version 1600' --define 'sysusers_requires Requires(pre): sysuser-tools' \
    --define 'sysusers_generate_pre() generate %*' --define 'service_add_pre() add-pre %*' \
    --define 'service_add_post() add-post %*' --define 'service_del_preun() del-preun %*' \
    --define 'service_del_postun() del-postun %*' >"$METRO_TMP/spec" &&
    grep -q '^generate packaging/bpf-metro.sysusers bpf-metro bpf-metro.conf' "$METRO_TMP/spec" &&
    grep -q '^%pre -f bpf-metro.pre' "$METRO_TMP/spec" &&
    section post <"$METRO_TMP/spec" | grep -q '^add-post bpf-metro.service' &&
    section preun <"$METRO_TMP/spec" | grep -q '^del-preun bpf-metro.service' &&
    section postun <"$METRO_TMP/spec" | grep -q '^del-postun bpf-metro.service' &&
    ! grep -E 'preset|systemd-sysusers' "$METRO_TMP/spec"
}

# What was built, installed and packed again under Fedora's rule for programs and openSUSE's for documents.
other_paths() {
  local step
  for step in -bi -bb; do
    rpmbuild $step --short-circuit --nodeps --quiet --load packaging/rpm-macros \
      --define "_topdir $(realpath "$rpms")" --define "_rpmdir $METRO_TMP/other" --define '_sbindir /usr/bin' \
      --define '_docdir /usr/share/doc/packages' \
      --define '_defaultdocdir /usr/share/doc/packages' packaging/bpf-metro.spec || return
  done
  local binary=$METRO_TMP/other/$architecture/bpf-metro-$release.$architecture.rpm
  diff <(expected_files | sed 's,/usr/sbin,/usr/bin,; s,/share/doc,&/packages,' | sort -k 4) \
    <(listed_files "$binary" | sort -k 4) &&
    rpm2cpio "$binary" | (cd "$METRO_TMP/other" && cpio --quiet -id) &&
    grep -q 'file:/usr/share/doc/packages/bpf-metro/bpf-metro.yaml' \
      "$METRO_TMP/other/usr/lib/systemd/system/bpf-metro.service" &&
    ! grep -r 'share/doc/bpf-metro' "$METRO_TMP/other/usr/lib" "$METRO_TMP/other/etc"
}

# ---- in a root -----------------------------------------------------------------------------------

# The libraries of this host, for which the package was built.
make_root() {
  local suite
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME") &&
    tests/root.sh make "$suite" "$root" libbpf1 libpcap0.8 libyaml-0-2 libmicrohttpd12 libelf1 libncursesw6 systemd \
      ${have_seccomp:+libseccomp2 libcap2} && mkdir -p "$root/usr/share/licenses" "$root$presets"
}

# Where an administrator says which services are to be enabled.
presets=/etc/systemd/system-preset

# What is in the root, but for rpm's own records, and caches.
snapshot() {
  (cd "$root" && find . \( -path ./var/lib/rpm -o -path ./root/.rpmdb -o -path ./proc -o -path ./sys -o \
    -path ./dev -o -path ./run -o -path ./var/cache -o -path ./tmp \) -prune -o -printf '%p %M %u:%g %l\n' | sort)
}

installs() {
  rpm_in_root --install "$binary" && rpm_in_root --verify bpf-metro
}

# As the package's user, without any privilege.
measures() {
  cp tests/data/captures/requests.pcap "$root/tmp/" && chmod 644 "$root/tmp/requests.pcap" &&
    in_root setpriv --reuid bpf-metro --regid bpf-metro --clear-groups \
      /usr/sbin/bpf-metro -r /tmp/requests.pcap | tee /dev/stderr |
      grep -q '^file .* 121  *5.012'
}

has_user() {
  in_root getent passwd bpf-metro | grep -q ':/usr/sbin/nologin$'
}

# Neither enabled by itself nor against the administrator's presets. Debian's enable everything.
obeys_presets() {
  in_root systemctl is-enabled bpf-metro.service | grep -q '^enabled' || return
  rpm_in_root --erase bpf-metro &&
    echo 'disable bpf-metro.service' >"$root$presets/10-test.preset" && installs &&
    in_root systemctl is-enabled bpf-metro.service | grep -q '^disabled'
}

keeps_configuration() {
  local config=$root/etc/bpf-metro/bpf-metro.yaml
  echo '# mine' >>"$config" && rpm_in_root --upgrade --force "$binary" && grep -q '^# mine' "$config" &&
    rpm_in_root --erase bpf-metro && grep -q '^# mine' "$config.rpmsave" && rm -r "$root/etc/bpf-metro"
}

# All that may stay: the user, whose number must not go to another.
leaves_nothing() {
  rm "$root$presets/10-test.preset"
  snapshot >"$METRO_TMP/after"
  diff "$METRO_TMP/before" "$METRO_TMP/after"
}

tap_check "the package has what it should, and nothing else" lists
tap_check "the configuration is the administrator's, pages and documents are marked" marks
tap_check "it needs the libraries that it uses" needs_libraries
tap_check "the source package has the archive, and asks for libraries by pkgconfig's names" source_suffices
tap_check "symbols are in a package of their own" has_symbols
tap_check "rpmlint has nothing to say" lint_is_silent
tap_check ".. and each of its filters is needed" filters_are_needed
tap_check "for Fedora, rpm makes the user" fedora
tap_check "for openSUSE, its own macros do it all" opensuse
tap_check "it can be installed with Fedora's and openSUSE's paths" other_paths

if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null; then
  tap_skip "in a clean root" "there is no debootstrap, or this is not root"
  tap_done
  exit
fi
! rpm -qp --requires "$binary" | grep -q libseccomp || have_seccomp=yes
tap_check "there is a clean root" make_root
snapshot >"$METRO_TMP/before"
tap_check "the package is installed there, and all is as packed" installs
tap_check "its user is there" has_user
tap_check "the program measures a capture file, as that user" measures
tap_check "presets decide whether the service is enabled" obeys_presets
tap_check "a changed configuration stays in an upgrade, and is saved in the end" keeps_configuration
tap_check "removed, it leaves nothing but its user" leaves_nothing
tap_done
