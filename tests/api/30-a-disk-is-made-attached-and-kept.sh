# SPDX-License-Identifier: Apache-2.0
# Disks of both formats; a disk in use cannot be deleted; the VM's death leaves it, its own new disks go with it.
. ./lib.sh
for format in raw vhd; do
	post /disks "{\"name\":\"$(unique)\",\"format\":\"$format\",\"sizeBytes\":16777216}"
	expect 201
	equal size "$(field .sizeBytes)" 16777216
	equal format "$(field .format)" "$format"
	api DELETE "/disks/$(field .id)"
	expect 204
done
new_disk
new_vm
post "/vms/$vm/disks" "{\"medium\":\"disk\",\"source\":{\"diskId\":\"$disk\"}}"
expect 201
slot=$(field '.disks[0].id')
equal controller "$(field '.disks[0].controller | "\(.type) \(.number) \(.location)"')" 'ide 0 0'
api DELETE "/disks/$disk"
expect 409 disk_attached
post "/vms/$vm/disks" "{\"medium\":\"disk\",\"source\":{\"diskId\":\"$(uuid)\"}}"
[ "$status" = 404 ] || [ "$status" = 422 ] || fail "a disk that does not exist: $status $(cat "$WORK/body")"
post "/vms/$vm/disks" "{\"medium\":\"dvd\",\"source\":null,\"controller\":{\"type\":\"ide\",\"number\":0,\"location\":0}}"
expect 409 position_in_use
api DELETE "/vms/$vm/disks/$slot"
expect 200
equal 'drives left' "$(field '.disks | length')" 0
api DELETE "/vms/$vm/disks/$slot"
expect 404
post "/vms/$vm/disks" "{\"medium\":\"disk\",\"source\":{\"diskId\":\"$disk\"}}"
expect 201
api DELETE "/vms/$vm"
expect 204
api GET "/disks/$disk"
expect 200
equal 'attached to' "$(field '.attachedTo | length')" 0
