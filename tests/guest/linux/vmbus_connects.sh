#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Debian guest connects with the newest version that both sides have, and a driver takes every offer. SUITE, VPS, ARGUMENTS (of the
# kernel) and VERSION (expected) choose another cell of the matrix.
set -eu
. "$(dirname "$0")/guest.inc"
run_linux 300 "${SUITE:-trixie}" "" "quiet ${ARGUMENTS:-}" "memory=256 vps=${VPS:-1} seconds=280"
must_say "guest: Vmbus version:${VERSION:-5.3}" "${VPS:-1} processors" "guest: powering off" "off: guest-power-off" "worker ended: exit 0"
must_not_say "cut here" "hv: panic" "BUG:" "Call Trace" "driver none" "insmod:"
[ "$(grep -c 'guest: vmbus class' "$log")" -ge 10 ] || { echo "offers are missing" >&2; exit 1; }
must_end
