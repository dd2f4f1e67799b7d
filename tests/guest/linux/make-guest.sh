#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a bootable CD with an unmodified Debian kernel, its hv_* modules, busybox and the Hyper-V daemons:
#	make-guest.sh OUT SUITE [SCRIPT] [tools] [socat] [small] [KERNEL-ARGUMENT...]
# SUITE: bookworm, trixie, trixie-backports. SCRIPT (a path with a slash, or ""): what the guest runs as root once the modules are
# loaded; it may use `option NAME`, show_vmbus and all of busybox. tools: adds fio and sg3-utils. small: busybox, VMBus, disks and the services'
# drivers alone, for guests that boot often. The CD boots by BIOS (isolinux) and UEFI (GRUB).
# Runs inside the build root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
suite=$2
shift 2
script=
case ${1:-} in */*) script=$1; shift ;; "") [ $# -eq 0 ] || shift ;; esac
extra= small=
while :; do
	case ${1:-} in tools | socat) extra="$extra $1" ;; small) small=yes ;; *) break ;; esac
	shift
done
packages=$("$here/packages.sh" "$suite")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/iso" "$dir/iso/isolinux" "$dir/own"

cp "$here/init" "$here/set-addresses" "$dir/own/"
[ -z "$script" ] || cp "$script" "$dir/own/script"
chmod +x "$dir/own/init"
if [ -n "$small" ]; then
	(
		cd "$dir/own"
		cpio -id --quiet bin/busybox 'modules/*' <"$packages/base.cpio"
		grep -E '^(hv_vmbus|scsi_.*|hv_storvsc|crc.*|t10-pi|sd_mod|hv_utils)\.ko$' modules/order >order
		(cd modules && ls | grep -vxFf ../order | xargs rm)
		mv order modules/
	)
fi
{
	[ -n "$small" ] || cat "$packages/base.cpio"
	for part in $extra; do cat "$packages/$part.cpio"; done
	(cd "$dir/own" && find . | cpio -o -H newc --quiet)
} | lz4 -l -q >"$dir/iso/initrd"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$dir/iso/isolinux/"
cp "$packages/vmlinuz" "$dir/iso/linux"
cat >"$dir/iso/isolinux/isolinux.cfg" <<CFG
default guest
prompt 0
timeout 1
label guest
	kernel /linux
	append initrd=/initrd console=ttyS0 $*
CFG
printf 'search --no-floppy --set=root --file /linux\nlinux /linux console=ttyS0 %s\ninitrd /initrd\nboot\n' "$*" >"$dir/grub.cfg"
"$here/../make-efi-image.sh" "$dir/iso/efi.img" "$dir/grub.cfg"
xorriso -as mkisofs -quiet -V GUEST -o "$out" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 \
	-boot-info-table -eltorito-alt-boot -e efi.img -no-emul-boot -R "$dir/iso" 2>/dev/null
