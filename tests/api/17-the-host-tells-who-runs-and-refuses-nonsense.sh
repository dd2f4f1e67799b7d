# SPDX-License-Identifier: Apache-2.0
# Reading the host's power state is for everybody, wrong actions are refused, and none of it turns anything off.
. ./lib.sh
api GET /host/power
expect 200
equal action "$(field .action)" null
equal 'a list of VMs' "$(field '.runningVms | type')" array
for body in '{}:missing_field' '{"action":"explode"}:out_of_range' '{"action":"restart","now":true}:unknown_field' '{"action":1}:wrong_type'; do
	post /host/power "${body%:*}"
	expect 422 "${body##*:}"
done
api GET /healthz
expect 200
