#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SCSI disks of a Debian guest on VMBus: fio verifies, a disk and a DVD drive come and go while it runs, and after power-off the
# image holds the bytes that the guest wrote. SUITE, VPS and TIMES choose another cell.
set -eu
. "$(dirname "$0")/guest.inc"
times=${TIMES:-3}
rm -f "$work/scsi.img" "$work/hot.img"
truncate -s 16M "$work/scsi.img"
truncate -s 8M "$work/hot.img"
seconds=${SECONDS_MAX:-400}
run_linux "$seconds" "${SUITE:-trixie}" "$linux_dir/storage.guest" "tools quiet times=$times fio=${FIO_MIB:-8}" \
	"memory=384 vps=${VPS:-1} seconds=$((seconds - 20)) scsi=/dev/vdb hot=/dev/vdc" \
	-drive "file=$work/scsi.img,format=raw,if=none,id=scsi" -device virtio-blk-pci,drive=scsi \
	-drive "file=$work/hot.img,format=raw,if=none,id=hot" -device virtio-blk-pci,drive=hot
must_say "guest: sda Msft *Virtual Disk *32768 sectors" "guest: driver hv_storvsc" "guest: cache write back" "guest: fio verified" "guest: discarded" "guest: hot $times" \
	"guest: dvd Virtual DVD-ROM *same bytes" "guest: dvd gone" "guest: storage done" "off: guest-power-off"
must_not_say "cut here" "hv: panic" "BUG:" "Call Trace" "I/O error" "guest: no " "other bytes"
written=$(tr -d '\r' <"$log" | sed -n 's/.*guest: whole //p')
kept=$(md5sum "$work/scsi.img" | cut -c1-32)
[ "$written" = "$kept" ] || { echo "the image holds $kept, the guest wrote $written" >&2; exit 1; }
must_end
