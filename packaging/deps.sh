#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# deps.sh [--install] TARGET...: is everything here that these targets of the Makefile need? If not,
# says what is missing, under the names of this distribution, and ends with status 1. With --install, as
# root on Debian or Ubuntu, installs it instead, and says what.
#
# It looks for the things themselves, not for packages: whatever brought them will do. The Makefile
# says what CC, CLANG, CPPFLAGS, CFLAGS and BPFTOOL are; an empty BPFTOOL is one that was not found.
# A CC that compiles for another architecture, as aarch64-linux-gnu-gcc does, needs its libraries.
# OS_RELEASE names the file that says which distribution this is.
set -u
PATH=$PATH:/usr/sbin:/sbin # where a user does not look, and tests do

install=no
[ "${1:-}" = --install ] && install=yes && shift
[ -n "${BPFTOOL+set}" ] || BPFTOOL=$(command -v bpftool)
CC=${CC:-cc} CLANG=${CLANG:-clang} CPPFLAGS=${CPPFLAGS:-} CFLAGS=${CFLAGS:-} LDFLAGS=${LDFLAGS:-}
OS_RELEASE=${OS_RELEASE:-/etc/os-release}
missing=

# ---- what is needed ------------------------------------------------------------------------------

# need PACKAGE COMMAND...: the package is missing unless the command succeeds.
need() {
  case " $missing " in *" $1 "*) return ;; esac
  "${@:2}" >/dev/null 2>&1 || missing+="${missing:+ }$1"
}

program() {
  command -v "$1"
}

# shellcheck disable=SC2086 # lists of words
header() {
  $CC $CPPFLAGS $CFLAGS -E -xc -o /dev/null - <<<"#include <$1>"
}

# links COMPILER FUNCTION OPTION...: it has the libraries that these options bring in.
# shellcheck disable=SC2086 # a list of words
links() {
  local program status
  program=$(mktemp)
  $1 $CFLAGS $LDFLAGS -xc -o "$program" - "${@:3}" <<<"int $2(void) { return 0; }"
  status=$?
  rm -f "$program"
  return $status
}

# library PACKAGE HEADER OPTION: headers are there for every architecture, the library for ours.
library() {
  need "$1$foreign" has_library "$2" "$3"
}

has_library() {
  header "$1" && links "$CC" main "$2"
}

# Where CC compiles for another architecture, how Debian marks its packages: ":arm64".
foreign_architecture() {
  local ours theirs
  ours=$(cc -dumpmachine 2>/dev/null || uname -m)
  theirs=$($CC -dumpmachine 2>/dev/null || sed -nE 's/^([a-z0-9_]+-linux-gnu[a-z]*)-.*/\1/p' <<<"$CC")
  [ -n "$theirs" ] && [ "${ours%%-*}" != "${theirs%%-*}" ] || return
  case ${theirs%%-*} in
    aarch64) echo :arm64 ;;
    x86_64) echo :amd64 ;;
    powerpc64le) echo :ppc64el ;;
    arm) echo :armhf ;;
    *) echo ":${theirs%%-*}" ;;
  esac
}

# compiler COMMAND: the package is named as the compiler, and cc is gcc.
compiler() {
  local name=${1#ccache }
  name=${name%% *}
  case $name in
    cc) name=gcc ;;
    *-linux-gnu*-gcc) name=gcc-${name%-gcc} ;;
  esac
  # shellcheck disable=SC2086 # a list of words
  need "$name" $1 --version
}

needs_build() {
  compiler "$CC"
  compiler "$CLANG"
  need make program make
  library libc6-dev stdio.h -lc
  library libbpf-dev bpf/libbpf.h -lbpf
  library libelf-dev gelf.h -lelf
  library zlib1g-dev zlib.h -lz
  library libyaml-dev yaml.h -lyaml
  library libpcap-dev pcap/pcap.h -lpcap
  library libseccomp-dev seccomp.h -lseccomp
  library libmicrohttpd-dev microhttpd.h -lmicrohttpd
  library libncurses-dev curses.h -lncursesw
  need uthash-dev header uthash.h
  need bpftool [ -n "${BPFTOOL:-}" ]
}

# File capabilities, of the image.
needs_setcap() {
  need libcap2-bin program setcap
}

needs_namespaces() {
  need iproute2 program ip
  need ethtool program ethtool
}

