# SPDX-License-Identifier: Apache-2.0
# For the scripts beside: where the programs are, a folder of their own, and "ok"/"not ok" lines that are counted.
top=$(cd "$(dirname "$0")/../.." && pwd)
B=${B:-$top/build}
vdisk=$B/bin/partita-vdisk
work=$(mktemp -d "${STORAGE_TEST_DIR:-/tmp}/partita-storage-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0

# test_that NAME COMMAND...: the command's output is shown when it fails.
test_that() {
	name=$1
	shift
	if (set -e; "$@") >"$work/output" 2>&1; then
		passed=$((passed + 1))
		echo "ok $name"
	else
		failed=$((failed + 1))
		echo "not ok $name"
		sed 's/^/# /' "$work/output" | tail -n 20
	fi
}

counts() {
	[ -z "${TEST_RESULTS:-}" ] || printf 'passed %d\nfailed %d\n' "$passed" "$failed" >>"$TEST_RESULTS"
	echo "storage: $passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}

# refused WORDS COMMAND...: it must fail and say so.
refused() {
	words=$1
	shift
	if "$@" >refusal 2>&1; then
		echo "$*: was not refused"
		return 1
	fi
	grep -qF -- "$words" refusal || { cat refusal; echo "does not say: $words"; return 1; }
}
