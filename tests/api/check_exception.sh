#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A C++ exception past a lease does not lose the model: exception.cc, built and run.
set -eu
command -v "${CXX:-c++}" >/dev/null || { echo "skipped: no C++ compiler"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2086  # one word or none
"${CXX:-c++}" -std=c++17 -O2 -g -Wall -Wextra -Wshadow -Werror \
    ${LEND_SANITIZE:+-fsanitize=$LEND_SANITIZE} -I "$LEND_SOURCE_DIR/include" \
    "$LEND_SOURCE_DIR/tests/api/exception.cc" -o "$work/exception" \
    -L "$LEND_BUILD_DIR/src" -Wl,-rpath,"$LEND_BUILD_DIR/src" -llend -pthread
"$work/exception"
