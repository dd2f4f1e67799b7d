# SPDX-License-Identifier: Apache-2.0
# A qcow2 and a VMDK image, as qemu-img writes them, come back as VHDX with the same contents; one with a backing file is refused.
. ./lib.sh
dd if=/dev/urandom of="$WORK/raw" bs=1M count=3 status=none
truncate -s 16M "$WORK/raw"
send() { # FILE STATE: as a new disk with the id $id; waits for its job
	id=$(uuid)
	remove "/disks/$id"
	api PUT "/uploads/disks/$id?name=foreign-$id&sha256=$(sha256sum <"$1" | cut -d' ' -f1)" -H "$BINARY" -T "$1"
	expect 202
	job=$(field .id)
	wait_for 60 "/jobs/$job" .state "$2"
}
for format in qcow2 vmdk; do
	qemu-img convert -f raw -O $format "$WORK/raw" "$WORK/$format"
	send "$WORK/$format" succeeded
	api GET "/disks/$id"
	equal "format, type and size of $format" "$(field '[.format, .type, .sizeBytes] | join(" ")')" 'vhdx dynamic 16777216'
	api GET "/uploads/disks/$id"
	expect 200
	qemu-img compare -q -f vhdx -F raw "$WORK/body" "$WORK/raw" || fail "the contents of $format are others"
done
qemu-img create -q -f qcow2 -b "$WORK/raw" -F raw "$WORK/backed"
truncate -s 2M "$WORK/backed"
send "$WORK/backed" failed
equal code "$(field .error.code)" disk_invalid
case $(field .error.detail) in *'backing file'*) ;; *) fail "detail: $(field .error.detail)" ;; esac
api GET "/disks/$id"
expect 404 disk_not_found
