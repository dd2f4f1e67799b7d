# SPDX-License-Identifier: Apache-2.0
# Two VMs cannot have one name, whatever its case; neither by renaming.
. ./lib.sh
new_vm
name=$(field .name)
post /vms "$(vm_json "$name")"
expect 409 name_in_use name
post /vms "$(vm_json "$(echo "$name" | tr a-z A-Z)")"
expect 409 name_in_use name
new_vm
api PATCH "/vms/$vm" -H "$JSON" -d "{\"name\":\"$name\"}"
expect 409 name_in_use name
