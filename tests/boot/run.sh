#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every boot test (or the ones named), one after the other: "ok NAME" or "not ok NAME" and why. Fails when one fails.
set -u
cd "$(dirname "$0")/../.."
BOOT_TEST_DIR=${BOOT_TEST_DIR:-$(mktemp -d)}
export BOOT_TEST_DIR
failed=0
tests=${*:-$(ls tests/boot/*.sh | grep -v '/run\.sh$\|/make-' | sed 's|.*/||; s|\.sh$||')}
for name in $tests; do
	if why=$("tests/boot/$name.sh" 2>&1); then
		echo "ok $name"
	else
		echo "not ok $name"
		echo "$why" | sed 's/^/    /'
		failed=1
	fi
done
exit $failed
