#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sub-channels under load on four VPs, while each is moved to other VPs again and again (MODIFYCHANNEL): every byte arrives.
set -eu
. "$(dirname "$0")/guest.inc"
head -c 8M /dev/urandom >"$work/bytes.img"
run_linux 500 "${SUITE:-trixie}" "$linux_dir/channels.guest" "quiet skip=uio_hv_generic,hyperv_drm,hv_netvsc" "memory=256 vps=${VPS:-4} seconds=480 scsi=/dev/vdb" \
	-drive "file=$work/bytes.img,format=raw,if=none,id=bytes,snapshot=on" -device virtio-blk-pci,drive=bytes
must_say "guest: ${VPS:-4} processors\|, ${VPS:-4} processors" "moves, 0 failed" "off: guest-power-off"
must_not_say "other bytes" "I/O error" "cut here" "hv: panic" "BUG:" "Call Trace"
must_end
