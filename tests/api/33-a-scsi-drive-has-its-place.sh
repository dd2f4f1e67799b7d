# SPDX-License-Identifier: Apache-2.0
# A drive goes where it is told on four SCSI controllers with 64 places; a place is taken once, one that does not exist is refused.
. ./lib.sh
drive() { echo "{\"medium\":\"dvd\",\"source\":null,\"controller\":{\"type\":\"scsi\",\"number\":$1,\"location\":$2}}"; }
new_disk
new_vm
post "/vms/$vm/disks" "$(drive 3 63)"
expect 201
equal controller "$(field '.disks[-1].controller | "\(.type) \(.number) \(.location)"')" 'scsi 3 63'
post "/vms/$vm/disks" "{\"medium\":\"disk\",\"source\":{\"diskId\":\"$disk\"},\"controller\":{\"type\":\"scsi\",\"number\":3,\"location\":63}}"
expect 409 position_in_use
post "/vms/$vm/disks" "$(drive 4 0)"
expect 422 out_of_range controller.number
post "/vms/$vm/disks" "$(drive 0 64)"
expect 422 out_of_range controller.location
