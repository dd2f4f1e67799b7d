# SPDX-License-Identifier: Apache-2.0
# A generation-2 VM is made and says so; its generation cannot be changed later; it goes with all that was made for it.
. ./lib.sh
post /vms "{\"name\":\"$(unique)\",\"generation\":2,\"processor\":{\"count\":1},\"memory\":{\"startupBytes\":134217728}}"
expect 201
vm=$(field .id)
remove "/vms/$vm"
equal generation "$(field .generation)" 2
api GET "/vms/$vm"
equal generation "$(field .generation)" 2
api PATCH "/vms/$vm" -H "$JSON" -d '{"notes":"m"}'
expect 200
equal generation "$(field .generation)" 2
api PATCH "/vms/$vm" -H "$JSON" -d '{"generation":1}'
[ "$status" = 422 ] || fail "the generation was changed: $status"
api DELETE "/vms/$vm"
expect 204
api GET "/vms/$vm"
expect 404 vm_not_found
