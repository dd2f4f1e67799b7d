#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Soak: four child partitions at once, pinned to both processors and unpinned, timers and halts included, while disk reads run.
# Nothing stalls, no interrupt of the root is lost, every child finishes.
set -eu
. "$(dirname "$0")/qemu.inc"
make -s -C "$top" B="$build" "$build/tests/first-child"
cat >"$work/share" <<'T'
for n in 1 2 3 4; do
	pin=""
	[ $n -le 2 ] && pin="taskset $n"
	$pin /tests/first-child >/tmp/child$n 2>&1 && echo "child $n finished" &
done
for i in 1 2 3 4 5 6 7 8; do
	dd if=/dev/sda of=/dev/null bs=4k count=250 iflag=direct 2>/dev/null && echo "read $i"
done
wait
cat /tmp/child* | grep '^not ok'
T
test_disk "$top/$build/tests/first-child" "$work/share"
boot_root 120 2 2G test=share
must_say "child 1 finished" "child 2 finished" "child 3 finished" "child 4 finished" "read 8"
must_not_say "not ok" "stopped:" "stall" "exception Emask" "WARNING" "BUG"
must_end
