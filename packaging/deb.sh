#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# deb.sh [--source] VERSION DIRECTORY: makes Debian's packages of DIRECTORY/bpf-metro-VERSION.tar.gz, the
# release, in DIRECTORY/deb, and says which; with --source the source package alone, which needs nothing
# but dpkg-dev.
#
# Its format is 3.0 (quilt), not native: the release is the upstream archive, byte for byte, and has no
# debian/ at its top. What packaging/debian says comes on top, so that whoever packages it for a
# distribution can have a debian/ of their own.
set -euo pipefail
# Whoever calls this by make has settings for a build of their own.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES BUILD PREFIX DESTDIR WERROR
only_source=no
[ "$1" != --source ] || { only_source=yes && shift; }
version=$1
build=$(realpath "$2")
directory=$build/deb
tree=$directory/bpf-metro-$version

rm -rf "$directory"
mkdir -p "$directory"
cp "$build/bpf-metro-$version.tar.gz" "$directory/bpf-metro_$version.orig.tar.gz"
tar -C "$directory" -xf "$directory/bpf-metro_$version.orig.tar.gz"
cp -r "$tree/packaging/debian" "$tree/debian"
if [ $only_source = yes ]; then
  (cd "$directory" && dpkg-source --build "$tree")
  rm -rf "$tree"
else
  (cd "$tree" && dpkg-buildpackage --no-sign)
fi
ls "$directory"/*.dsc
[ $only_source = yes ] || ls "$directory"/*.deb
