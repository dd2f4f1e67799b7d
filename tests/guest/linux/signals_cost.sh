#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Time of one 4 KiB read through storvsc, for docs/vmbus.md. By hand; for the other way of signalling let vmwp/vmbus/doorbell.c's
# doorbell_bind() return at once.
set -eu
. "$(dirname "$0")/guest.inc"
truncate -s 8M "$work/reads.img"
run_linux 590 trixie "$linux_dir/signals.guest" "quiet skip=uio_hv_generic,hyperv_drm,hv_netvsc,hv_balloon" "memory=256 vps=1 seconds=560 scsi=/dev/vdb" \
	-drive "file=$work/reads.img,format=raw,if=none,id=reads,snapshot=on" -device virtio-blk-pci,drive=reads
must_say "microseconds per read"
grep -a "microseconds per read" "$log"
