# SPDX-License-Identifier: Apache-2.0
. ./lib.sh
running_vm
other=$vm
other_pid=$(worker_pid "$other")
running_vm
pid=$(worker_pid "$vm")
[ -n "$pid" ] && [ -n "$other_pid" ] || fail 'no worker process was found'
root "kill -9 $pid"
wait_for 30 "/vms/$vm" .state failed
api GET "/vms/$vm"
field '.stateReason + (.health.reasons | join(" "))' | grep -Eqi 'kill|signal' || fail "the reason does not name the signal: $(field .stateReason)"
[ "$(field .health.level)" != ok ] || fail 'a failed VM is called healthy'
api GET "/vms/$other"
equal 'the other VM' "$(field .state)" running
equal "the other VM's worker" "$(worker_pid "$other")" "$other_pid"

# A failed VM can be started again.
api POST "/vms/$vm/actions/start"
expect 202
wait_for 90 "/vms/$vm" .state running
