#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A child partition with two VPs runs through the root's /dev/mshv: tests/guest/first_child.c says what it must be able to.
set -eu
. "$(dirname "$0")/qemu.inc"
make -s -C "$top" B="$build" "$build/tests/first-child"
printf '/tests/first-child\n' >"$work/child"
test_disk "$top/$build/tests/first-child" "$work/child"
for cpus in 1 2; do
	boot_root 90 $cpus 2G test=child
	must_say "init: test ended with 0" "^ok .* the APIC timer fires" "^1\.\."
	must_not_say "^not ok"
done
must_end