needs_demo() {
  needs_build
  needs_namespaces
}

needs_unit() {
  needs_build
  needs_namespaces
  library libcmocka-dev cmocka.h -lcmocka
  need python3 program python3
}

# The unit tests of another architecture, with the CC for that.
needs_emulated() {
  needs_unit
  need qemu-user program qemu-aarch64
}

needs_check() {
  needs_unit
  need tcpdump program tcpdump
  need procps program pgrep
  need libcap2-bin program capsh
  need util-linux program setpriv
  need strace program strace
  need jq program jq
  need runc program runc
  need crun program crun
  need tmux program tmux
  need python3-jsonschema python3 -c 'import jsonschema'
}

# What shows the page of --output html to a test. It takes 120 MB, so `make check` does without. Ubuntu has it as a
# snap alone, which is for people: there, a Chrome that is there will do.
needs_browser() {
  ! grep -qE '^ID(_LIKE)?=.*ubuntu' "$OS_RELEASE" 2>/dev/null || return 0
  need chromium eval 'program chromium || program google-chrome'
  need chromium-driver program chromedriver
  need python3 program python3
}

needs_check-systemd() {
  needs_check
  needs_roots
  need systemd-container program systemd-nspawn
}

# The kernels come from packages that are unpacked and not installed.
needs_kernels() {
  needs_check
  need qemu-system-x86 program qemu-system-x86_64
  [ -x /usr/lib/qemu/virtiofsd ] || need virtiofsd [ -x /usr/libexec/virtiofsd ]
  need busybox-static busybox true
  need kmod program depmod
  need xz-utils program xz
}

needs_image() {
  needs_build
  needs_namespaces
  needs_setcap
  needs_roots
  need util-linux program nsenter
}

needs_bench() {
  needs_build
  needs_namespaces
  need python3 program python3
  need tcpdump program tcpdump
  need procps program pgrep
}

needs_asan() {
  needs_unit
  case $CC in # gcc brings its own
    *clang*) need libclang-rt-dev links "$CC" main -fsanitize=address,undefined ;;
  esac
}

needs_fuzz() {
  needs_build
  need libclang-rt-dev links "$CLANG" LLVMFuzzerTestOneInput -fsanitize=fuzzer,address,undefined
  need python3 program python3
}

needs_rpm() {
  needs_build
  need rpm program rpmbuild
  need elfutils program eu-strip
}

needs_check-rpm() {
  needs_rpm
  needs_roots
  need rpmlint program rpmlint
}

needs_check-dashboards() {
  need nodejs program node
  need npm program npm
}

needs_check-kubernetes() {
  needs_build
  need kubernetes-client program kubectl
  need nodejs program node
  need npm program npm
}

# Debian's keys let debootstrap know Debian.
needs_roots() {
  need debootstrap program debootstrap
  need debian-archive-keyring [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]
  need util-linux program unshare
}

# What is built in roots needs no more here; what is built here does.
needs_packages() {
  needs_roots
  need dpkg-dev program dpkg-source
  need systemd-container program systemd-nspawn
  needs_namespaces
}

needs_deb() {
  needs_build
  need dpkg-dev program dpkg-buildpackage
  need debhelper program dh
}

needs_format() {
  need clang-format program clang-format
}

# ---- what to do about it -------------------------------------------------------------------------

# Debian's names, and what others call these; = is the same name. RHEL has them as Fedora does, some of
# them in EPEL and its repository CRB.
names='
# Debian                fedora                  opensuse            arch
bpftool                 =                       =                   bpf
busybox-static          busybox                 busybox             busybox
chromium-driver         chromedriver            chromedriver        chromium
clang-format            clang-tools-extra       clang-tools         clang
debian-archive-keyring  debian-keyring          =                   =
dpkg-dev                =                       dpkg                dpkg
iproute2                iproute+iproute-tc      =                   =
kubernetes-client       =                       =                   kubectl
libc6-dev               glibc-devel             glibc-devel         glibc
libbpf-dev              libbpf-devel            libbpf-devel        libbpf
libcap2-bin             libcap                  libcap-progs        libcap
libclang-rt-dev         compiler-rt+libasan     clang               compiler-rt
libcmocka-dev           libcmocka-devel         libcmocka-devel     cmocka
libelf-dev              elfutils-libelf-devel   libelf-devel        libelf
libmicrohttpd-dev       libmicrohttpd-devel     libmicrohttpd-devel libmicrohttpd
libncurses-dev          ncurses-devel           ncurses-devel       ncurses
libpcap-dev             libpcap-devel           libpcap-devel       libpcap
libseccomp-dev          libseccomp-devel        libseccomp-devel    libseccomp
libyaml-dev             libyaml-devel           libyaml-devel       libyaml
procps                  procps-ng               =                   procps-ng
python3                 =                       =                   python
python3-jsonschema      =                       =                   python-jsonschema
qemu-system-x86         =                       qemu-x86            =
qemu-user               =                       qemu-linux-user     =
rpm                     rpm-build               rpm-build           rpm-tools
systemd-container       =                       =                   systemd
uthash-dev              uthash-devel            uthash-devel        uthash
xz-utils                xz                      xz                  xz
zlib1g-dev              zlib-devel              zlib-devel          zlib
'

