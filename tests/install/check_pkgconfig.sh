#!/bin/sh
# SPDX-License-Identifier: MIT
#
# pkg-config: ten lines of C and one command. What is installed as a program runs where it is.
. "$LEND_SOURCE_DIR/tests/install/prefix.sh"
install_build "$LEND_BUILD_DIR"

# use SOURCE PACKAGE
use() {
    # shellcheck disable=SC2046  # several options on purpose
    step "compile $1 with $2" "$CC" -Wall -Wextra -Werror "$1" -o "$work/consumer" \
        $(pkg-config --cflags --libs "$2")
    step "run $1" "$work/consumer"
}

use ten_lines.c lend
use consumer.c lend
! has_ocr || use consumer_ocr.c lend-ocr
unset LD_LIBRARY_PATH
[ ! -e "$prefix/bin/lend-ocr" ] || step "run lend-ocr from $prefix" "$prefix/bin/lend-ocr" --help
