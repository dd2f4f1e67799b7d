#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs nobody here wrote run on /dev/mshv: runs every test here (or those named by path), "ok NAME" or "not ok NAME" and what it
# said. Fails when one fails. Inside the build root, after `make hv kernel`.
set -u
cd "$(dirname "$0")/../.."
BOOT_TEST_DIR=${BOOT_TEST_DIR:-$(mktemp -d)}
export BOOT_TEST_DIR
failed=0
for test in ${*:-tests/clients/qemu_*.sh}; do
	begin=$(date +%s)
	said=$("$test" 2>&1) && verdict=ok || { verdict="not ok"; failed=1; }
	echo "$verdict $(basename "$test" .sh) $(($(date +%s) - begin)) s"
	echo "$said" | sed 's/^/    /'
done
exit $failed
