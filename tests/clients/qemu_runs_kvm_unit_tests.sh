#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kvm-unit-tests in QEMU on /dev/mshv say what units.table expects, all of it and nothing else. With arguments: only the units so
# named. "skip" when the source cannot be had.
set -eu
. "$(dirname "$0")/clients.inc"
only=" $* "
units=$("$here/kvm-unit-tests.sh") || { [ $? = 77 ] && echo "skip: no copy of kvm-unit-tests can be reached (KVM_UNIT_TESTS_URL)" && exit 0; exit 1; }
grep -v '^#' "$here/units.table" | while read -r line; do
	name=${line%%[[:space:]]*}
	case $only in "  " | *" $name "*) echo "$line" ;; esac
done >"$work/units"
cut -d'|' -f1 "$work/units" | tr -s '\t ' ' ' >"$work/list"
boot_with $((300 + 90 * $(wc -l <"$work/list"))) 1 units.script "$work/list" "$units"/*.flat
awk -v table="$work/units" -f "$here/compare.awk" "$log"
must_end
