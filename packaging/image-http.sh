#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# image-http.sh: in the build stage of the image, takes the place of Debian's libmicrohttpd with one of the
# same source and no TLS, which bpf-metro does not use: with GnuTLS and what that needs, the image would have
# 16.5 MB in place of 9. It changes the libraries of the system that it runs in: for containers alone.
set -eu
export DEBIAN_FRONTEND=noninteractive
directory=$(mktemp -d)

# Debian's images list their mirrors in the one form, debootstrap in the other.
cd /etc/apt
for list in sources.list sources.list.d/*; do
  [ -e "$list" ] || continue
  sed '$G; s/^Types: deb$/Types: deb-src/; s/^deb /deb-src /' "$list" >>"$directory/source.${list##*.}"
done
cp "$directory"/source.* sources.list.d/
apt-get -qq update
apt-get -qq install -y --no-install-recommends dpkg-dev make >/dev/null

cd "$directory"
apt-get -qq source libmicrohttpd >/dev/null
cd libmicrohttpd-*/
libraries=/usr/lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH)
./configure -q --prefix=/usr --libdir="$libraries" --disable-https --disable-curl --disable-doc \
  --disable-examples --disable-static
make -s -j"$(nproc)" -C src/microhttpd install-libLTLIBRARIES >/dev/null
strip --strip-unneeded "$(realpath "$libraries/libmicrohttpd.so.12")"
