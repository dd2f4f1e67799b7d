# SPDX-License-Identifier: Apache-2.0
. ./lib.sh
running_vm
pid=$(worker_pid "$vm")
before=$(root 'systemctl show -p MainPID --value partita-vmms' | tr -d '\r\n')
root 'systemctl kill -s KILL partita-vmms'
wait_until_healthy 60
after=$(root 'systemctl show -p MainPID --value partita-vmms' | tr -d '\r\n')
[ "$before" != "$after" ] || fail 'vmms was not killed'
wait_for 30 "/vms/$vm" .state running
equal 'the worker' "$(worker_pid "$vm")" "$pid"

# vmms holds the reins again: the VM can be paused, looked at and turned off.
api POST "/vms/$vm/actions/pause"
expect 202
wait_for 30 "/vms/$vm" .state paused
api GET "/vms/$vm/screenshot?width=320"
expect 200
api POST "/vms/$vm/actions/turn-off"
expect 202
wait_for 60 "/vms/$vm" .state off
