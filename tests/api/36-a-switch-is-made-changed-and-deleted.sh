# SPDX-License-Identifier: Apache-2.0
# Switches of every kind that needs no hardware; the one that a VM is connected to keeps its type and cannot be deleted.
. ./lib.sh
api GET /switches
expect 200
equal 'a Default Switch' "$(field '[.items[] | select(.nat)] | length > 0')" true
name=$(unique)
post /switches "{\"name\":\"$name\",\"type\":\"private\"}"
expect 201
switch=$(field .id)
remove "/switches/$switch"
equal location "$(header Location)" "/api/v1/switches/$switch"
equal kind "$(field '"\(.type) \(.nat) \(.uplink)"')" 'private false null'
post /switches "{\"name\":\"$name\",\"type\":\"internal\"}"
expect 409 name_in_use name
post /switches "{\"name\":\"$(unique)\",\"type\":\"external\"}"
expect 422 missing_field uplink
post /switches "{\"name\":\"$(unique)\",\"type\":\"external\",\"uplink\":\"none7\"}"
expect 422 out_of_range uplink
api PATCH "/switches/$switch" -H 'Content-Type: application/merge-patch+json' -d '{"type":"internal","nat":true}'
expect 200
equal kind "$(field '"\(.type) \(.nat)"')" 'internal true'
post /vms "{\"name\":\"$(unique)\",\"processor\":{\"count\":1},\"memory\":{\"startupBytes\":134217728},\"networkAdapters\":[{\"switchId\":\"$switch\"}]}"
expect 201
vm=$(field .id)
remove "/vms/$vm"
api PATCH "/switches/$switch" -H 'Content-Type: application/merge-patch+json' -d '{"type":"private","nat":false}'
expect 409 switch_in_use
api DELETE "/switches/$switch"
expect 409 switch_in_use
api GET "/switches/$switch"
equal 'attached to' "$(field '.attachedTo[0].vmId')" "$vm"
api DELETE "/vms/$vm"
expect 204
api DELETE "/switches/$switch"
expect 204
api GET "/switches/$switch"
expect 404 switch_not_found
api GET /host/network-adapters
expect 200
equal 'a list' "$(field '.items | type')" array
