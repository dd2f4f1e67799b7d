#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The root's reboot resets the machine.
set -eu
. "$(dirname "$0")/qemu.inc"
boot_root 40 2 2G test=reboot
must_say "reboot: Restarting system"
must_not_say "stopped:"
must_end
