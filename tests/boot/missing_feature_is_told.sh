#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A machine hv cannot run on reads one line that names what is missing; it neither resets nor hangs silently.
set -eu
. "$(dirname "$0")/qemu.inc"
test_disk
refused() {	# CPU WORDS
	cpu=$1
	boot_root 6 1 1G test=poweroff
	must_say "Partita cannot start on this computer: .*$2"
	must_not_say "Linux version"
	[ "$ended" = no ] || { echo "the machine reset instead of keeping the line on the screen" >&2; exit 1; }
}
refused EPYC,-svm "AMD-V (SVM).*firmware's settings"
refused EPYC,+svm,-npt,+x2apic "nested paging"
refused EPYC,+svm,+npt,-x2apic "x2APIC"
refused qemu64,-lm "64-bit mode"
