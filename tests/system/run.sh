#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [TEST...]: what needs a root shell in the appliance of build/run/appliance.json: services and workers that are
# killed. One line per test; counts go to $TEST_RESULTS (build/test-results). The password must be an ordinary one.
set -u
json=$(realpath "${APPLIANCE_JSON:-build/run/appliance.json}")
results=$(realpath -m "${TEST_RESULTS:-build/test-results}")
cd "$(dirname "$0")" || exit 1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
URL=$(jq -r .url "$json" | sed 's#/*$##')/api/v1
SHELL_SOCKET=$(jq -r .shellSocket "$json")
export URL SHELL_SOCKET
passed=0
failed=0

call() { # METHOD PATH BODY [CURL OPTIONS]
	method=$1 path=$2 body=$3
	shift 3
	curl -sk --max-time 30 -b "$scratch/cookies" -c "$scratch/cookies" -H 'Content-Type: application/json' -X "$method" -d "$body" "$@" "$URL$path"
}

csrf=$(call POST /sessions "$(jq '{username: .adminUser, password: .adminPassword}' "$json")" | jq -r '.csrfToken // empty')
TOKEN=$(call POST /tokens '{"name":"system tests"}' -H "X-CSRF-Token: $csrf" | jq -r '.token // empty')
[ -n "$TOKEN" ] || { echo "cannot log in at $URL as the administrator of $json"; printf 'failed 1\n' >>"$results"; exit 1; }
export TOKEN

[ $# -gt 0 ] || set -- [0-9]*.sh
for test in "$@"; do
	WORK=$scratch/work
	export WORK
	mkdir -p "$WORK"
	if timeout 300 sh "./$test" >"$WORK/output" 2>&1; then
		passed=$((passed + 1))
		echo "ok - ${test%.sh}"
	else
		failed=$((failed + 1))
		echo "not ok - ${test%.sh}"
		sed 's/^/#   /' "$WORK/output"
	fi
	rm -rf "$WORK"
done
printf 'passed %d\nfailed %d\n' "$passed" "$failed" >>"$results"
echo "system tests: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
