#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a bootable CD of the Debian text installer with isolinux, its log on the screen and on COM1. make-guest-iso.sh OUT [ARGUMENTS]
set -eu
out=$1
arguments=${2:-}
images=/usr/lib/debian-installer/images/13/amd64/text/debian-installer/amd64
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/isolinux"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$dir/isolinux/"
cp "$images/linux" "$images/initrd.gz" "$dir/"
cat >"$dir/isolinux/isolinux.cfg" <<CFG
serial 0 115200
default install
prompt 1
timeout 30
label install
	kernel /linux
	append initrd=/initrd.gz vga=normal $arguments
CFG
xorriso -as mkisofs -quiet -V INSTALLER -o "$out" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 \
	-boot-info-table -R "$dir"
