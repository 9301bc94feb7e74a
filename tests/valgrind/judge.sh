#!/bin/sh
# SPDX-License-Identifier: MIT
#
#     sh judge.sh FOLDER COUNT NUMBER TOOL PROGRAM
#
# One program under one tool, the NUMBER-th of COUNT, for check_races.sh. Says in a line what was
# found; the rest is in FOLDER. Fails if anything was, or if the test itself fails or does not end.
set -u
folder=$1 count=$2 number=$3 tool=$4 program=$5
log=$folder/$tool.${program##*/}
limit=300 rc=0 began=$(date +%s)
case $tool in
drd) stacks=--check-stack-var=yes ;; # where waiters are, and what tests share
*) stacks= ;;
esac
# shellcheck disable=SC2086  # one argument or none
CMOCKA_TEST_ABORT=0 timeout --foreground --kill-after=10 $limit valgrind --tool="$tool" $stacks \
    --error-exitcode=99 --suppressions=tests/valgrind/libc.supp "$program" >"$log" 2>&1 || rc=$?
seconds=$(($(date +%s) - began))
case $rc in
0) verdict=nothing ;;
77) verdict=skipped ;;
99) verdict="$(sed -n 's/.*ERROR SUMMARY: \(.*\) (supp.*/\1/p' "$log" | tail -n 1), see $log" ;;
124 | 137) verdict="not over in $limit s, see $log" ;;
*) verdict="the test fails ($rc), see $log" ;;
esac
echo "$number of $count: $tool ${program##*/}: $verdict, $seconds s"
echo "$tool $seconds $verdict" >>"$folder/verdicts"
case $rc in
0 | 77) exit 0 ;;
*) exit 1 ;;
esac
