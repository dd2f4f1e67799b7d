#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the unit tests given as arguments (cmocka programs, in TAP mode): a line per program, the output of those that
# failed, and a count for .ci/run: "passed N" and "failed N" appended to $TEST_RESULTS (build/test-results).
# A program that hangs is killed with everything it started (its process group): what hangs need not listen to a kinder signal.
# A program that crashes, hangs for three minutes or ends with an error without naming a failed test counts as one failure.
set -u
results=${TEST_RESULTS:-build/test-results}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0
failed=0

run_one() {
	timeout -s KILL 180 env CMOCKA_MESSAGE_OUTPUT=TAP "$1" >"$log" 2>&1
	status=$?
	ok=$(grep -c '^ok ' "$log")
	bad=$(grep -c '^not ok ' "$log")
	[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	passed=$((passed + ok))
	failed=$((failed + bad))
	printf '%-24s %4d passed %4d failed\n' "$(basename "$1")" "$ok" "$bad"
	[ "$bad" -eq 0 ] || { cat "$log"; echo "exit status $status"; }
}

for program in "$@"; do
	run_one "$program"
done
mkdir -p "$(dirname "$results")"
printf 'passed %d\nfailed %d\n' "$passed" "$failed" >>"$results"
echo "unit tests: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
