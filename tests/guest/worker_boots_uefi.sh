#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A generation-2 VM boots: Debian's OVMF loads our driver from the option ROM, finds the DVD drive on VMBus and starts GRUB
# from it, which reads the CD and powers off. The VM's variables have been written.
set -eu
. "$(dirname "$0")/worker.inc"
run_uefi 120 grub "" "memory=256 vps=1 seconds=90"
must_say "vmbus: a guest connected" "BdsDxe: starting Boot.*PciRoot(0x0)/Pci(0x1,0x0)/Scsi(0x0,0x1)" "guest: GRUB reads the CD in cd0" \
	"off: guest-power-off" "worker ended: exit 0" "root: the variables have changed"
must_not_say "cut here" "hv: panic"
must_end
