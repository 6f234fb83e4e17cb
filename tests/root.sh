#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# root.sh: clean Debian roots, to build, install and try things in that this host does not have. As root.
#
#   root.sh make SUITE DIRECTORY [PACKAGE...]     a new one, with these packages
#   root.sh run [OPTION...] DIRECTORY COMMAND...  what the command says and its status, from inside
#   root.sh remove DIRECTORY
#
# make: SUITE is bookworm, trixie or another that debootstrap knows; DIRECTORY does not exist yet. It has
# Debian's smallest set of packages, up to date, and what is named; NAME:arm64 adds that architecture.
# It comes from the mirror, and through the proxy, that this host's apt uses. What was downloaded is kept
# in $BUILD/roots for a week.
#
# run: with /proc, /sys, /sys/fs/bpf and /dev as a host has them, and an environment of its own (put
# "env NAME=VALUE" before the command). What it mounts and starts is gone when the command ends; the
# network and the control groups are the host's.
#   --checkout  /src is this checkout, read-only, and where the command starts
#   --copy      /src is a copy of its sources, likewise; /src/build stays from one run to the next
#   --apt       apt-get finds earlier downloads, and keeps its own for later
#
# Status 77, with a line that says SKIP: this host has not what it takes.
set -u
PATH=$PATH:/usr/sbin:/sbin
program=$(realpath "$0")
checkout=$(dirname "$(dirname "$program")")
roots=$(realpath -m "${BUILD:-$checkout/build}/roots")

say() {
  echo "root.sh: $*" >&2
}

skip() {
  say "SKIP: $*"
  exit 77
}

# ---- this host's apt -----------------------------------------------------------------------------

# mirror PATTERN DEFAULT: from where this host gets releases of such names, if it is Debian.
# shellcheck disable=SC2016 # apt's own variables
mirror() {
  local found=
  ! grep -qs '^ID=debian' /etc/os-release ||
    found=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' \
      2>/dev/null | awk -v pattern="^($1)\$" '/^https?:/ && $2 ~ pattern && $3 == "main" { print $1; exit }')
  echo "${found:-$2}"
}

