#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# image-root.sh PROGRAM DIRECTORY: makes of the directory the whole file system of the image: the
# program, the libraries that it is linked to, and the few files that the C library reads.
set -eu
program=$1 root=$2
user=65532 # as other images without a shell have it; in no Debian's ranges

mkdir -p "$root/etc/bpf-metro" "$root/usr/sbin" "$root/proc" "$root/sys" "$root/dev"
install -m 0755 "$program" "$root/usr/sbin/bpf-metro"

# The loader is among them. Name lookups need none beside them: the C library has files and DNS built in
# since 2.34.
ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
  install -D -m 0755 "$(realpath "$library")" "$root$library"
done

printf 'root:x:0:0:root:/:/sbin/nologin\nbpf-metro:x:%s:%s:bpf-metro:/:/sbin/nologin\n' $user $user >"$root/etc/passwd"
printf 'root:x:0:\nbpf-metro:x:%s:\n' $user >"$root/etc/group"
# Without it, /etc/hosts would come after DNS.
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
# A tmpfs that is mounted there takes over the mode: whoever it runs as may put the control socket there.
mkdir -p "$root/run/bpf-metro"
chmod 1777 "$root/run/bpf-metro"

# Permitted, and not effective: bpf-metro puts into effect what it got. With +ep, where a runtime allows
# fewer of them, it would not even start ("operation not permitted").
setcap cap_bpf,cap_perfmon,cap_net_admin,cap_net_raw+p "$root/usr/sbin/bpf-metro"
