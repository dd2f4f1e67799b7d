#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Direct disk reads on both processors while interrupts move: passed-through MSI keeps working.
set -eu
. "$(dirname "$0")/qemu.inc"
cat >"$work/load" <<'T'
for i in 1 2 3 4; do
	dd if=/dev/sda of=/dev/null bs=4k count=256 iflag=direct 2>/dev/null && echo "read $i" &
done
wait
grep -q ahci /proc/interrupts && echo "interrupts: $(awk '/ahci/ { print $2 + $3; exit }' /proc/interrupts)"
T
test_disk "$work/load"
boot_root 50 2 2G test=load
must_say "read 1" "read 2" "read 3" "read 4" "interrupts: [0-9][0-9][0-9]"
must_not_say "stopped:" "stall" "exception Emask"
must_end
