#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the FAT image that UEFI looks for on a CD, with GRUB in one file: make-efi-image.sh OUT GRUB-SCRIPT.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
grub-mkstandalone -O x86_64-efi -o "$dir/bootx64.efi" --modules="iso9660 search search_fs_file linux echo halt read" \
	--install-modules="normal iso9660 search search_fs_file linux echo boot halt read" --locales="" --fonts="" --themes="" \
	"boot/grub/grub.cfg=$2" 2>/dev/null
truncate -s 8M "$1"
mformat -i "$1" ::
mmd -i "$1" ::/EFI ::/EFI/BOOT
mcopy -i "$1" "$dir/bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
