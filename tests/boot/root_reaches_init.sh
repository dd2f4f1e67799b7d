#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Linux runs as root partition on one processor, up to its first process, and switches the machine off. Without an IOMMU hv says so.
set -eu
. "$(dirname "$0")/qemu.inc"
boot_root 40 1 2G test=poweroff
must_say "^hv: no IOMMU keeps devices from hv's memory: the firmware describes no IOMMU" "running as root partition" "init: reached with 1 processors" "entering sleep state S5"
must_not_say "stopped:" "BUG" "Oops"
must_end
