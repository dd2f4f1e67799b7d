# SPDX-License-Identifier: Apache-2.0
# What every test of this folder starts with (". ./lib.sh"): the API tests' calls, and a root shell in the appliance.
. ../api/lib.sh

# root COMMAND: as root in the appliance that SHELL_SOCKET leads to; prints what it printed.
root() {
	../../image/run/root-shell "$1"
}

worker_pid() { # VM ID
	root "cat /sys/fs/cgroup/system.slice/partita-vmpriv.service/vm-$1/cgroup.procs 2>/dev/null | head -n 1" | tr -d '\r\n'
}

running_vm() { # sets $vm: small, no media; its firmware says so and waits
	new_vm 1 67108864
	remove_running "$vm"
	api POST "/vms/$vm/actions/start"
	expect 202
	wait_for 90 "/vms/$vm" .state running
}

remove_running() { # clean_up of lib.sh deletes the VM, which must be off by then
	turned_off="$1 ${turned_off:-}"
	trap turn_off_and_clean_up EXIT
}

turn_off_and_clean_up() {
	code=$?
	for one in $turned_off; do
		api POST "/vms/$one/actions/turn-off"
		for _ in $(seq 60); do
			api GET "/vms/$one"
			case $(field .state 2>/dev/null) in off | failed | null) break ;; esac
			sleep 0.5
		done
	done
	(exit $code)
	clean_up
}

wait_until_healthy() { # SECONDS
	end=$(($(date +%s) + $1))
	while :; do
		request GET /healthz
		[ "$status" = 200 ] && return
		[ "$(date +%s)" -lt "$end" ] || fail "the API does not answer again after $1 s ($status)"
		sleep 0.5
	done
}
