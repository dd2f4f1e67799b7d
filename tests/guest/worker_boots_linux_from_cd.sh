#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SeaBIOS, isolinux and Debian's kernel run in a VM with two VPs; it sees the board, its clocks run, and it powers itself off.
set -eu
. "$(dirname "$0")/worker.inc"
run_worker 240 busybox "quiet do=poweroff" "memory=256 vps=2 seconds=200"
must_say "guest: 2 processors" "guest: clock hyperv_clocksource_tsc_page" "guest: sees a hypervisor" "pci 0000:00:02.0 0x1414 0x5353" \
	"guest: slept [23] s" "off: guest-power-off" "worker ended: exit 0"
must_not_say "cut here" "hv: panic"
must_end
