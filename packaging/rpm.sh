#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# rpm.sh ARCHIVE DIRECTORY: builds bpf-metro.spec from the archive that `make dist` made. The packages are
# DIRECTORY/RPMS/ARCHITECTURE/*.rpm and DIRECTORY/SRPMS/*.rpm.
#
# On a distribution without rpm packages of its own, what there is of libraries has to do (--nodeps), and
# rpm-macros takes the place of systemd's macros: such packages are for trying.
set -euo pipefail
archive=$(realpath "$1")
mkdir -p "$2"
directory=$(realpath "$2")
cd "$(dirname "$0")/.."
command -v rpmbuild >/dev/null || { echo "rpm.sh: there is no rpmbuild (Debian: rpm, others: rpm-build)" >&2; exit 1; }

options=(--define "_topdir $directory" --define "_sourcedir $(dirname "$archive")")
if [ "$(rpm --eval '%{_unitdir}')" = '%{_unitdir}' ]; then
  echo "rpm.sh: these packages are for trying: they know nothing of a distribution's rules" >&2
  options+=(--nodeps --load "$PWD/packaging/rpm-macros")
fi
rm -rf "$directory"/{BUILD,BUILDROOT,RPMS,SRPMS}
# Times in the package are the release's, so that the same source gives the same package here, too.
SOURCE_DATE_EPOCH=$(tar -xzOf "$archive" "$(basename "$archive" .tar.gz)/MANIFEST" | sed -n '1s/.*=//p')
export SOURCE_DATE_EPOCH
unset MAKEFLAGS MAKELEVEL MFLAGS
rpmbuild -ba --noclean --quiet "${options[@]}" --define "clamp_mtime_to_source_date_epoch 1" \
  --define "use_source_date_epoch_as_buildtime 1" --define "_buildhost localhost" \
  packaging/bpf-metro.spec
find "$directory/SRPMS" "$directory/RPMS" -name '*.rpm' | sort
