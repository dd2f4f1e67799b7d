#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian 13 connects to VMBus with the newest version that both have and takes every offer.
set -eu
. "$(dirname "$0")/guest.inc"
run_linux 240 trixie "" "quiet" "memory=256 vps=1 seconds=200"
must_say "guest: Vmbus version:5.3" "guest: powering off" "off: guest-power-off" "worker ended: exit 0"
must_not_say "cut here" "hv: panic" "BUG:" "Call Trace"
must_end
