#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole matrix, for `make test-all`: kernels, generations, numbers of VPs, every protocol version, all that ends a connection, the
# long loops, and an installation of Debian. Prints "ok NAME" or "not ok NAME" and why, then a table, and adds "passed N" and
# "failed N" to $TEST_RESULTS. run-all.sh [-l] [CELL...]: only the cells so named (patterns); -l lists the names. DIR keeps the logs.
set -u
here=$(cd "$(dirname "$0")" && pwd)
list=
[ "${1:-}" != -l ] || { list=yes; shift; }
only=${*:-*}
dir=${DIR:-$(mktemp -d)}
table=$(mktemp)
passed=0
failed=0
child=
trap '[ -z "$child" ] || kill $child 2>/dev/null; exit 1' INT TERM HUP

wanted() {
	set -f
	for pattern in $only; do
		# shellcheck disable=SC2254
		case $1 in $pattern) set +f; return 0 ;; esac
	done
	set +f
	return 1
}

# cell NAME SECONDS [VARIABLE=VALUE...] TEST: a cell that is not over after SECONDS has failed
cell() {
	name=$1 limit=$2
	shift 2
	wanted "$name" || return 0
	[ -z "$list" ] || { echo "$name"; return 0; }
	mkdir -p "$dir/$name"
	begin=$(date +%s)
	timeout -k 20 "$limit" env BOOT_TEST_DIR="$dir/$name" "$@" >"$dir/$name/said" 2>&1 &
	child=$!
	wait $child
	case $? in
	0) result=ok passed=$((passed + 1)) ;;
	124 | 137) result="not ok" failed=$((failed + 1)); echo "not over after $limit s" >>"$dir/$name/said" ;;
	*) result="not ok" failed=$((failed + 1)) ;;
	esac
	echo "$result $name"
	[ "$result" = ok ] || sed 's/^/    /' "$dir/$name/said"
	printf '%-34s %-7s %5d s\n' "$name" "$result" "$(($(date +%s) - begin))" >>"$table"
	find "$dir/$name" \( -name '*.img' -o -name '*.iso' \) -delete
}

for suite in bookworm trixie trixie-backports; do
	for generation in 1 2; do
		for vps in 1 4; do
			cell "drivers-$suite-generation-$generation-vps-$vps" 1200 SUITE=$suite GENERATION=$generation VPS=$vps "$here/drivers_bind.sh"
		done
	done
done
for suite in bookworm trixie-backports; do cell "services-$suite" 900 SUITE=$suite "$here/services_work.sh"; done
cell channels-move 900 "$here/channels_move.sh"
cell reconnects-trixie-1 900 "$here/vmbus_reconnects.sh"
cell reconnects-trixie-4 1500 VPS=4 SECONDS_MAX=1200 "$here/vmbus_reconnects.sh"
for suite in bookworm trixie trixie-backports; do
	cell "storage-$suite" 1200 SUITE=$suite VPS=4 SECONDS_MAX=1000 "$here/storage_keeps_data.sh"
	cell "ide-$suite" 600 SUITE=$suite "$here/ide_disk_is_seen_once.sh"
done
# Linux 6.12's oldest and everything between; the module parameter is major << 16 | minor.
for version in 4.0 4.1 5.0 5.1 5.2; do
	number=$((${version%.*} << 16 | ${version#*.}))
	cell "connects-version-$version" 600 VERSION=$version ARGUMENTS="max_version=$number" "$here/vmbus_connects.sh"
done
cell memory-moves 1200 "$here/memory_moves.sh"
cell network-between-guests 5400 MIB="${NETWORK_MIB:-100}" SECONDS_MAX=5000 "$here/net_between_guests.sh"
cell "reboots-${REBOOTS:=1000}" $((REBOOTS * 60 + 600)) TIMES="$REBOOTS" "$here/reboots.sh"
cell "reboots-generation-2" 3600 GENERATION=2 TIMES=20 "$here/reboots.sh"
cell "hot-disks-${HOT_CYCLES:=1000}" $((HOT_CYCLES * 15 + 900)) TIMES="$HOT_CYCLES" SECONDS_MAX=$((HOT_CYCLES * 15 + 600)) "$here/storage_keeps_data.sh"
cell "shutdowns-${SHUTDOWNS:=100}" $((SHUTDOWNS * 120 + 600)) TIMES="$SHUTDOWNS" "$here/shutdowns.sh"
cell appliance-reaches-guest 1800 "$here/appliance_reaches_guest.sh"
for generation in 1 2; do cell "goes-on-after-save-generation-$generation" 900 GENERATION=$generation SECONDS_MAX=700 "$here/goes_on_after_save.sh"; done
cell installs-debian 15000 "$here/installs_debian.sh"

[ -z "$list" ] || exit 0
echo
cat "$table"
echo "$passed passed, $failed failed; logs in $dir"
rm -f "$table"
[ -z "${TEST_RESULTS:-}" ] || printf 'passed %d\nfailed %d\n' "$passed" "$failed" >>"$TEST_RESULTS"
[ $((passed + failed)) -gt 0 ] && [ "$failed" = 0 ]
