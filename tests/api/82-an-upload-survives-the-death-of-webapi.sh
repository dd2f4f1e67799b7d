# SPDX-License-Identifier: Apache-2.0
# kill -9 of webapi in the middle of an upload: what arrived is kept and the rest can be sent.
. ./lib.sh
[ -n "${LOCAL_KILL:-}" ] || skip 'only against local services'
make_iso "$WORK/a.iso" 16
size=$(stat -c %s "$WORK/a.iso")
id=$(uuid)
remove "/isos/$id"
curl -sk -o /dev/null --limit-rate 2M -X PUT -H "Authorization: Bearer $TOKEN" -H "$BINARY" -T "$WORK/a.iso" "$URL/isos/$id?name=killed-$id.iso" &
sleep 2
"$LOCAL_KILL" webapi
echo webapi >"$LOCAL_RESTART"
for _ in $(seq 100); do
	request GET /healthz
	[ "$status" = 200 ] && break
	sleep 0.1
done
api GET "/isos/$id"
expect 200
received=$(field .receivedBytes)
[ "$received" -gt 0 ] && [ "$received" -lt "$size" ] || fail "received $received of $size"
tail -c +$((received + 1)) "$WORK/a.iso" >"$WORK/rest"
api PUT "/isos/$id" -H "$BINARY" -H "Content-Range: bytes $received-$((size - 1))/$size" -T "$WORK/rest"
expect 201
