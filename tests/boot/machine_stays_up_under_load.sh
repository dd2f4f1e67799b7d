#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Soak on 1, 2 and 4 processors, SOAK_SECONDS each: spinning VPs, timers, signals, a VP moved between partitions, partitions
# created and destroyed, direct disk reads, data sent over the network and back, and processors that go off line and come back, all
# at once. Nothing stalls, every claim of every child holds, and hv has all its pages back.
set -eu
. "$(dirname "$0")/qemu.inc"
make -s -C "$top" B="$build" "$build/tests/child-tests"
cat >"$work/soak" <<'T'
seconds=$(sed -n 's/.*soak=\([0-9]*\).*/\1/p' /proc/cmdline)
end=$(($(cut -d. -f1 /proc/uptime) + seconds))
going() { [ "$(cut -d. -f1 /proc/uptime)" -lt $end ]; }
deposited() { sed -n 's/^PtDepositedPages *: //p' /sys/kernel/debug/mshv/partition/1/stats; }
again() {	# NAME TEST...: over and over; says how often
	name=$1 n=0
	shift
	while going; do
		/tests/child-tests "$@" >/tmp/$name 2>&1 || { grep '^not ok\|^#' /tmp/$name; echo "soak: $name failed"; }
		n=$((n + 1))
	done
	echo "soak: $name $n times"
}
echoed() { timeout 120 nc 10.0.2.100 7 </tmp/sent | head -c 300000 | cmp -s - /tmp/sent; }
network() {	# what is sent to a peer that sends it back, again and again
	ip link set eth0 up && ip addr add 10.0.2.15/24 dev eth0
	head -c 300000 /dev/urandom >/tmp/sent
	n=0
	while going; do
		if echoed; then n=$((n + 1)); else echo "soak: network failed"; fi
	done
	echo "soak: network $n times"
}
/tests/child-tests triple-fault signals >/dev/null
before=$(deposited)
/tests/child-tests -s $seconds spin >/tmp/spin 2>&1 &
spin=$!
again timers stimers & a=$!
again signals signals & b=$!
again churn -n 3 triple-fault & c=$!
{ reads=0; while going; do dd if=/dev/sda of=/dev/null bs=4k count=200 iflag=direct 2>/dev/null && reads=$((reads + 1)); done; echo "soak: disk $reads times"; } & d=$!
network & e=$!
while going; do
	for cpu in /sys/devices/system/cpu/cpu[1-9]/online; do
		[ -e "$cpu" ] || continue
		echo 0 >$cpu
		sleep 1
		echo 1 >$cpu
	done
	sleep 1
done
wait $spin || echo "soak: spin failed"
grep '^not ok\|^#' /tmp/spin
wait $a $b $c $d $e
after=$(deposited)
echo "soak: deposited $before before, $after after"
echo "soak: $(nproc) processors at the end"
T
test_disk "$top/$build/tests/child-tests" "$work/soak"
soak=${SOAK_SECONDS:-60}
# An IPI to all processors (vectors 0xf0 and up) may reach one that is just starting: QEMU's local APIC keeps it while software has it
# disabled, a real one does not (Intel SDM 3, 10.4.7.2). Anything else that is left over means a reset that did not reset.
stale_timer='Stale IRR: ....0*[1-9a-f]'
stale_device='Stale IRR: [0-9a-f]*,.*[1-9a-f]'

for cpus in ${SOAK_CPUS:-1 2 4}; do
	boot_root $((soak * 4 + 120)) "$cpus" 2G "test=soak soak=$soak" -nic user,model=e1000e,guestfwd=tcp:10.0.2.100:7-cmd:cat
	must_say "soak: timers [1-9]" "soak: signals [1-9]" "soak: churn [1-9]" "soak: disk [1-9]" "soak: network [1-9]" \
		"soak: $cpus processors at the end" "init: test ended with 0"
	must_not_say "^not ok" "^soak: .* failed" "stopped:" "stall" "exception Emask" "WARNING" "BUG" "$stale_timer" "$stale_device" \
		"NETDEV WATCHDOG" "failed to report alive"
	must_end
	sed -n 's/^soak: deposited \([0-9]*\) before, \([0-9]*\) after/\1 \2/p' "$log" | {
		read -r before after
		[ "$after" -le $((before + 16)) ] || { echo "the root deposited $((after - before)) pages for good" >&2; exit 1; }
	}
	grep -a "^soak:\|^# spin" "$log"
done
