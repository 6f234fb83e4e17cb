#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# build.sh BASE.TAR IMAGE.TAR: makes the image of this tree by packaging/Containerfile, inside of a root that
# has buildah, with a root's files for the base image: no registry takes part.
set -eu
base=$1 image=$2
store=$(mktemp -d)

# Where a chroot builds, nothing may want more than this process may have.
buildah_() {
  buildah --root "$store/root" --runroot "$store/run" --storage-driver overlay "$@"
}

cd "$(dirname "$0")/../.."
container=$(buildah_ from scratch)
buildah_ add --quiet "$container" "$base" / >/dev/null
buildah_ commit --quiet "$container" localhost/base >/dev/null
buildah_ rm "$container" >/dev/null
# The format in which a health check has its place. What apt-get downloads is kept for the next time.
buildah_ build --isolation chroot --network host --layers=false --format docker \
  --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 \
  --volume /var/cache/apt/archives:/var/cache/apt/archives \
  --build-arg BASE=localhost/base --file packaging/Containerfile --tag localhost/bpf-metro .
rm -f "$image"
buildah_ push --quiet localhost/bpf-metro "docker-archive:$image:localhost/bpf-metro:test"
rm -rf "$store"
