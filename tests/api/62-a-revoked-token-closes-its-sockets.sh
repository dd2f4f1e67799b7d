# SPDX-License-Identifier: Apache-2.0
# An event stream ends within seconds of the token that opened it.
. ./lib.sh
post /tokens '{"name":"stream","role":"viewer"}'
expect 201
id=$(field .id)
secret=$(field .token)
curl -sk --http1.1 --max-time 40 -o "$WORK/frames" -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
	-H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' -H "Authorization: Bearer $secret" "$URL/events/stream" &
stream=$!
sleep 2
kill -0 $stream 2>/dev/null || fail 'the stream did not stay open'
api DELETE "/tokens/$id"
expect 204
begin=$(date +%s)
wait $stream
[ $(($(date +%s) - begin)) -lt 30 ] || fail 'the stream stayed open'
