#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [PART...]: boots the image for itself and runs the parts (processors, paging, memory, density) against it; "ok NAME" lines, counts go to
# $TEST_RESULTS. Inside the build root at the top of the checkout, after `make test-resources` has built what it needs.
set -u
RUN=${RUN:-$PWD/build/resources} PORT=${PORT:-8471} MEM=${MEM:-12G} CPUS=1 FRESH=1 START_LIMIT=${START_LIMIT:-600}
SHELL_SOCKET=$RUN/shell.sock
export RUN PORT MEM CPUS FRESH START_LIMIT SHELL_SOCKET
said=$(mktemp)
trap 'image/run/appliance.sh stop >/dev/null 2>&1; rm -f "$said"' EXIT
trap 'exit 1' INT TERM HUP

part() { # NAME SECONDS
	timeout -k 20 "$2" tests/resources/"$1".py | tee -a "$said"
}

# Without services first: it needs no appliance.
timeout -k 20 1200 tests/resources/swapped_guest_keeps_its_memory.sh && echo "ok a swapped guest keeps its memory" | tee -a "$said" ||
	echo "not ok a swapped guest keeps its memory" | tee -a "$said"
mkdir -p "$RUN"
image/run/appliance.sh start >&2 || { echo "not ok the appliance starts" | tee -a "$said"; }
for name in ${*:-processors paging memory density}; do
	grep -q '^not ok the appliance' "$said" || part "$name" 3600
done
passed=$(grep -c '^ok ' "$said")
failed=$(grep -c '^not ok ' "$said")
[ -z "${TEST_RESULTS:-}" ] || printf 'passed %d\nfailed %d\n' "$passed" "$failed" >>"$TEST_RESULTS"
echo "resources: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
