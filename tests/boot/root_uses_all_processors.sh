#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two and eight processors: all of them run Linux, started by its INIT and SIPI through hv.
set -eu
. "$(dirname "$0")/qemu.inc"
for cpus in 2 8; do
	boot_root 90 $cpus 2G test=poweroff
	must_say "init: reached with $cpus processors"
	must_not_say "failed to report alive" "stopped:" "stall"
	must_end
done
