# SPDX-License-Identifier: Apache-2.0
# Garbage, arrays, half objects, twice the same member, broken UTF-8, and no body at all.
. ./lib.sh
for body in 'garbage' '[]' '{' '{"name":1,"name":2}' 'null' "$(printf '{"name":"\377"}')"; do
	api POST /vms -H "$JSON" --data-binary "$body"
	expect 400 malformed_json
done
api POST /vms -H "$JSON" -d ''
expect 400 malformed_json
