#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The system tests: boots the image with a new disk, then a browser does what a newcomer does, then the API tests, then
# services are killed, then it is shut down. Then the boot tests, which boot machines of their own. Runs inside the build root at
# the top of the checkout, after `make image` (`make test` does both). Every part has a time limit, and
# all together have SYSTEM_TEST_LIMIT seconds; a part that crashes counts as one failure. Counts go to $TEST_RESULTS (build/test-results); the exit status says whether all passed.
set -u
TEST_RESULTS=$(realpath -m "${TEST_RESULTS:-build/test-results}")
export TEST_RESULTS
bad=0
end=$(($(date +%s) + ${SYSTEM_TEST_LIMIT:-4200}))

# part NAME SECONDS COMMAND...: a part that fails must have counted its failures; one that dies before it could, is one.
part() {
	name=$1
	seconds=$2
	shift 2
	begin=$(date +%s)
	[ "$seconds" -lt $((end - begin)) ] || seconds=$((end - begin))
	[ "$seconds" -gt 0 ] || seconds=1
	counted=$(failures)
	echo "== $name"
	if timeout -k 20 "$seconds" "$@"; then
		echo "== $name: passed, $(($(date +%s) - begin)) s"
		return 0
	fi
	echo "== $name: failed, $(($(date +%s) - begin)) s (limit $seconds s)"
	[ "$(failures)" -gt "$counted" ] || count failed
	bad=1
	return 1
}

failures() {
	awk '$1 == "failed" { n += $2 } END { print n + 0 }' "$TEST_RESULTS" 2>/dev/null || echo 0
}

count() { # passed|failed
	printf '%s 1\n' "$1" >>"$TEST_RESULTS"
}

one_test() { # like part, for a command that is itself one test
	part "$@" && count passed
}

# tests/boot/run.sh prints "ok NAME" lines and leaves the counting to us.
boot_tests() {
	output=$(mktemp)
	tests/boot/run.sh 2>&1 | tee "$output"
	good=$(grep -c '^ok ' "$output")
	wrong=$(grep -c '^not ok ' "$output")
	rm -f "$output"
	printf 'passed %d\nfailed %d\n' "$good" "$wrong" >>"$TEST_RESULTS"
	[ "$good" -gt 0 ] && [ "$wrong" -eq 0 ]
}

mkdir -p "$(dirname "$TEST_RESULTS")"
[ "${1:-}" != boot-tests ] || { boot_tests; exit; }
if image/run/appliance.sh status >/dev/null 2>&1; then
	echo "an appliance is running already; the tests need one of their own: make stop" >&2
	exit 2
fi
trap 'image/run/appliance.sh stop >/dev/null 2>&1' EXIT
trap 'exit 1' INT TERM HUP

if one_test 'the image boots and answers' 320 env FRESH=1 image/run/appliance.sh start; then
	part 'browser' 1000 tests/ui/run.sh
	part 'API' 300 tests/api/run.sh
	part 'services that die' 240 tests/system/run.sh
	one_test 'the appliance shuts down when asked to' 240 image/run/appliance.sh stop
fi
part 'virtual disks' 400 tests/storage/run.sh
part 'boot' 2400 "$0" boot-tests
exit $bad
