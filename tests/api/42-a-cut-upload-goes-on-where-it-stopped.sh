# SPDX-License-Identifier: Apache-2.0
# The connection breaks in the middle: what arrived is kept, the rest makes it whole, and the file is the one that was sent.
. ./lib.sh
make_iso "$WORK/a.iso" 32
size=$(stat -c %s "$WORK/a.iso")
id=$(uuid)
remove "/isos/$id"
curl -sk -o /dev/null --max-time 2 --limit-rate 4M -X PUT -H "Authorization: Bearer $TOKEN" -H "$BINARY" -T "$WORK/a.iso" "$URL/isos/$id?name=cut-$id.iso" &&
	fail 'the upload was not cut'
for _ in $(seq 60); do	# until the end of the connection was noticed, the old upload is still going on
	api GET "/isos/$id"
	expect 200
	received=$(field .receivedBytes)
	[ "$received" -gt 0 ] && [ "$received" -lt "$size" ] || fail "received $received of $size"
	tail -c +$((received + 1)) "$WORK/a.iso" >"$WORK/rest"
	api PUT "/isos/$id" -H "$BINARY" -H "Content-Range: bytes $received-$((size - 1))/$size" -T "$WORK/rest"
	[ "$status" = 409 ] || break
	case $(field .code) in
	upload_in_progress | wrong_offset) sleep 0.5 ;;
	*) break ;;
	esac
done
expect 201
equal state "$(field .state)" ready
equal received "$(field .receivedBytes)" "$size"
