#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A generation-2 VM boots: Debian's OVMF loads our driver from the option ROM, finds the DVD drive on VMBus and starts GRUB
# from it, which reads the CD, waits for what is typed on the synthetic keyboard, and powers off. The VM's variables have been
# written.
set -eu
. "$(dirname "$0")/worker.inc"
keys=
for second in 30 45 60 75 90 105 120 135 150; do keys="$keys key=$second:24 key=$((second + 1)):1e key=$((second + 2)):1c"; done	# "ja"
run_uefi 240 grub "" "memory=256 vps=1 seconds=200$keys"
must_say "vmbus: a guest connected" "BdsDxe: starting Boot.*PciRoot(0x0)/Pci(0x1,0x0)/Scsi(0x0,0x1)" "guest: GRUB reads the CD in cd0" \
	"guest: GRUB was told .*ja" \
	"off: guest-power-off" "worker ended: exit 0" "root: the variables have changed"
must_not_say "cut here" "hv: panic"
must_end
