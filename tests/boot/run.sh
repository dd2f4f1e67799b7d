#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every boot test and the worker with whole guests (or the tests named by path, PATH[,VARIABLE=VALUE]...), one after the other: "ok NAME" or
# "not ok NAME" and why; then a few in Bochs. run.sh --bochs: all that Bochs can run (bochs.inc), and nothing else. Fails when one fails.
set -u
cd "$(dirname "$0")/../.."
BOOT_TEST_DIR=${BOOT_TEST_DIR:-$(mktemp -d)}
export BOOT_TEST_DIR
failed=0
guests='worker_boots_linux_from_cd worker_boots_uefi linux/vmbus_connects linux/storage_keeps_data linux/services_work linux/net_carries_data'
matrix='services_work.sh,SUITE=trixie-backports drivers_bind.sh,SUITE=bookworm,VPS=4 drivers_bind.sh,SUITE=trixie,GENERATION=2,VPS=4
	drivers_bind.sh,SUITE=trixie-backports,GENERATION=2'

bochs_short='bochs-vmx:child_runs bochs-svm:root_reaches_init'
bochs_long='bochs-vmx:root_reaches_init bochs-vmx:root_uses_all_processors bochs-vmx:mshv_appears bochs-vmx:child_has_the_whole_interface
	bochs-vmx:processor_goes_off_line_and_comes_back bochs-svm:child_runs bochs-svm:child_has_the_whole_interface
	bochs-svm:processor_goes_off_line_and_comes_back bochs-svm:root_uses_all_processors'

run() {	# NAME FILE [VARIABLE=VALUE...]
	name=$1 file=$2 begin=$(date +%s)
	shift 2
	if why=$(env "$@" "$file" 2>&1); then
		echo "ok $name ($(($(date +%s) - begin)) s)"
		echo "$why" | grep '^# note:'
	else
		echo "not ok $name"
		echo "$why" | sed 's/^/    /'
		failed=1
	fi
}

run_in_bochs() {	# PLATFORM:TEST...
	for test in "$@"; do
		PLATFORM=${test%%:*}
		export PLATFORM
		run "$PLATFORM/${test#*:}" "tests/boot/${test#*:}.sh"
	done
}

if [ "${1:-}" = --bochs ]; then
	run_in_bochs $bochs_short $bochs_long
	exit $failed
fi
for test in ${*:-$(ls tests/boot/*.sh | grep -v '/run\.sh$\|/make-') $(printf 'tests/guest/%s.sh ' $guests) $(printf 'tests/guest/linux/%s ' $matrix)}; do
	file=${test%%,*} variables=$(echo "${test#"${test%%,*}"}" | tr , ' ')
	run "$(basename "$file" .sh)$variables" "$file" $variables
done
[ $# -gt 0 ] || run_in_bochs $bochs_short
exit $failed
