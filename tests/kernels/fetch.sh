# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Kernels out of Debian's packages, unpacked and never installed, for tests/kernels.sh:
#
#   fetch_kernel SUITE qemu|uml DIRECTORY    makes DIRECTORY/vmlinuz, or DIRECTORY/linux for
#                                            user-mode-linux, and DIRECTORY/lib/modules/VERSION
#
# They come from where this host's own apt gets Debian's packages from: another suite of the same
# mirror, in a state of its own in DIRECTORY/apt. An older DIRECTORY that is complete is kept.
# Status 3, and one line that says why, if the suite cannot be reached.

# What the initramfs needs before it has its root; the root has all.
FETCH_FIRST_MODULES="virtio_pci virtio_console virtiofs"

# debian_mirror: the address of the mirror with Debian's main part
debian_mirror() {
  apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE)' 2>/dev/null |
    awk '$1 == "Debian" && $3 !~ /security|updates|backports/ { print $2; exit }'
}

# use_suite SUITE DIRECTORY: fills APT, the options that make apt look there
use_suite() {
  local suite=$1 apt=$2/apt mirror
  mirror=$(debian_mirror)
  [ -n "$mirror" ] || { echo "this host's apt has no Debian mirror" && return 3; }
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" || return
  # Suites are signed with keys of several releases, and a host trusts only its own by default.
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" \
    >"$apt/sources.list"
  APT=(-qq -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=-
    -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root
    -o Acquire::Languages=none -o APT::Update::Error-Mode=any)
  timeout 120 apt-get "${APT[@]}" update >"$apt/log" 2>&1 && return
  echo "suite $suite cannot be reached: $(tail -n 1 "$apt/log")"
  return 3
}

# depends_on PACKAGE PATTERN: those of its dependencies whose name begins so
depends_on() {
  apt-cache "${APT[@]}" depends "$1" 2>/dev/null |
    awk -v pattern="^$2" '$1 ~ /Depends:$/ && $2 ~ pattern { print $2 }'
}

# Newer images are split into several packages.
kernel_packages() {
  local image
  [ "$1" != uml ] || { echo user-mode-linux && return; }
  image=$(depends_on linux-image-cloud-amd64 'linux-image-[0-9]' | head -n 1)
  echo "$image" "$(depends_on "$image" 'linux-(binary|modules|base)-[0-9]')"
}

# newest_suite SUITE...: prints that with the newest kernel, of those that can be reached
newest_suite() {
  local suite dir image last=
  [ $# -gt 1 ] || { echo "$1" && return; }
  dir=$(mktemp -d) || return
  for suite in "$@"; do
    last=$(use_suite "$suite" "$dir/$suite" && depends_on linux-image-cloud-amd64 'linux-image-[0-9]') &&
      echo "$last $suite"
  done | sort -V | tail -n 1 | awk '{ print $2 }' >"$dir/newest"
  image=$(cat "$dir/newest")
  rm -rf "$dir"
  [ -n "$image" ] && echo "$image" && return
  echo "none of $* can be reached"
  return 3
}

# unpack KIND DIRECTORY: what was downloaded
unpack_kernel() {
  local kind=$1 dir=$2 package tree=$2/tree modules version
  for package in "$dir"/packages/*.deb; do
    dpkg-deb -x "$package" "$tree" || return
  done
  mkdir -p "$dir/lib/modules"
  if [ "$kind" = uml ]; then
    modules=$(echo "$tree"/usr/lib/uml/modules/*)
    mv "$tree/usr/bin/linux.uml" "$dir/linux" || return
  else
    modules=$(ls -d "$tree"/lib/modules/* "$tree"/usr/lib/modules/* 2>/dev/null | head -n 1)
    mv "$(ls "$tree"/boot/vmlinuz-* "$modules"/vmlinuz 2>/dev/null | head -n 1)" "$dir/vmlinuz" || return
  fi
  version=${modules##*/}
  mv "$modules" "$dir/lib/modules/" && depmod -b "$dir" "$version" && rm -rf "$tree" "$dir/packages"
}

# first_modules DIRECTORY ROOT: in the order in which they are loaded
first_modules() {
  local dir=$1 root=$2 module file number=100
  mkdir -p "$root/modules"
  for module in $FETCH_FIRST_MODULES; do # what is built in, or not there, has no file
    modprobe -d "$dir" -S "$(ls "$dir/lib/modules")" --show-depends "$module" 2>/dev/null
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
    number=$((number + 1))
    case $file in
      *.xz) xz -dc "$file" >"$root/modules/$number.ko" ;;
      *) cp "$file" "$root/modules/$number.ko" ;;
    esac || return
  done
}

# make_initramfs DIRECTORY: a shell, those modules, and init
make_initramfs() {
  local dir=$1 root=$1/initramfs.d
  rm -rf "$root"
  mkdir -p "$root"/{bin,dev,proc,sys,host} && cp "$(command -v busybox)" "$root/bin/busybox" &&
    install -m 755 "$(dirname "${BASH_SOURCE[0]}")/init" "$root/init" && first_modules "$dir" "$root" &&
    (cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$dir/initramfs" && rm -rf "$root"
}

# fetch_kernel SUITE KIND DIRECTORY
fetch_kernel() {
  local dir=$3 packages
  if [ ! -e "$dir/complete" ]; then
    rm -rf "$dir"
    use_suite "$1" "$dir" || return
    packages=$(kernel_packages "$2")
    mkdir -p "$dir/packages"
    # shellcheck disable=SC2086 # a list of words
    (cd "$dir/packages" && timeout 300 apt-get "${APT[@]}" download $packages >"$dir/apt/log" 2>&1) ||
      { echo "suite $1 does not give $packages: $(tail -n 1 "$dir/apt/log")" && return 3; }
    rm -rf "$dir/apt"
    unpack_kernel "$2" "$dir" || { echo "$packages cannot be unpacked" && return 1; }
    : >"$dir/complete"
  fi
  make_initramfs "$dir"
}
