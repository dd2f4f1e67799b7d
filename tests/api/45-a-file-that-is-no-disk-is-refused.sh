# SPDX-License-Identifier: Apache-2.0
# Rubbish, a wrong checksum and parameters nobody knows; an unfinished upload is ended.
. ./lib.sh
head -c 1200000 /dev/urandom >"$WORK/rubbish"
refused_job() { # CODE QUERY
	id=$(uuid)
	remove "/uploads/disks/$id"
	api PUT "/uploads/disks/$id?name=bad-$id$2" -H "$BINARY" -T "$WORK/rubbish"
	expect 202
	job=$(field .id)
	wait_for 30 "/jobs/$job" .state failed
	equal "code with '$2'" "$(field .error.code)" "$1"
	api GET "/disks/$id"
	expect 404 disk_not_found
	api DELETE "/uploads/disks/$id"
	expect 404 upload_not_found
}
refused_job disk_invalid ''
refused_job disk_invalid '&format=vhd'
refused_job checksum_mismatch "&format=raw&sha256=$(printf '0%.0s' $(seq 64))"
id=$(uuid)
put() { # QUERY
	api PUT "/uploads/disks/$id$1" -H "$BINARY" -T "$WORK/rubbish"
}
put ''
expect 422 missing_field name
put '?name=a&format=qcow2'
expect 422 out_of_range format
put '?name=a&sha256=abc'
expect 422 out_of_range sha256
api PUT "/uploads/disks/$id?name=a-$id" -H "$BINARY" -H 'Content-Range: bytes 0-1199999/9000000' -T "$WORK/rubbish"
expect 200
api DELETE "/uploads/disks/$id"
expect 204
api GET "/uploads/disks/$id"
expect 404 disk_not_found
