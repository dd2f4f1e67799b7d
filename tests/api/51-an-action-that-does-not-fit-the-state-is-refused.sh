# SPDX-License-Identifier: Apache-2.0
# What only a running VM can do, asked of a stopped one; an action nobody knows.
. ./lib.sh
new_vm
for action in shutdown turn-off reset restart pause resume save discard-saved-state; do
	api POST "/vms/$vm/actions/$action"
	expect 409 vm_wrong_state
done
api POST "/vms/$vm/actions/dance"
expect 404 not_found
api POST "/vms/$(uuid)/actions/start"
expect 404 vm_not_found
