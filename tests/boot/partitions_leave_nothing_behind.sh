#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# CHURN (300; `make test-all` 10,000) partitions, one after the other, each with memory and a VP that ran: hv gives every page back, so neither the root's
# free memory nor what it has deposited changes.
set -eu
. "$(dirname "$0")/qemu.inc"
make -s -C "$top" B="$build" "$build/tests/child-tests"
cat >"$work/churn" <<'T'
times=$(sed -n 's/.*churn=\([0-9]*\).*/\1/p' /proc/cmdline)
deposited() { sed -n 's/^PtDepositedPages *: //p' /sys/kernel/debug/mshv/partition/1/stats; }
# Free pages, those that the page allocator keeps per processor included.
available() { sync; awk '$1 == "nr_free_pages" || $1 == "count:" { n += $2 } END { print n }' /proc/zoneinfo; }
/tests/child-tests -n 20 triple-fault >/dev/null
d=$(deposited) m=$(available)
/tests/child-tests -n $times triple-fault >/tmp/out
tail -1 /tmp/out
echo "churn: deposited $(($(deposited) - d)) pages more, $((m - $(available))) pages less free"
T
test_disk "$top/$build/tests/child-tests" "$work/churn"
times=${CHURN:-300}
boot_root $((120 + times / 2)) 2 1G "test=churn churn=$times"
must_say "^1\.\.$times, 0 failed" "churn: deposited 0 pages more" "init: test ended with 0"
must_not_say "^not ok" "stopped:" "WARNING" "BUG"
must_end
lost=$(sed -n 's/^churn: .* more, \(-*[0-9]*\) pages less.*/\1/p' "$log")
[ "$lost" -lt 300 ] || { echo "$lost pages lost in $times partitions" >&2; exit 1; }
