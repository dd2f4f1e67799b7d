# SPDX-License-Identifier: Apache-2.0
# The log and the stream show a VM made and deleted; since= resumes where one was.
. ./lib.sh
api GET '/events?limit=1'
expect 200
since=$(field '.items[-1].seq // 0')
new_vm
api DELETE "/vms/$vm"
expect 204
api GET "/events?since=$since"
expect 200
equal created "$(field "[.items[] | select(.object.id == \"$vm\" and .type == \"vm.created\")] | length")" 1
equal deleted "$(field "[.items[] | select(.object.id == \"$vm\" and .type == \"vm.deleted\")] | length")" 1
equal order "$(field '[.items[].seq] | . == sort')" true
upgrade "/events/stream?since=$since" -H "Authorization: Bearer $TOKEN" -H 'Sec-WebSocket-Protocol: json'
equal 'the upgrade' "$status" 101
grep -aq "vm.created.*$vm" "$WORK/frames" || fail 'the stream does not hold the event'
api GET '/events?since=x'
expect 422 out_of_range since
