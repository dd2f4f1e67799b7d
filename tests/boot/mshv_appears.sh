#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The root's Linux finds its hypervisor: /dev/mshv exists on one and on two processors.
set -eu
. "$(dirname "$0")/qemu.inc"
boot_root 40 1 2G test=poweroff
must_say "Hypervisor using root scheduler" "init: /dev/mshv is there"
boot_root 40 2 2G test=poweroff
must_say "Hypervisor using root scheduler" "init: /dev/mshv is there"
must_end
