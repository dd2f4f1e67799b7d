#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A guest reboots itself TIMES times; each time it connects to VMBus, counts on its disk, and goes on. GENERATION and SUITE choose others.
set -eu
. "$(dirname "$0")/guest.inc"
times=${TIMES:-3}
seconds=${SECONDS_MAX:-$((times * 60 + 200))}
rm -f "$work/count.img"
truncate -s 1M "$work/count.img"
cat >"$work/reboots.guest" <<'GUEST'
wait_for() { for i in $(seq 600); do [ -e "$1" ] && return; usleep 50000; done; echo "guest: no $1"; }
wait_for /dev/sda
devices() { ls -d /sys/bus/vmbus/devices/*/driver | wc -l; }
for i in $(seq 600); do [ "$(devices)" -ge 6 ] && break; usleep 50000; done	# storage and five services: probing is asynchronous
count=$(($(dd if=/dev/sda bs=512 count=1 iflag=direct 2>/dev/null | tr -dc 0-9) + 1))
echo "$count" | dd of=/dev/sda bs=512 conv=sync,notrunc oflag=direct 2>/dev/null
echo "guest: boot $count, $(devices) devices with drivers"
[ "$count" -gt "$(option times)" ] || { sync; reboot -f; }
GUEST
run_linux $((seconds + 60)) "${SUITE:-trixie}" "$work/reboots.guest" "small quiet report=no times=$times" "memory=256 vps=${VPS:-1} seconds=$seconds scsi=/dev/vdb" \
	-drive "file=$work/count.img,format=raw,if=none,id=count" -device virtio-blk-pci,drive=count
must_say "guest: boot $((times + 1))," "off: guest-power-off" "worker ended: exit 0"
must_not_say "cut here" "hv: panic" "BUG:" "Call Trace" "guest: no "
boots=$(grep -c "guest: boot [0-9]*, [0-9]* devices" "$log")
kinds=$(sed -n 's/.*guest: boot [0-9]*, \([0-9]*\) devices.*/\1/p' "$log" | sort -u | wc -l)
[ "$boots" = $((times + 1)) ] && [ "$kinds" = 1 ] || { echo "$boots boots with $kinds different numbers of devices, see $log" >&2; exit 1; }
must_end