# The distribution's family: debian, or a column of that table; nothing for one that is none of them.
family() {
  local word
  for word in $(sed -nE 's/^ID(_LIKE)?=//p' "$OS_RELEASE" 2>/dev/null | tr -d "\"'"); do
    case $word in
      debian | ubuntu) echo debian && return ;;
      fedora | rhel | centos) echo fedora && return ;;
      opensuse* | suse | sles) echo opensuse && return ;;
      arch) echo arch && return ;;
    esac
  done
}

# translate FAMILY: what is missing, in its words. Another architecture's packages are Debian's alone.
# shellcheck disable=SC2086 # a list of words
translate() {
  printf '%s\n' $missing | sed 's/:.*//' | awk -v family="$1" '
    NR == FNR && $2 == "Debian" { for (i = 3; i <= NF; i++) if ($i == family) column = i - 1; next }
    NR == FNR { if ($column != "=") name[$1] = $column; next }
    { print $1 in name ? name[$1] : $1 }' <(echo "$names") - | tr + '\n' | sort -u | paste -sd' '
}

# Debian and new Ubuntus have a package bpftool; older ones have it inside linux-tools.
name_bpftool() {
  case " $missing " in *" bpftool "*) ;; *) return ;; esac
  case $(apt-cache policy bpftool 2>/dev/null | awk '/Candidate:/ {print $2}') in
    "" | "(none)") ;;
    *) return ;;
  esac
  ! grep -qE '^ID(_LIKE)?=.*ubuntu' "$OS_RELEASE" ||
    missing=${missing/bpftool/linux-tools-generic linux-tools-common}
}

# Older QEMUs bring a virtiofsd of their own.
name_virtiofsd() {
  case $(apt-cache policy virtiofsd 2>/dev/null | awk '/Candidate:/ {print $2}') in
    "" | "(none)") missing=${missing/virtiofsd/qemu-system-common} ;;
  esac
}

# shellcheck disable=SC2086 # a list of words
install_missing() {
  export DEBIAN_FRONTEND=noninteractive
  [ -z "$foreign" ] || dpkg --add-architecture "${foreign#:}"
  apt-get -qq update && name_bpftool
  name_virtiofsd
  echo "deps: installing $missing"
  apt-get -qq install -y --no-install-recommends $missing >/dev/null
}

say_missing() {
  local family command
  family=$(family)
  case $family in
    debian)
      name_bpftool
      name_virtiofsd
      command="apt-get install --no-install-recommends $missing"
      [ -z "$foreign" ] || command="dpkg --add-architecture ${foreign#:} && sudo apt-get update && sudo $command"
      ;;
    fedora) command="dnf install $(translate fedora)" ;;
    opensuse) command="zypper install $(translate opensuse)" ;;
    arch) command="pacman -S --needed $(translate arch)" ;;
    *)
      echo "deps: something is missing; these are Debian's names for it:"
      echo "    $missing"
      return 1
      ;;
  esac >&2
  echo "deps: something is missing; this installs it:" >&2
  echo "    sudo $command" >&2
  return 1
}

foreign=$(foreign_architecture)
for target in "$@"; do
  "needs_$target"
done
[ -n "$missing" ] || exit 0
if [ $install = yes ] && [ "$(id -u)" = 0 ] && [ "$(family)" = debian ] && command -v apt-get >/dev/null; then
  install_missing
else
  say_missing
fi
