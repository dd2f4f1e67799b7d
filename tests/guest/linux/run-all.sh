#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole matrix, for `make test-all`: kernels, numbers of VPs, every protocol version, and all that ends a connection.
# "ok NAME" or "not ok NAME" and why; fails when a cell fails. With arguments: only the cells so named.
set -u
here=$(cd "$(dirname "$0")" && pwd)
only=$*
failed=0

cell() {	# NAME VARIABLE=VALUE... TEST
	name=$1
	shift
	case " ${only:-$name} " in *" $name "*) ;; *) return ;; esac
	dir=$(mktemp -d)
	if why=$(env BOOT_TEST_DIR="$dir" "$@" 2>&1); then
		echo "ok $name"
	else
		echo "not ok $name"
		echo "$why" | sed 's/^/    /'
		failed=1
	fi
	rm -rf "$dir"
}

for vps in 1 4; do
	cell "connects-bookworm-$vps" SUITE=bookworm VPS=$vps "$here/vmbus_connects.sh"
	cell "connects-trixie-$vps" SUITE=trixie VPS=$vps "$here/vmbus_connects.sh"
	cell "connects-trixie-backports-$vps" SUITE=trixie-backports VPS=$vps VERSION=6.0 "$here/vmbus_connects.sh"
done
cell "channels-move" "$here/channels_move.sh"
cell "reconnects-trixie-1" "$here/vmbus_reconnects.sh"
cell "reconnects-trixie-4" VPS=4 SECONDS_MAX=1200 "$here/vmbus_reconnects.sh"
for suite in bookworm trixie trixie-backports; do
	cell "storage-$suite" SUITE=$suite VPS=4 "$here/storage_keeps_data.sh"
	cell "ide-$suite" SUITE=$suite "$here/ide_disk_is_seen_once.sh"
done
# Linux 6.12's oldest and everything between; the module parameter is major << 16 | minor.
for version in 4.0 4.1 5.0 5.1 5.2; do
	number=$((${version%.*} << 16 | ${version#*.}))
	cell "connects-version-$version" VERSION=$version ARGUMENTS="max_version=$number" "$here/vmbus_connects.sh"
done
exit $failed
