#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# dist.sh VERSION DIRECTORY: makes DIRECTORY/bpf-metro-VERSION.tar.gz of the files that git tracks, as they are
# in this tree, and says so. The same source gives the same bytes, whoever makes it, where and when: names
# are sorted, owners, modes and times are set. All times are SOURCE_DATE_EPOCH, or the last commit's.
#
# The archive has a MANIFEST beside these files: that time and their names. By it an unpacked archive,
# where there is no git, makes the same archive again.
set -euo pipefail
unset TAR_OPTIONS GZIP
version=$1 directory=$2
name=bpf-metro-$version
export LC_ALL=C
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Prints the names of all files, and sets epoch.
if [ -e .git ]; then
  git ls-files -z | tr '\0' '\n' | sort >"$work/files"
  epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
  [ -z "$(git status --porcelain --untracked-files=no)" ] ||
    echo "dist: $name has changes in it that are not committed" >&2
elif [ -e MANIFEST ]; then
  sed 1d MANIFEST >"$work/files"
  epoch=${SOURCE_DATE_EPOCH:-$(sed -n '1s/^SOURCE_DATE_EPOCH=//p' MANIFEST)}
else
  echo "dist: this is neither a clone by git nor an unpacked release: which files are to be in it?" >&2
  exit 1
fi
{ echo "SOURCE_DATE_EPOCH=$epoch" && cat "$work/files"; } >"$work/MANIFEST"

tar --create --file "$work/$name.tar" --format=ustar --no-recursion --sort=name --mtime="@$epoch" \
  --owner=root:0 --group=root:0 --mode=u=rwX,go=rX --transform "flags=rSH;s,^,$name/," \
  --directory "$work" MANIFEST --directory "$PWD" --files-from "$work/files"
gzip --no-name --best "$work/$name.tar"
mv "$work/$name.tar.gz" "$directory/"
