#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The IDE disk of a generation-1 VM has two front ends; the guest uses the one on VMBus and leaves the other alone.
set -eu
. "$(dirname "$0")/guest.inc"
rm -f "$work/ide.img"
truncate -s 8M "$work/ide.img"
seconds=${SECONDS_MAX:-400}
run_linux "$seconds" "${SUITE:-trixie}" "$linux_dir/ide.guest" "quiet" \
	"memory=256 vps=${VPS:-1} seconds=$((seconds - 20)) disk=/dev/vdb" \
	-drive "file=$work/ide.img,format=raw,if=none,id=ide" -device virtio-blk-pci,drive=ide
must_say "guest: disks 1" "guest: sda driver hv_storvsc" "guest: machine Microsoft Corporation" "ignore set" "off: guest-power-off"
must_not_say "cut here" "hv: panic" "BUG:" "Call Trace" "I/O error"
written=$(tr -d '\r' <"$log" | sed -n 's/.*guest: whole //p')
kept=$(md5sum "$work/ide.img" | cut -c1-32)
[ "$written" = "$kept" ] || { echo "the image holds $kept, the guest wrote $written" >&2; exit 1; }
must_end
