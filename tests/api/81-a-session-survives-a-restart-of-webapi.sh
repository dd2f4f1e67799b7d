# SPDX-License-Identifier: Apache-2.0
# kill -9 of webapi costs no login.
. ./lib.sh
[ -n "${LOCAL_KILL:-}" ] || skip 'only against local services'
request POST /sessions -H "$JSON" -d "{\"username\":\"$ADMIN_USER\",\"password\":\"$ADMIN_PASSWORD\"}" -c "$WORK/cookies"
expect 201
csrf=$(field .csrfToken)
"$LOCAL_KILL" webapi
echo webapi >"$LOCAL_RESTART"
for _ in $(seq 100); do
	request GET /healthz
	[ "$status" = 200 ] && break
	sleep 0.1
done
request GET /sessions/current -b "$WORK/cookies"
expect 200
equal csrfToken "$(field .csrfToken)" "$csrf"
