# SPDX-License-Identifier: Apache-2.0
# The file of a disk is downloaded whole and in parts, and uploaded in parts as another disk.
. ./lib.sh
new_disk
api GET "/uploads/disks/$disk"
expect 200
cp "$WORK/body" "$WORK/whole"
size=$(stat -c %s "$WORK/whole")
etag=$(header ETag)
equal length "$(header Content-Length)" "$size"
equal ranges "$(header Accept-Ranges)" bytes
equal 'first bytes' "$(head -c 8 "$WORK/whole")" vhdxfile
case $(header Content-Disposition) in 'attachment; filename="test-'*'.vhdx"'*) ;; *) fail "disposition $(header Content-Disposition)" ;; esac
api GET "/uploads/disks/$disk" -H "If-None-Match: $etag"
expect 304
range() { # RANGE FIRST LAST
	api GET "/uploads/disks/$disk" -H "Range: bytes=$1"
	expect 206
	equal "Content-Range of $1" "$(header Content-Range)" "bytes $2-$3/$size"
	tail -c +$(($2 + 1)) "$WORK/whole" | head -c $(($3 - $2 + 1)) | cmp - "$WORK/body" || fail "bytes of $1"
}
range 0-7 0 7
range 65536-1048575 65536 1048575
range "$((size - 3))-" $((size - 3)) $((size - 1))
range -5 $((size - 5)) $((size - 1))
range "0-$((size * 2))" 0 $((size - 1))
api GET "/uploads/disks/$disk" -H "Range: bytes=$size-"
expect 416 range_not_satisfiable
equal 'what there is' "$(header Content-Range)" "bytes */$size"
api GET "/uploads/disks/$disk" -H 'Range: bytes=0-1,5-6'
expect 200
api GET "/uploads/disks/$disk" -H 'Range: bytes=0-7' -H 'If-Range: "another"'
expect 200
api GET "/uploads/disks/$disk" -H 'Range: bytes=0-7' -H "If-Range: $etag"
expect 206
request GET "/uploads/disks/$disk"
expect 401
id=$(uuid)
name=again-$id
remove "/disks/$id"
remove "/uploads/disks/$id"
sum=$(sha256sum "$WORK/whole" | cut -d ' ' -f 1)
part() { # FIRST LAST
	tail -c +$(($1 + 1)) "$WORK/whole" | head -c $(($2 - $1 + 1)) >"$WORK/part"
	api PUT "/uploads/disks/$id?name=$name&sha256=$sum" -H "$BINARY" -H "Content-Range: bytes $1-$2/$size" -T "$WORK/part"
}
part 0 1048575
expect 200
equal received "$(field .receivedBytes)" 1048576
part 0 1048575
expect 409 wrong_offset
equal 'where to go on' "$(field .receivedBytes)" 1048576
api GET /uploads/disks
expect 200
equal 'on its way' "$(field "[.items[] | select(.id == \"$id\") | .state] | first")" uploading
part 1048576 $((size - 1))
expect 202
job=$(field .id)
equal Location "$(header Location)" "/api/v1/jobs/$job"
wait_for 30 "/jobs/$job" .state succeeded
api GET "/disks/$id"
expect 200
equal 'the new disk' "$(field '.name + " " + .format + " " + .type')" "$name vhdx dynamic"
api GET "/uploads/disks/$id"
cmp "$WORK/whole" "$WORK/body" || fail 'it came back changed'
