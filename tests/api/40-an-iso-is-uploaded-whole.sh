# SPDX-License-Identifier: Apache-2.0
# In one request; then it is ready and can be put into a drive, and cannot be deleted while it is there.
. ./lib.sh
make_iso "$WORK/a.iso" 8
id=$(uuid)
remove "/isos/$id"
api PUT "/isos/$id?name=$(unique).iso" -H "$BINARY" -T "$WORK/a.iso"
expect 201
equal state "$(field .state)" ready
equal size "$(field .sizeBytes)" "$(stat -c %s "$WORK/a.iso")"
new_vm
post "/vms/$vm/disks" "{\"medium\":\"dvd\",\"source\":{\"isoId\":\"$id\"}}"
expect 201
api DELETE "/isos/$id"
expect 409 iso_attached
api DELETE "/vms/$vm"
expect 204
api DELETE "/isos/$id"
expect 204
