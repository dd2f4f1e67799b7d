# SPDX-License-Identifier: Apache-2.0
# Memory and devices of a real machine into a file and back, with a vmms in between that was killed.
. ./lib.sh
running_vm
api POST "/vms/$vm/actions/save"
expect 202
job=$(field .id)
wait_for 90 "/jobs/$job" .state succeeded
wait_for 10 "/vms/$vm" .state saved
equal 'its worker' "$(worker_pid "$vm")" ''
root 'systemctl kill -s KILL partita-vmms'
wait_until_healthy 60
wait_for 30 "/vms/$vm" .state saved
api PATCH "/vms/$vm" -H "$JSON" -d '{"memory":{"startupBytes":134217728}}'
expect 409 vm_not_off

api POST "/vms/$vm/actions/start"
expect 202
job=$(field .id)
wait_for 120 "/jobs/$job" .state succeeded
wait_for 10 "/vms/$vm" .state running
equal 'files of a saved state' "$(root "ls -a /var/lib/partita/vms/$vm | grep -c saved-state" | tr -d '\r\n')" 0
api GET "/vms/$vm/screenshot?width=320"
expect 200

api POST "/vms/$vm/actions/save"
expect 202
wait_for 90 "/vms/$vm" .state saved
api POST "/vms/$vm/actions/discard-saved-state"
expect 202
wait_for 30 "/vms/$vm" .state off
