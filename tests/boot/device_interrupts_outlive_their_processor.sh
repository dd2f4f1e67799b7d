#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The MSIs of four disk controllers go to the very processor that goes off line, again and again, with reads in flight on all of
# them: what is pending on that processor, or sent while the message is rewritten, must arrive at the new one. A read that waits
# for its interrupt for ever is a failure after 5 s. BARE=1: the same without hv, ROUNDS: how often.
set -eu
. "$(dirname "$0")/qemu.inc"
cat >"$work/leave" <<'T'
rounds=$(sed -n 's/.*rounds=\([0-9]*\).*/\1/p' /proc/cmdline)
irqs=$(awk '/ahci/ { sub(":", "", $1); print $1 }' /proc/interrupts)
count() { awk '/ahci/ { n += $2 + $3 + $4 + $5 } END { print n }' /proc/interrupts; }
for disk in b c d e; do
	echo 5 >/sys/block/sd$disk/device/timeout
	for reader in 1 2 3; do
		while [ ! -e /tmp/done ]; do dd if=/dev/sd$disk of=/dev/null bs=4k count=400 iflag=direct 2>/dev/null; done &
	done
done
for round in $(seq $rounds); do
	for cpu in 1 2 3; do
		for irq in $irqs; do printf '%x' $((1 << cpu)) >/proc/irq/$irq/smp_affinity; done
		before=$(count)
		while [ "$(count)" -lt $((before + 50)) ]; do :; done
		echo 0 >/sys/devices/system/cpu/cpu$cpu/online
		echo 1 >/sys/devices/system/cpu/cpu$cpu/online
	done
done
echo "$rounds rounds, $(count) interrupts"
touch /tmp/done
wait
T
test_disk "$work/leave"
rounds=${ROUNDS:-15}
controllers() {	# behind a bridge, so that the root disk stays the first
	echo "-device i82801b11-bridge,id=bridge"
	for i in 1 2 3 4; do
		echo "-drive file=null-co://,file.latency-ns=${LATENCY:-400000},file.size=16M,format=raw,if=none,id=null$i"
		echo "-device ich9-ahci,id=ahci$i,bus=bridge,addr=$i -device ide-hd,bus=ahci$i.0,drive=null$i"
	done
}
boot_root $((rounds * 20 + 120)) 4 1G "test=leave rounds=$rounds" $(controllers)
must_not_say "exception Emask" "stall" "stopped:" "failed to report alive" "set affinity failed"
must_say "^$rounds rounds, [0-9]" "init: test ended with 0"
must_end
