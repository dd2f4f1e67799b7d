# SPDX-License-Identifier: Apache-2.0
# Console, serial port and screenshot of a VM that is off; and of none.
. ./lib.sh
new_vm
for what in console serial/1; do
	upgrade "/vms/$vm/$what" -H "Authorization: Bearer $TOKEN" -H 'Sec-WebSocket-Protocol: binary'
	expect 409 vm_not_running
	upgrade "/vms/$(uuid)/$what" -H "Authorization: Bearer $TOKEN"
	expect 404 vm_not_found
	api GET "/vms/$vm/$what"
	expect 426 websocket_required
done
upgrade "/vms/$vm/serial/3" -H "Authorization: Bearer $TOKEN"
expect 404
upgrade "/vms/$vm/nothing" -H "Authorization: Bearer $TOKEN"
expect 404 not_found
api GET "/vms/$vm/screenshot"
expect 409 vm_not_running
api GET "/vms/$vm/screenshot?width=1"
expect 422 out_of_range width
upgrade "/vms/$vm/console" -H "Authorization: Bearer $TOKEN" -H 'Sec-WebSocket-Protocol: morse'
expect 400 malformed_request
