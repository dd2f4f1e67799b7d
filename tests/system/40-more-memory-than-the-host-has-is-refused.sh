# SPDX-License-Identifier: Apache-2.0
# Each VM may be as large as the host allows; two of them at once are too much, and that is told, not tried. A multiple of 2 MiB.
. ./lib.sh
api GET /host
half=$(field '(.memory.availableBytes * 2 / 3 / 2097152 | floor) * 2097152')
new_vm 1 "$half"
first=$vm
remove_running "$first"
api POST "/vms/$first/actions/start"
expect 202
wait_for 120 "/vms/$first" .state running
new_vm 1 "$half"
remove_running "$vm"
api POST "/vms/$vm/actions/start"
if [ "$status" = 202 ]; then
	job=$(field .id)
	wait_for 60 "/jobs/$job" .state failed
	field .error.detail | grep -qi memory || fail "the reason does not speak of memory: $(field .error.detail)"
else
	field .detail | grep -qi memory || fail "the reason does not speak of memory: $(field .detail)"
fi
api GET "/vms/$first"
equal 'the first VM' "$(field .state)" running
