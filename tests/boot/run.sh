#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every boot test and the worker with whole guests (or the tests named by path), one after the other: "ok NAME" or
# "not ok NAME" and why. Fails when one fails.
set -u
cd "$(dirname "$0")/../.."
BOOT_TEST_DIR=${BOOT_TEST_DIR:-$(mktemp -d)}
export BOOT_TEST_DIR
failed=0
tests=${*:-$(ls tests/boot/*.sh | grep -v '/run\.sh$\|/make-') tests/guest/worker_boots_linux_from_cd.sh tests/guest/linux/vmbus_connects.sh tests/guest/linux/storage_keeps_data.sh tests/guest/linux/services_work.sh tests/guest/worker_boots_uefi.sh tests/guest/linux/net_carries_data.sh}
for test in $tests; do
	name=$(basename "$test" .sh)
	if why=$("$test" 2>&1); then
		echo "ok $name"
	else
		echo "not ok $name"
		echo "$why" | sed 's/^/    /'
		failed=1
	fi
done
exit $failed
