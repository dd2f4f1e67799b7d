# SPDX-License-Identifier: Apache-2.0
# The connection breaks in the middle: what arrived is kept, the rest makes it whole, and the file is the one that was sent.
. ./lib.sh
make_iso "$WORK/a.iso" 32
size=$(stat -c %s "$WORK/a.iso")
id=$(uuid)
remove "/isos/$id"
curl -sk -o /dev/null --max-time 2 --limit-rate 4M -X PUT -H "Authorization: Bearer $TOKEN" -H "$BINARY" -T "$WORK/a.iso" "$URL/isos/$id?name=cut-$id.iso" &&
	fail 'the upload was not cut'
wait_for 10 "/isos/$id" .state uploading
received=-1
for _ in $(seq 20); do	# the end of the connection may take a moment to be noticed
	[ "$(field .receivedBytes)" != "$received" ] || [ "$received" -le 0 ] || break
	received=$(field .receivedBytes)
	sleep 0.5
	api GET "/isos/$id"
done
[ "$received" -gt 0 ] && [ "$received" -lt "$size" ] || fail "received $received of $size"
tail -c +$((received + 1)) "$WORK/a.iso" >"$WORK/rest"
api PUT "/isos/$id" -H "$BINARY" -H "Content-Range: bytes $received-$((size - 1))/$size" -T "$WORK/rest"
expect 201
equal state "$(field .state)" ready
equal received "$(field .receivedBytes)" "$size"
