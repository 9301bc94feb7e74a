# SPDX-License-Identifier: MIT
#
# Sourced by tests/run.sh and examples/quickstart.sh: what a fresh Debian 12 lacks, and how it is
# had.
build_packages="gcc g++ libc6-dev cmake ninja-build pkg-config libtesseract-dev libleptonica-dev libpng-dev libjpeg-dev
    tesseract-ocr tesseract-ocr-eng tesseract-ocr-chi-sim"
test_packages="clang libclang-rt-dev clang-format libcmocka-dev python3 spin tcc valgrind musl-tools
    libuv1-dev patch"
long_packages="llvm"

# Installs those of the named packages that are missing. Needs root or sudo only if any is.
install_packages() {
    missing=
    for package in $1; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        as_root=sudo
        command -v sudo >/dev/null || {
            echo "these packages are missing and there is neither root nor sudo:$missing" >&2
            return 1
        }
    fi
    command -v apt-get >/dev/null || {
        echo "this is not Debian; install the equivalents of:$missing" >&2
        return 1
    }
    echo "installing:$missing" >&2
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
    # shellcheck disable=SC2086  # a list on purpose
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $missing >&2
}
