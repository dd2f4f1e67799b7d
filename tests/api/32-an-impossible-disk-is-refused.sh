# SPDX-License-Identifier: Apache-2.0
# Sizes out of range or not in sectors, formats nobody knows.
. ./lib.sh
name=$(unique)
for size in 0 511 1048577 -512 70368744178176 9223372036854775807 '"big"'; do
	post /disks "{\"name\":\"$name\",\"sizeBytes\":$size}"
	[ "$status" = 422 ] || [ "$status" = 507 ] || fail "$size: $status $(cat "$WORK/body")"
done
for spec in '"format":"vhd","sizeBytes":4398046511104' '"format":"raw","type":"dynamic","sizeBytes":1048576' '"blockBytes":3145728,"sizeBytes":1048576' '"type":"differencing"'; do
	post /disks "{\"name\":\"$name\",$spec}"
	[ "$status" = 422 ] || fail "$spec: $status $(cat "$WORK/body")"
done
post /disks "{\"name\":\"$name\",\"format\":\"qcow2\",\"sizeBytes\":1048576}"
[ "$status" = 422 ] || fail "qcow2: $status $(cat "$WORK/body")"
equal field "$(field .field)" format
post /disks "{\"name\":\"../$name\",\"sizeBytes\":1048576}"
[ "$status" = 422 ] || fail "a name with a slash: $status $(cat "$WORK/body")"
api GET '/disks?limit=1000'
equal 'disks of this name' "$(field "[.items[] | select(.name == \"$name\")] | length")" 0
