# SPDX-License-Identifier: Apache-2.0
# The answer does not tell a wrong name from a wrong password; the sixth try in a row has to wait.
. ./lib.sh
body="{\"username\":\"nobody-$$\",\"password\":\"wrong-password\"}"
for _ in 1 2 3 4 5; do
	request POST /sessions -H "$JSON" -d "$body"
	expect 401 wrong_credentials
done
request POST /sessions -H "$JSON" -d "$body"
expect 429 too_many_attempts
[ "$(header Retry-After)" -gt 0 ] || fail "Retry-After: $(header Retry-After)"
