#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every boot test and the worker with whole guests (or the tests named by path), one after the other: "ok NAME" or
# "not ok NAME" and why. Fails when one fails.
set -u
cd "$(dirname "$0")/../.."
BOOT_TEST_DIR=${BOOT_TEST_DIR:-$(mktemp -d)}
export BOOT_TEST_DIR
failed=0
guests='worker_boots_linux_from_cd worker_boots_uefi linux/vmbus_connects linux/storage_keeps_data linux/services_work linux/net_carries_data'
tests=${*:-$(ls tests/boot/*.sh | grep -v '/run\.sh$\|/make-') $(printf 'tests/guest/%s.sh ' $guests)}
for test in $tests; do
	name=$(basename "$test" .sh)
	begin=$(date +%s)
	if why=$("$test" 2>&1); then
		echo "ok $name ($(($(date +%s) - begin)) s)"
	else
		echo "not ok $name"
		echo "$why" | sed 's/^/    /'
		failed=1
	fi
done
exit $failed
