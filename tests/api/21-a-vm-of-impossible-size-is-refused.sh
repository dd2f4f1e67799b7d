# SPDX-License-Identifier: Apache-2.0
# 0 or 10,000 VPs, less memory than any guest needs or more than the host has; the field is named and nothing is made.
. ./lib.sh
name=$(unique)
api GET /host
expect 200
too_much=$(field '.memory.totalBytes * 4 / 1048576 | floor * 1048576')
for count in 0 10000 -1 1.5 '"two"' null; do
	post /vms "$(vm_json "$name" "$count")"
	[ "$status" = 422 ] || fail "$count VPs: $status $(cat "$WORK/body")"
	equal field "$(field .field)" processor.count
done
for bytes in 0 1048576 "$too_much" 9223372036854775807 '"much"'; do
	post /vms "$(vm_json "$name" 1 "$bytes")"
	[ "$status" = 422 ] || fail "$bytes bytes: $status $(cat "$WORK/body")"
	equal field "$(field .field)" memory.startupBytes
done
api GET '/vms?limit=1000'
equal 'VMs of this name' "$(field "[.items[] | select(.name == \"$name\")] | length")" 0
