#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A guest's reboot starts the same VM again; a paused VM resumes; the power button interrupts the guest each time it is pressed
# (a level interrupt, so its EOI comes back too); a reset from outside starts the VM again; turning off ends the worker.
set -eu
. "$(dirname "$0")/worker.inc"
run_worker 300 busybox "quiet do=reboot" "memory=256 vps=1 seconds=150"
must_say "guest: rebooting" "running: guest-reset" "worker ended: exit 0"
[ "$(grep -c 'guest: 1 processors' "$log")" -ge 2 ]
run_worker 300 busybox "quiet do=wait" "memory=256 vps=1 seconds=200 do=100:vmwp.Pause do=105:vmwp.Resume do=115:vmwp.Shutdown do=130:vmwp.Shutdown do=145:vmwp.Reset"
must_say "paused" "guest: alive" "SCI 2" "running: reset" "off: turned-off" "worker ended: exit 0"
must_not_say "cut here" "hv: panic"
must_end
