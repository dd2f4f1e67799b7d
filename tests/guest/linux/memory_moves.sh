#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Dynamic memory with Debian 13's hv_balloon: memory is taken, the host has it, it is given back, and more is added.
set -eu
. "$(dirname "$0")/guest.inc"
root_script() {
	cat <<SCRIPT
dmesg -n 4
(while :; do echo "root: \$(grep Shmem: /proc/meminfo) at \$(date -u +%Y-%m-%dT%H:%M)"; sleep 10; done) &
worker-drive /bin/vmwp /firmware/bios-256k.bin /firmware/vgabios-stdvga.bin iso=/dev/vda $1
SCRIPT
}
drive="memory=384 maximum=768 vps=1 seconds=600 from=watching"
at() { drive="$drive do=$1:$2"; }	# SECOND METHOD, counted from the guest's "watching"
at 1 "vmwp.SetMemory:'{\"targetBytes\":251658240}'"
at 65 vmwp.GetStatus
at 66 "vmwp.SetMemory:'{\"targetBytes\":402653184}'"
at 80 vmwp.GetStatus
at 81 "vmwp.SetMemory:'{\"targetBytes\":671088640}'"
at 100 vmwp.GetStatus
at 101 vmwp.Shutdown
run_linux 620 trixie "$linux_dir/memory.script" "quiet" "$drive"
must_say '"assignedBytes": 251658240' '"assignedBytes": 402653184' '"assignedBytes": 671088640' "clock hyperv" "MemTotal: 5[0-9][0-9] MiB"
must_not_say "cut here" "hv: panic" "BUG:"
must_end
