# SPDX-License-Identifier: MIT
#
# Sourced by the checks here. Gives them
#
#   $work     a folder that goes away at the end
#   $prefix   where the build was installed and then moved to: an installed tree can be moved
#   step      step WHAT COMMAND...: run it; if it fails, say what was to be done, show what it said,
#             and end the check
set -eu
[ -z "${LEND_SANITIZE:-}" ] || { echo "skipped: nobody installs a sanitized build"; exit 77; }
cd "$LEND_SOURCE_DIR/tests/install"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
! command -v ninja >/dev/null || export CMAKE_GENERATOR=Ninja

step() {
    what=$1
    shift
    "$@" >"$work/says" 2>&1 || {
        echo "tests/install/${0##*/}: failed to $what"
        tail -n 40 "$work/says"
        exit 1
    }
}

# install_build BUILD-FOLDER
install_build() {
    step "install $1" cmake --install "$1" --prefix "$work/first"
    mv "$work/first" "$prefix"
    pc=$(find "$prefix" -name lend.pc)
    export PKG_CONFIG_PATH="${pc%/*}" LD_LIBRARY_PATH="${pc%/pkgconfig/*}"
}

has_ocr() {
    [ -e "$PKG_CONFIG_PATH/lend-ocr.pc" ]
}
