#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-installer-iso.sh OUTPUT: the Debian installer of the build root (text and graphical, kernel and initrd as Debian
# ships them) on a bootable ISO 9660 image with an ISOLINUX menu. The menu waits for a key, or MENU_TIMEOUT tenths of a
# second for the text installer. Used by tests/ui, tests/bench and whoever wants a real guest; nothing is downloaded.
set -eu
images=/usr/lib/debian-installer/images/13/amd64
modules=/usr/lib/syslinux/modules/bios
output=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

mkdir -p "$tree/isolinux" "$tree/text" "$tree/gtk" "$(dirname "$output")"
for kind in text gtk; do
	cp "$images/$kind/debian-installer/amd64/linux" "$images/$kind/debian-installer/amd64/initrd.gz" "$tree/$kind/"
done
cp /usr/lib/ISOLINUX/isolinux.bin "$modules/ldlinux.c32" "$modules/libutil.c32" "$modules/menu.c32" "$tree/isolinux/"

# The menu is text mode so that the first thing a guest shows can be read; "graphical" asks for a VBE mode. Not "quiet": the
# kernel's messages tell how far a guest came.
cat >"$tree/isolinux/isolinux.cfg" <<CFG
UI menu.c32
PROMPT 0
TIMEOUT ${MENU_TIMEOUT:-0}
MENU TITLE Debian installer menu
LABEL text
  MENU LABEL Install in text mode
  KERNEL /text/linux
  APPEND initrd=/text/initrd.gz vga=normal fb=false nomodeset
LABEL graphical
  MENU LABEL Graphical install
  KERNEL /gtk/linux
  APPEND initrd=/gtk/initrd.gz vga=788
CFG

xorriso -as mkisofs -quiet -V PARTITA_TEST -J -r -o "$output.new" \
	-b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$tree"
mv "$output.new" "$output"
