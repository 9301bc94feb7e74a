#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples/quickstart.sh, on a copy of the project that was never built, called from elsewhere: it
# builds the program and reads, the named files or the sample pages. Where packages are missing
# it would have to install them, and this is skipped.
. "$(dirname "$0")/program.sh"
[ -z "$LEND_SANITIZE" ] || skip "it builds without sanitizers, whatever this build has"
. "$LEND_SOURCE_DIR/tests/packages.sh"
# shellcheck disable=SC2154  # set in packages.sh
for package in $build_packages; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' ||
        skip "the package $package is not installed"
done

mkdir copy elsewhere
for part in include src examples tests CMakeLists.txt; do
    cp -R "$LEND_SOURCE_DIR/$part" copy
done
cp "$pages/eng_2.png" "elsewhere/two words.png"
expect_status 0 "$program" "$pages/eng_2.png"
mv out wanted

cd elsewhere
expect_status 0 sh ../copy/examples/quickstart.sh "two words.png"
expect_same ../wanted out "the named file reads differently"
grep -q '^== ' err || fail "it does not say what it does"
expect_status 0 sh ../copy/examples/quickstart.sh -f tsv -- "two words.png"
head -n 1 out | grep -q '^level' || fail "options are not passed on"
expect_status 1 sh ../copy/examples/quickstart.sh missing.png

expect_status 0 sh ../copy/examples/quickstart.sh
grep -q 'The Lending Room' out || fail "the English sample page is not read"
grep -q '借书的规矩' out || fail "the Chinese sample page is not read"

# A build that fails is told, with the compiler's words.
echo '#error "on purpose"' >>../copy/src/base/clock.c
expect_status 1 sh ../copy/examples/quickstart.sh "two words.png"
grep -q 'on purpose' err || fail "the compiler's words are lost"
[ ! -s out ] || fail "it reads although the build failed"
