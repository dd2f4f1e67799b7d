#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-guest.sh OUT EATER: a CD with Debian 13's unmodified kernel and the smallest initramfs that answers heartbeats and moves memory:
# hv_vmbus, hv_utils, hv_balloon, busybox, EATER (eater.c). Runs inside the build root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
packages=$("$here/../guest/linux/packages.sh" "${SUITE:-trixie}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/all" "$dir/root/bin" "$dir/root/modules" "$dir/iso/isolinux"
(cd "$dir/all" && cpio -idm --quiet <"$packages/base.cpio")
# The modules in the order in which they load: what each needs comes before it.
grep -E '^(hv_vmbus|hv_utils|hv_balloon|ptp|pps_core|connector)\.ko$' "$dir/all/modules/order" >"$dir/root/modules/order"
while read -r module; do cp "$dir/all/modules/$module" "$dir/root/modules/"; done <"$dir/root/modules/order"
cp "$dir/all/bin/busybox" "$2" "$dir/root/bin/"
cp "$here/init" "$dir/root/init"
chmod +x "$dir/root/init"
(cd "$dir/root" && find . | cpio -o -H newc --quiet) | lz4 -l -q >"$dir/iso/initrd"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$dir/iso/isolinux/"
cp "$packages/vmlinuz" "$dir/iso/linux"
cat >"$dir/iso/isolinux/isolinux.cfg" <<CFG
default guest
prompt 0
timeout 1
label guest
	kernel /linux
	append initrd=/initrd console=ttyS0 loglevel=4 random.trust_cpu=on panic=0
CFG
xorriso -as mkisofs -quiet -V GUEST -o "$1" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table -R "$dir/iso" 2>/dev/null
