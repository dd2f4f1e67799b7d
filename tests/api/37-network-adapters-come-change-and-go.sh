# SPDX-License-Identifier: Apache-2.0
# A VM is made with an adapter on the Default Switch; others are added, changed and removed.
. ./lib.sh
new_vm
default=$(field '.networkAdapters[0].switchId')
equal adapters "$(field '.networkAdapters | length')" 1
api GET "/switches/$default"
expect 200
equal 'its switch' "$(field .nat)" true
post "/vms/$vm/network-adapters" '{"name":"second","vlan":{"mode":"access","id":12}}'
expect 201
adapter=$(field '.networkAdapters[1].id')
mac=$(field '.networkAdapters[1].macAddress')
equal 'made up' "$(echo "$mac" | cut -c1-8)" 00:15:5d
equal connected "$(field '.networkAdapters[1].connected')" false
post "/vms/$vm/network-adapters" "{\"macAddress\":\"$mac\"}"
expect 409 mac_address_in_use
post "/vms/$vm/network-adapters" '{"macAddress":"ff:ff:ff:ff:ff:ff"}'
expect 422 out_of_range macAddress
api PATCH "/vms/$vm/network-adapters/$adapter" -H 'Content-Type: application/merge-patch+json' -d "{\"switchId\":\"$default\",\"vlan\":null}"
expect 200
equal changed "$(field '.networkAdapters[1] | "\(.connected) \(.vlan) \(.name)"')" 'true null second'
api PATCH "/vms/$vm/network-adapters/$adapter" -H 'Content-Type: application/merge-patch+json' -d '{"speed":1}'
expect 422 unknown_field speed
api DELETE "/vms/$vm/network-adapters/$adapter"
expect 200
equal left "$(field '.networkAdapters | length')" 1
api DELETE "/vms/$vm/network-adapters/$adapter"
expect 404 network_adapter_not_found
api GET "/vms/$vm/network-adapters"
expect 200
equal left "$(field '.items | length')" 1
