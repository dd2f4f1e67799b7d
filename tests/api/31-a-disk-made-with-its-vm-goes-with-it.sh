# SPDX-License-Identifier: Apache-2.0
# source.newDisk: one request makes both, one deletes both.
. ./lib.sh
name=$(unique)
post /vms "{\"name\":\"$name\",\"processor\":{\"count\":1},\"memory\":{\"startupBytes\":134217728},
	\"disks\":[{\"medium\":\"disk\",\"source\":{\"newDisk\":{\"name\":\"$name\",\"sizeBytes\":16777216}}}]}"
expect 201
vm=$(field .id)
remove "/vms/$vm"
disk=$(field '.disks[0].source.diskId')
api GET "/disks/$disk"
expect 200
api DELETE "/vms/$vm"
expect 204
api GET "/disks/$disk"
expect 404 disk_not_found
