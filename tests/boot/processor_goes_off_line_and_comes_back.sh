#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# INIT pulls an LP out of the running root, SIPI puts it back: CPU 1 off-line and on-line, five times.
set -eu
. "$(dirname "$0")/qemu.inc"
cat >"$work/offline" <<'T'
cpu=/sys/devices/system/cpu/cpu1/online
for i in 1 2 3 4 5; do
	echo 0 >$cpu && echo 1 >$cpu && [ "$(nproc)" = 2 ] && echo "round $i" || echo "failed in round $i"
done
T
test_disk "$work/offline"
boot_root 50 2 2G test=offline
must_say "round 5"
must_not_say "failed in round" "Stale IRR" "stopped:"
must_end
