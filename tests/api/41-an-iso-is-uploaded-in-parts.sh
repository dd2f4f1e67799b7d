# SPDX-License-Identifier: Apache-2.0
# Content-Range parts in order; a part at a wrong place is told where to go on.
. ./lib.sh
make_iso "$WORK/a.iso" 6
size=$(stat -c %s "$WORK/a.iso")
id=$(uuid)
remove "/isos/$id"
part() { # FIRST LAST
	tail -c +$(($1 + 1)) "$WORK/a.iso" | head -c $(($2 - $1 + 1)) >"$WORK/part"
	api PUT "/isos/$id?name=parts.iso-$id" -H "$BINARY" -H "Content-Range: bytes $1-$2/$size" -T "$WORK/part"
}
part 0 1048575
expect 200
equal state "$(field .state)" uploading
equal received "$(field .receivedBytes)" 1048576
part 2097152 3145727
expect 409 wrong_offset
equal 'where to go on' "$(field .receivedBytes)" 1048576
part 1048576 3145727
expect 200
part 3145728 $((size - 1))
expect 201
equal state "$(field .state)" ready
api PUT "/isos/$(uuid)?name=x" -H "$BINARY" -H 'Content-Range: bytes 5-1/10' -T "$WORK/part"
expect 400 malformed_request Content-Range
