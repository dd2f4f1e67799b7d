#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Drivers unloaded and loaded again, kexec, a panic's crash kernel, reboot: each finds a clean VMBus. SUITE and VPS choose the guest.
set -eu
. "$(dirname "$0")/guest.inc"
truncate -s 1M "$work/stage.img"
run_linux "${SECONDS_MAX:-590}" "${SUITE:-trixie}" "$linux_dir/reconnect.guest" "quiet crashkernel=112M skip=hv_balloon" "disk=/dev/vdb memory=512 vps=${VPS:-1} seconds=${SECONDS_MAX:-590}" \
	-drive "file=$work/stage.img,format=raw,if=none,id=stage,snapshot=on" -device virtio-blk-pci,drive=stage
must_say "guest: after rmmod: Vmbus version:" "guest: after kexec" "guest: after panic" "guest: after reboot" \
	"off: guest-power-off" "worker ended: exit 0"
must_not_say "cut here" "hv: panic" "rmmod .* failed" "kexec failed"
[ "$(grep -c 'guest: Vmbus version:' "$log")" = 4 ] || { echo "not every kernel connected" >&2; exit 1; }
must_end
