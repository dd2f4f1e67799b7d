#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# QEMU's mshv accelerator, unchanged, boots SeaBIOS and Debian's kernel on /dev/mshv up to a shell script that powers off. BOARDS
# says what: "BOARD VPS" lines.
set -eu
. "$(dirname "$0")/clients.inc"
mkdir -p "$work/linux/bin" "$work/linux/proc" "$work/linux/sys" "$work/linux/dev"
cp "$(command -v busybox)" "$work/linux/bin/"
cp "$here/guest.init" "$work/linux/init"
chmod +x "$work/linux/init"
(cd "$work/linux" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initrd.gz"
cp /usr/lib/debian-installer/images/13/amd64/text/debian-installer/amd64/linux "$work/linux.kernel"
printf '%s\n' "${BOARDS:-pc 1
q35 2}" >"$work/boards"
boot_with 2400 1 linux.script "$work/boards" "$work/linux.kernel" "$work/initrd.gz"
while read -r board vps; do
	said=$(sed -n "/^boot $board $vps begins/,/^boot $board $vps ends/p" "$log")
	for line in "guest: $vps processors, clock hyperv" "guest: processor $((vps - 1)) runs" "guest: slept [1-9]" "guest: powers off" "boot $board $vps ends 0"; do
		echo "$said" | grep -q -- "$line" && continue
		echo "missing for $board with $vps VPs in $log: $line" >&2
		exit 1
	done
done <"$work/boards"
must_end
