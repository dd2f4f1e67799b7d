#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/boot/child: a 64-bit guest and its VMM claim, one by one, what the interface promises both. CHILD_TESTS names some only.
set -eu
. "$(dirname "$0")/qemu.inc"
make -s -C "$top" B="$build" "$build/tests/child-tests"
printf '/tests/child-tests %s\n' "${CHILD_TESTS:-}" >"$work/interface"
test_disk "$top/$build/tests/child-tests" "$work/interface"
for cpus in ${CHILD_CPUS:-1 2}; do
	boot_root 240 "$cpus" 2G test=interface
	must_say "init: test ended with 0" "^1\.\.[0-9]*, 0 failed"
	must_not_say "^not ok" "stopped:" "WARNING" "BUG"
done
must_end
