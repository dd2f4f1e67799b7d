#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An NMI that nobody in hv asked for is the root's, whether the root or a child runs on the processor, and so is a machine check: the
# root's kernel tells of each, and what ran goes on after the NMIs. They come from the emulator's monitor.
set -eu
. "$(dirname "$0")/qemu.inc"
make -s -C "$top" B="$build" "$build/tests/child-tests"
cat >"$work/errors" <<'ROOT'
told() { dmesg | grep -c 'NMI received for unknown reason'; }
echo "errors: the root runs"
until [ "$(told)" -ge 1 ]; do sleep 1; done
while [ "$(told)" -lt 2 ]; do
	echo "errors: children run"
	/tests/child-tests -s 5 spin || echo "errors: children failed"
done
echo "errors: now the worst"
sleep 1000
ROOT
test_disk "$top/$build/tests/child-tests" "$work/errors"
monitor=$work/monitor
rm -f "$monitor.in" "$monitor.out"
mkfifo "$monitor.in" "$monitor.out"

heard() {	# PATTERN [TIMES]: waits for it; fails when the machine ends first
	while [ "$(grep -c -- "$1" "$log")" -lt "${2:-1}" ]; do
		[ -e "$monitor.in" ] || exit 1
		sleep 1
	done
}

{
	exec 3<>"$monitor.in" 4<>"$monitor.out"
	: >"$log"
	heard "^errors: the root runs"
	echo nmi >&3
	heard "^errors: children run"
	sleep 2					# three of them, which never halt: the processor is rarely the root's
	echo nmi >&3
	heard "^errors: now the worst"
	echo "mce 0 1 0xb200000000000000 0x5 0 0" >&3	# uncorrected, context corrupt
	heard "Machine Check" || :
} &
boot_root 200 1 1G "test=errors panic=1" -chardev "pipe,id=monitor,path=$monitor" -mon chardev=monitor,mode=readline
rm -f "$monitor.in" "$monitor.out"
wait
must_say "NMI received for unknown reason" "^errors: children run" "^ok .*a spinning VP's timer ticks on" "mce: .*Machine Check" \
	"Kernel panic - not syncing: .*[Mm]achine check"
must_not_say "hv: stopped:" "children failed" "^not ok"
must_end