sources() { # SUITE
  local archive security
  archive=$(mirror '[a-z]+' http://deb.debian.org/debian)
  security=$(mirror '[a-z]+-security' http://deb.debian.org/debian-security)
  echo "deb $archive $1 main"
  case $1 in sid | unstable | testing) return ;; esac
  echo "deb $archive $1-updates main"
  echo "deb $security $1-security main"
}

# How it reaches them: proxies, certificates, and what it makes of their dates.
reaching() {
  apt-config dump 2>/dev/null |
    grep -E '^Acquire::(https?::|Check-|Retries)' | grep -v 'Proxy-Auto-Detect'
}

# lend_certificates ROOT: the files that these settings and the host's own name.
lend_certificates() {
  local file
  reaching | sed -n 's/.*::\(CaInfo\|SslCert\|SslKey\) "\(\/.*\)";/\2/Ip' | while read -r file; do
    [ -f "$file" ] && mkdir -p "$1$(dirname "$file")" && cp "$file" "$1$file"
  done
}

proxies() {
  local name value variable
  for name in http https; do
    value=$(apt-config shell value "Acquire::$name::Proxy" 2>/dev/null | sed "s/^value='\(.*\)'\$/\1/")
    variable=${name}_proxy
    [ -n "$value" ] || value=${!variable:-}
    [ -z "$value" ] || [ "$value" = DIRECT ] || echo "${name}_proxy=$value"
  done
  [ -z "${no_proxy:-}" ] || echo "no_proxy=$no_proxy"
}

# ---- what was downloaded -------------------------------------------------------------------------

# link FROM TO: packages, without copying where that can be.
link_packages() {
  local -a packages
  mkdir -p "$2"
  mapfile -t packages < <(find "$1" -maxdepth 1 -name '*.deb' 2>/dev/null)
  [ ${#packages[@]} -eq 0 ] || cp -aln -t "$2" "${packages[@]}" 2>/dev/null ||
    cp -an -t "$2" "${packages[@]}"
}

cache_of() { # ROOT
  echo "$roots/$(cat "$1/etc/root-suite")"
}

lend_packages() { # ROOT
  link_packages "$(cache_of "$1")" "$1/var/cache/apt/archives"
}

keep_packages() { # ROOT
  link_packages "$1/var/cache/apt/archives" "$(cache_of "$1")"
  find "$1/var/cache/apt/archives" -name '*.deb' -delete
}

# ---- inside --------------------------------------------------------------------------------------

make_devices() { # ROOT
  local name
  mount -t tmpfs -o mode=755 dev "$1/dev" && mkdir "$1/dev/pts" "$1/dev/shm" "$1/dev/net" || return
  for name in null zero full random urandom tty net/tun; do
    [ ! -e "/dev/$name" ] || { : >"$1/dev/$name" && mount --bind "/dev/$name" "$1/dev/$name"; }
  done
  mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$1/dev/pts" &&
    mount -t tmpfs -o mode=1777 shm "$1/dev/shm" &&
    ln -s pts/ptmx "$1/dev/ptmx" && ln -s /proc/self/fd "$1/dev/fd" &&
    ln -s fd/0 "$1/dev/stdin" && ln -s fd/1 "$1/dev/stdout" && ln -s fd/2 "$1/dev/stderr"
}

# As the first process of namespaces of its own: root.sh --inside ROOT SOURCE COMMAND...
inside() {
  local root=$1 source=$2 directory=/root
  shift 2
  mount --bind "$root" "$root" && mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" &&
    mount -t tmpfs -o mode=755 run "$root/run" && mkdir "$root/run/lock" && make_devices "$root" || return
  [ ! -d /sys/fs/bpf ] || mount -t bpf -o mode=700 bpf "$root/sys/fs/bpf" || return
  if [ "$source" = --checkout ]; then
    mkdir -p "$root/src" && mount --bind "$checkout" "$root/src" &&
      mount -o remount,bind,ro "$root/src" || return
  fi
  [ -z "$source" ] || directory=/src
  cd "$root" && mount --move . / || return # in a mere chroot, no containers and no user namespaces
  # shellcheck disable=SC2016 # for the shell inside
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root \
    LANG=C.UTF-8 "${settings[@]}" \
    chroot . /bin/sh -c 'cd "$0" && exec "$@"' "$directory" "$@"
}

# Everything that starts here ends with it, and it with this script, whatever ends that.
enter() { # ROOT SOURCE COMMAND...
  setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child \
    bash "$program" --inside "$@" <&0 &
  child=$!
  trap 'kill -KILL $child; wait $child 2>/dev/null; exit 143' TERM INT HUP
  wait $child
}

# ---- make ----------------------------------------------------------------------------------------

# bootstrap SUITE: the smallest set of packages, as $roots/SUITE/base.tar.
bootstrap() {
  local archive cache=$roots/$1 target=$roots/$1/base.$$
  local log=$roots/$1/debootstrap.log
  [ -z "$(find "$cache/base.tar" -mtime -7 2>/dev/null)" ] || return 0
  find "$cache" -mindepth 1 ! -name lock -delete
  archive=$(sources "$1" | awk '{ print $2; exit }')
  trap 'rmdir "$target"; exit 143' TERM INT HUP
  # dpkg syncs every file: in memory that costs nothing.
  mkdir -p "$target" || return
  # shellcheck disable=SC2016 # for the shell inside
  env "${settings[@]}" unshare --mount --propagation private sh -ec '
    mount -t tmpfs -o mode=755 base "$3"
    debootstrap --variant=minbase --cache-dir="$1" "$2" "$3" "$4"
    rm -f "$3"/var/cache/apt/archives/*.deb "$3"/var/lib/apt/lists/*_*
    echo "$2" >"$3/etc/root-suite"
    tar -C "$3" --one-file-system -cf "$1/base.part" .
    mv "$1/base.part" "$1/base.tar"' sh "$cache" "$1" "$target" "$archive" >"$log" 2>&1 || {
    say "debootstrap failed:"
    tail -n 20 "$log" >&2
  }
  rmdir "$target"
  trap - TERM INT HUP
  [ -e "$cache/base.tar" ]
}

configure() { # ROOT SUITE
  sources "$2" >"$1/etc/apt/sources.list" && reaching >"$1/etc/apt/apt.conf.d/90host"
  lend_certificates "$1"
  cat /etc/resolv.conf >"$1/etc/resolv.conf"
  cat /etc/hosts >"$1/etc/hosts"
}

# Nothing starts while packages are being installed.
# shellcheck disable=SC2016 # for the shell inside
install_packages() { # ROOT PACKAGE...
  local root=$1
  shift
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" && chmod 755 "$root/usr/sbin/policy-rc.d"
  lend_packages "$root"
  enter "$root" '' env DEBIAN_FRONTEND=noninteractive sh -ec '
    for package in "$@"; do
      case $package in *:*) dpkg --add-architecture "${package##*:}" ;; esac
    done
    get="apt-get -qq -y --no-install-recommends -o DPkg::Options::=--force-unsafe-io"
    $get update
    { $get dist-upgrade && { [ $# = 0 ] || $get install "$@"; }; } >/tmp/apt.log 2>&1 || {
      tail -n 20 /tmp/apt.log >&2
      exit 1
    }
    rm -f /tmp/apt.log' sh "$@" </dev/null || return
  keep_packages "$root"
  rm -f "$root/usr/sbin/policy-rc.d"
}

make_root() {
  [ $# -ge 2 ] || usage
  local suite=$1 root
  root=$(realpath -m "$2")
  command -v debootstrap >/dev/null || skip "there is no debootstrap (make deps installs it)"
  ls -d "$root"/* >/dev/null 2>&1 && say "$2 is there already: root.sh remove $2" && return 1
  mkdir -p "$roots/$suite" "$root" || return
  (flock 9 && bootstrap "$suite") 9>"$roots/$suite/lock" &&
    tar -C "$root" -xf "$roots/$suite/base.tar" && configure "$root" "$suite" &&
    install_packages "$root" "${@:3}" && return
  say "cannot make a root of $suite"
  rm -rf --one-file-system "$root"
  return 1
}

# ---- run and remove ------------------------------------------------------------------------------

is_root() {
  [ -e "$1/etc/root-suite" ] && return
  say "$1 is not a root that this made"
  return 1
}

# What git has or could be told to, as it is now; without git everything but what was built.
list_sources() {
  if git -c safe.directory='*' ls-files -z --cached --others --exclude-standard 2>/dev/null; then
    return
  fi
  find . -mindepth 1 \( -path ./build -o -path ./.git \) -prune -o -type f -print0
}

copy_sources() { # ROOT
  mkdir -p "$1/src" && find "$1/src" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} + &&
    cd "$checkout" && list_sources |
    while IFS= read -rd '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
      tar --null -T - -cf - | tar -C "$1/src" --no-same-owner -xf -
}

run_in_root() {
  local source='' apt=no root status
  while :; do
    case ${1:-} in
      --checkout | --copy) source=$1 ;;
      --apt) apt=yes ;;
      *) break ;;
    esac
    shift
  done
  [ $# -ge 2 ] || usage
  root=$(realpath -m "$1")
  shift
  is_root "$root" || return
  [ "$source" != --copy ] || (copy_sources "$root") || return
  [ $apt = no ] || lend_packages "$root"
  enter "$root" "$source" "$@"
  status=$?
  [ $apt = no ] || keep_packages "$root"
  return $status
}

remove_root() {
  [ $# -eq 1 ] || usage
  [ -e "$1" ] || return 0
  is_root "$1" && rm -rf --one-file-system "$(realpath "$1")"
}

usage() {
  sed -n '3,/^set/s/^# \{0,1\}//p' "$program" >&2
  exit 2
}

[ $# -gt 0 ] || usage
[ "$(id -u)" = 0 ] || skip "this needs root"
command -v unshare >/dev/null || skip "there is no unshare (util-linux)"
command -v setpriv >/dev/null || skip "there is no setpriv (util-linux)"
mapfile -t settings < <(proxies)
case $1 in
  make) make_root "${@:2}" ;;
  run) run_in_root "${@:2}" ;;
  remove) remove_root "${@:2}" ;;
  --inside) inside "${@:2}" ;;
  *) usage ;;
esac
