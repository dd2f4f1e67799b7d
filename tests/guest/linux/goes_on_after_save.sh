#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A running guest is paused and saved, its worker killed, and another worker goes on with it: what it had written and not yet
# synced, its files in RAM, a process that counts, its clocks, its disk and its processors. GENERATION, SUITE and VPS choose others.
# Before that it reads how much memory the worker has beside the guest's.
set -eu
. "$(dirname "$0")/guest.inc"
seconds=${SECONDS_MAX:-400}
rm -f "$work/data.img"
truncate -s 32M "$work/data.img"
cat >"$work/saved.guest" <<'GUEST'
wait_for() { for i in $(seq 600); do [ -e "$1" ] && return; usleep 50000; done; echo "guest: no $1"; }
disk_sum() { dd if=/dev/sda bs=1M count=8 $1 2>/dev/null | md5sum | cut -c1-32; }
ticks() { sed 's/\..*//' /proc/uptime; }
last=$(($(nproc) - 1))
on() { vp=$1; shift; exec taskset "$(printf %x $((1 << vp)))" "$@"; }	# never pins this shell: nproc counts what its caller may use
wait_for /dev/sda
echo "host: memory"
: >/tmp/count
(while :; do echo >>/tmp/count; usleep 100000; done) &
counter=$!
dd if=/dev/urandom of=/tmp/file bs=1M count=16 2>/dev/null
file=$(md5sum </tmp/file)
dd if=/tmp/file of=/dev/sda bs=1M count=8 conv=notrunc 2>/dev/null	# into the page cache: the disk has not got it
disk=$(disk_sum)
for round in 1 2; do
	count=$(wc -c </tmp/count) up=$(ticks) boot=$(cat /proc/sys/kernel/random/boot_id)
	echo "host: save $round"
	while [ "$(($(ticks) - up))" -lt 3 ]; do usleep 50000; done
	[ "$(wc -c </tmp/count)" -gt "$count" ] && kill -0 $counter && echo "guest: round $round: the counter counts"
	[ "$(cat /proc/sys/kernel/random/boot_id)" = "$boot" ] && echo "guest: round $round: no reboot"
	[ "$(md5sum </tmp/file)" = "$file" ] && echo "guest: round $round: the file is whole"
	[ "$(disk_sum)" = "$disk" ] && echo "guest: round $round: the page cache is whole"
	for vp in $(seq 0 $last); do
		sum=$(on "$vp" md5sum </tmp/file)
		if [ "$sum" = "$file" ]; then echo "guest: round $round: VP $vp works"; else echo "guest: no match on VP $vp: $sum, not $file"; fi
	done
done
sync
echo 3 >/proc/sys/vm/drop_caches
[ "$(disk_sum iflag=direct)" = "$disk" ] && echo "guest: the disk has it"
echo "guest: clocksource $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
dmesg | grep -E "BUG|stall|hung" | sed 's/^/guest: says /'
poweroff -f
GUEST
run_linux $((seconds + 60)) "${SUITE:-trixie}" "$work/saved.guest" "small quiet report=no" "memory=256 vps=${VPS:-2} seconds=$seconds scsi=/dev/vdb" \
	-drive "file=$work/data.img,format=raw,if=none,id=data" -device virtio-blk-pci,drive=data
for round in 1 2; do
	must_say "worker-drive: saved $round" "guest: round $round: the counter counts" "guest: round $round: no reboot" \
		"guest: round $round: the file is whole" "guest: round $round: the page cache is whole"
	for vp in $(seq 0 $((${VPS:-2} - 1))); do must_say "guest: round $round: VP $vp works"; done
done
own=$(sed -n "s/.*memory beyond the guest's \([0-9]*\) KiB.*/\1/p" "$log" | head -n 1)
echo "the worker's memory beyond the guest's, without a console: ${own:-unknown} KiB (PSS)"
limit=6144
[ "${GENERATION:-1}" = 1 ] || limit=$((limit + 4096))	# the flash with the guest's firmware
[ "${own:-9999999}" -le $limit ] || { echo "that is more than $limit KiB" >&2; exit 1; }
must_say "guest: the disk has it" "off: guest-power-off" "worker ended: exit 0"
must_not_say "cut here" "hv: panic" "guest: says" "guest: no "
must_end
