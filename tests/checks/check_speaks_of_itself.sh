#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The project speaks of itself only: no paths or hosts of the machine it was written on, no notes
# to somebody who is not the reader. The brackets keep this file from finding itself.
set -eu
cd "$LEND_SOURCE_DIR"

paths='(^|[^A-Za-z0-9_.$}>])/([w]ork|[h]ome|[r]oot|[U]sers|[m]nt)/'
hosts='[l]ocalhost|[p]ypi\.|[n]pmjs|crates\.[i]o|[a]rtifactory|[n]exus\.|(deb|ftp)\.[d]ebian|[h]uggingface'
notes='[T]ODO|[F]IXME|[X]XX|[H]ACK|not [i]mplemented|[n]ot supported yet|coming [s]oon'
writers='[C]laude|[C]hatGPT|[C]opilot|[G]PT-|[A]nthropic|[O]penAI|[l]anguage model|\b[A]I\b'

files=$(find include src tests examples CMakeLists.txt README.md LICENSE .clang-format .gitignore .ci \
    -type f | sort)
# shellcheck disable=SC2086  # a list on purpose
found=$(grep -nIE "$paths|$hosts|$notes|$writers" $files || true)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
