#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A deliberate fault in hv (option fault_test=1, when a child triple-faults) gives a readable report: registers, build, which
# partition, the last exits; then the machine restarts, as panic_restart=1 asked for. Without the option nothing happens.
set -eu
. "$(dirname "$0")/qemu.inc"
make -s -C "$top" B="$build" "$build/tests/child-tests"
printf '/tests/child-tests triple-fault\n' >"$work/fault"
test_disk "$top/$build/tests/child-tests" "$work/fault"
boot_root 60 2 1G test=fault -append "fault_test=1 panic_restart=1"
must_say "^hv: stopped: exception 14, error 2, at [0-9a-f]*, CR2 7ff123456000, RSP [0-9a-f]*, RAX" \
	"^Partita hv, build [0-9a-f]\{16\}" "^LP [01], called from .*, for partition [2-9][0-9]* VP 0, its last exits:" \
	"^  [2-9][0-9]*\.0 exit [0-9a-f]* rip [0-9a-f]*" "^hv: end of report"
must_not_say "init: test ended"
must_end
exits=$(grep -c '^  [0-9]*\.[0-9]* exit' "$log")
[ "$exits" -ge 16 ] || { echo "only $exits exits in the report" >&2; exit 1; }
