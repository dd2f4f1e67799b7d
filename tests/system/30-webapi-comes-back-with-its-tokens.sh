# SPDX-License-Identifier: Apache-2.0
. ./lib.sh
running_vm
pid=$(worker_pid "$vm")
before=$(root 'systemctl show -p MainPID --value partita-webapi' | tr -d '\r\n')
root 'systemctl kill -s KILL partita-webapi'
wait_until_healthy 60
after=$(root 'systemctl show -p MainPID --value partita-webapi' | tr -d '\r\n')
[ "$before" != "$after" ] || fail 'webapi was not killed'
api GET "/vms/$vm"
expect 200
equal 'the VM' "$(field .state)" running
equal 'the worker' "$(worker_pid "$vm")" "$pid"
