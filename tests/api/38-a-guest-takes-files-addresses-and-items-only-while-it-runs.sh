# SPDX-License-Identifier: Apache-2.0
# What reaches into a guest is refused with the reason where there is none, and items for it are kept with the VM.
. ./lib.sh
new_vm
echo hello >"$WORK/hello"
send() { # QUERY
	api POST "/vms/$vm/guest/files?$1" -H "$BINARY" --data-binary @"$WORK/hello"
}
send 'folder=/tmp&name=hello'
expect 409 vm_not_running
send 'name=hello'
expect 422 missing_field folder
send 'folder=/tmp&name=a/b'
expect 422 missing_field name
send 'folder=/tmp&name=hello&overwrite=perhaps'
expect 422 wrong_type overwrite
send 'folder=/tmp&name=hello&colour=red'
expect 422 unknown_field colour
api POST "/vms/$vm/guest/files?folder=/tmp&name=x" -H "$JSON" -d '{}'
expect 415 unsupported_media_type

post "/vms/$vm/network-adapters" '{"name":"one"}'
expect 201
adapter=$(field '.networkAdapters[-1].id')
post "/vms/$vm/network-adapters/$adapter/guest-addresses" '{"addresses":["192.0.2.5"]}'
expect 422 out_of_range addresses
post "/vms/$vm/network-adapters/$adapter/guest-addresses" '{"addresses":["192.0.2.5/24"],"gateways":["192.0.2.1"]}'
expect 409 vm_not_running
post "/vms/$vm/network-adapters/$(uuid)/guest-addresses" '{"dhcp":true}'
expect 404 network_adapter_not_found

api PATCH "/vms/$vm/guest/items" -H "$JSON" -d '{"items":{"role":"web","zone":"a"}}'
expect 200
api PATCH "/vms/$vm/guest/items" -H "$JSON" -d '{"items":{"zone":null}}'
expect 200
api GET "/vms/$vm/guest/items"
expect 200
equal items "$(field ".items | tojson")" '{"role":"web"}'
api PATCH "/vms/$vm/guest/items" -H "$JSON" -d '{"items":{"role":5}}'
expect 422 wrong_type items
api PATCH "/vms/$vm/guest/items" -H "$JSON" -d '{}'
expect 422 missing_field items
