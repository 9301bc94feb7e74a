#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples/python: the module and the service, with the Python that is there.
set -eu
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
[ -z "${LEND_SANITIZE:-}" ] || { echo "skipped: Python is not built with sanitizers"; exit 77; }
export LEND_LIBRARY="$LEND_BUILD_DIR/src"
[ -e "$LEND_LIBRARY/liblend.so" ] || { echo "skipped: the library is not shared"; exit 77; }
cd "$LEND_SOURCE_DIR/tests/python"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$LEND_SOURCE_DIR/examples/python" python3 -m unittest -v
