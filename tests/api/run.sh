#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [TEST...]: runs the API tests against the appliance that APPLIANCE_JSON (build/run/appliance.json) describes. One line per test; the
# counts are appended to $TEST_RESULTS (build/test-results). A one-time password is changed first, and the new one written
# back to APPLIANCE_JSON so that other tests can log in.
set -u
json=$(realpath "${APPLIANCE_JSON:-build/run/appliance.json}")
results=$(realpath -m "${TEST_RESULTS:-build/test-results}")
cd "$(dirname "$0")" || exit 1
scratch=$(mktemp -d)
cookies=$scratch/cookies
URL=$(jq -r .url "$json" | sed 's#/*$##')/api/v1
ADMIN_USER=$(jq -r .adminUser "$json")
ADMIN_PASSWORD=$(jq -r .adminPassword "$json")
export URL ADMIN_USER ADMIN_PASSWORD
passed=0
failed=0

call() { # METHOD PATH [CURL OPTIONS]
	m=$1
	p=$2
	shift 2
	curl -sk --max-time 60 -b "$cookies" -c "$cookies" -H 'Content-Type: application/json' -X "$m" "$@" "$URL$p"
}

log_in() { # leaves $session; waits when other tests have used up the tries
	for _ in 1 2 3 4 5 6; do
		session=$(call POST /sessions -d "$(jq -n --arg u "$ADMIN_USER" --arg p "$ADMIN_PASSWORD" '{username: $u, password: $p}')")
		[ "$(echo "$session" | jq -r .code)" = too_many_attempts ] || break
		sleep 10
	done
	csrf=$(echo "$session" | jq -r '.csrfToken // empty')
	[ -n "$csrf" ] || { echo "cannot log in at $URL: $session" >&2; exit 1; }
}

change_password() {
	new=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
	changed=$(call PATCH "/users/$(echo "$session" | jq -r .user.id)" -H "X-CSRF-Token: $csrf" \
		-d "$(jq -n --arg c "$ADMIN_PASSWORD" --arg p "$new" '{currentPassword: $c, password: $p}')")
	[ "$(echo "$changed" | jq -r .passwordChangeRequired)" = false ] || { echo "cannot change the password: $changed" >&2; exit 1; }
	ADMIN_PASSWORD=$new
	jq --arg p "$new" '.adminPassword = $p' "$json" >"$json.new" && mv "$json.new" "$json"
}

run_one() {
	WORK=$scratch/$(basename "$1" .sh)
	export WORK TOKEN
	mkdir -p "$WORK"
	timeout 600 sh "./$(basename "$1")" >"$WORK/output" 2>&1
	case $? in
	0) passed=$((passed + 1)); echo "ok - $(basename "$1" .sh)" ;;
	77) echo "ok - $(basename "$1" .sh) # skip $(tail -n 1 "$WORK/output")" ;;
	*)
		failed=$((failed + 1))
		echo "not ok - $(basename "$1" .sh)"
		sed 's/^/#   /' "$WORK/output"
		;;
	esac
	rm -rf "$WORK"
}

log_in
[ "$(echo "$session" | jq -r .passwordChangeRequired)" = false ] || change_password
token=$(call POST /tokens -H "X-CSRF-Token: $csrf" -d '{"name":"API tests"}')
TOKEN=$(echo "$token" | jq -r .token)
[ $# -gt 0 ] || set -- [0-9]*.sh
for test in "$@"; do
	run_one "$test"
done
call DELETE "/tokens/$(echo "$token" | jq -r .id)" -H "X-CSRF-Token: $csrf"
call DELETE /sessions/current -H "X-CSRF-Token: $csrf"
rm -rf "$scratch"
mkdir -p "$(dirname "$results")"
printf 'passed %d\nfailed %d\n' "$passed" "$failed" >>"$results"
echo "API tests: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
