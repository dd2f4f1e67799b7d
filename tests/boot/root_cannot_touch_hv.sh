#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A root kernel that takes hv's image for its own RAM and clears it gets a general protection fault: hv says who touched what, is
# unharmed, and it is the root's kernel that stops.
set -eu
. "$(dirname "$0")/qemu.inc"
boot_root 20 1 1G "test=poweroff memmap=2M%0x200000-2+1 init_on_free=1 panic=-1"
must_say "hv: root VP 0 touched [23][0-9a-f]\{5\}, which is not its own, at ffffffff"
must_not_say "stopped:" "init: reached"
must_end
