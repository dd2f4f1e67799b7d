#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Instructions of one 4 KiB read through storvsc, depth 1, guest and host together (QEMU -icount shift=0). By hand, for docs/vmbus.md.
set -eu
. "$(dirname "$0")/guest.inc"
truncate -s 8M "$work/reads.img"
run_linux 590 trixie "$linux_dir/signals.guest" "quiet skip=uio_hv_generic,hyperv_drm" "memory=256 vps=1 seconds=5000 scsi=/dev/vdb" \
	-icount shift=0 -drive "file=$work/reads.img,format=raw,if=none,id=reads,snapshot=on" -device virtio-blk-pci,drive=reads
must_say "instructions per read"
grep "instructions per read" "$log"
