#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 64 VPs in one partition and 512 partitions at the same time, none of which runs; all of what the root deposited comes back.
set -eu
. "$(dirname "$0")/qemu.inc"
make -s -C "$top" B="$build" "$build/tests/child-tests"
cat >"$work/many" <<'T'
deposited() { sed -n 's/^PtDepositedPages *: //p' /sys/kernel/debug/mshv/partition/1/stats; }
partitions() { sed -n 's/^HvPartitions *: //p' /sys/kernel/debug/mshv/stats; }
ulimit -n 4096
/tests/child-tests -m >/tmp/first || :
d=$(deposited) p=$(partitions)
/tests/child-tests -m
status=$?
echo "many: $(($(deposited) - d)) pages more, $(($(partitions) - p)) partitions more"
exit $status
T
test_disk "$top/$build/tests/child-tests" "$work/many"
boot_root 400 2 3G test=many
must_say "^ok .* VPs in one partition" "^ok .* partitions at the same time" "^1\.\.2, 0 failed" "many: 0 pages more, 0 partitions more" \
	"init: test ended with 0"
must_not_say "^not ok" "stopped:" "WARNING" "BUG"
must_end
