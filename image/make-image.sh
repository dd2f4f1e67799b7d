#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts the disk image together: make-image.sh OUTPUT HV KERNEL ROOTFS. Works on plain files (mtools, sfdisk, dd):
# no loop devices, no mounts, no root. Equal inputs give an equal image. One image serves BIOS and UEFI machines.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
hv=$2
kernel=$3
rootfs=$4
work=$out.work
grub=/usr/lib/grub
# 1980-01-01: the earliest time FAT can hold
export SOURCE_DATE_EPOCH=315532800 MTOOLS_SKIP_CHECK=1

# Modules inside both loaders, so that the ESP holds no loose ones.
modules='part_gpt fat normal configfile multiboot2 smbios regexp test true echo serial terminal boot'

field() { # FIELD PARTITION-NAME: start or size of a partition, in sectors of 512 bytes
	sed -n "s/.*$1= *\([0-9]*\),.*name=\"$2\".*/\1/p" "$here/partitions"
}

put() { # FILE PARTITION-NAME: writes a file into a partition
	size=$(stat -c %s "$1")
	[ "$size" -le $(($(field size "$2") * 512)) ] || { echo "image: $1 ($size bytes) does not fit $2" >&2; exit 1; }
	dd if="$1" of="$out.new" bs=1M oflag=seek_bytes seek=$(($(field start "$2") * 512)) conv=notrunc,sparse status=none
}

le64() { # NUMBER: eight bytes, little-endian
	printf '%016x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)/\\x\8\\x\7\\x\6\\x\5\\x\4\\x\3\\x\2\\x\1/'
}

poke() { # FILE OFFSET ESCAPED-BYTES
	/usr/bin/printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# BIOS: boot.img in the first sector loads the first sector of core.img, which loads the rest; both are told where.
# 0x5c in boot.img: sector of core.img; 0x66: two NOPs, trust the drive the BIOS names. 0x1f4 in core.img: its second sector.
make_bios_loader() {
	grub-mkimage -O i386-pc -d "$grub/i386-pc" -p '(,gpt2)/grub' -o "$work/core.img" biosdisk $modules
	cp "$grub/i386-pc/boot.img" "$work/boot.img"
	start=$(field start partita-bios)
	poke "$work/boot.img" $((0x5c)) "$(le64 "$start")"
	poke "$work/boot.img" $((0x66)) '\x90\x90'
	poke "$work/core.img" $((0x1f4)) "$(le64 $((start + 1)))"
}

make_esp() {
	grub-mkimage -O x86_64-efi -d "$grub/x86_64-efi" -p /grub -o "$work/bootx64.efi" efi_gop efi_uga $modules
	sed "s|@KERNEL_OPTIONS@|$(grep -v '^#' "$here/loader/kernel-options" | paste -sd' ')|" "$here/loader/grub.cfg" >"$work/grub.cfg"
	truncate -s $(($(field size partita-esp) * 512)) "$work/esp"
	mkfs.vfat -F 32 -n PARTITA --invariant "$work/esp" >/dev/null
	touch -d @$SOURCE_DATE_EPOCH "$work"/*
	mmd -i "$work/esp" ::/EFI ::/EFI/BOOT ::/grub ::/a ::/b
	mcopy -m -i "$work/esp" "$work/bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
	mcopy -m -i "$work/esp" "$work/grub.cfg" ::/grub/grub.cfg
	mcopy -i "$work/esp" "$hv" ::/a/hv
	mcopy -i "$work/esp" "$kernel" ::/a/vmlinuz
}

# The mark tells the first boot to make the file system, at the size that the disk allows (rootfs: prepare-data).
make_data() {
	printf 'partita-data-new' >"$work/data"
}

make_disk() {
	end=$(($(field start partita-data) + $(field size partita-data)))
	rm -f "$out.new"
	truncate -s $(((end + 2048) * 512)) "$out.new"
	sfdisk --quiet "$out.new" <"$here/partitions"
	dd if="$work/boot.img" of="$out.new" bs=440 count=1 conv=notrunc status=none
	put "$work/core.img" partita-bios
	put "$work/esp" partita-esp
	put "$rootfs" partita-root-a
	put "$work/data" partita-data
}

rm -rf "$work"
mkdir -p "$work"
make_bios_loader
make_esp
make_data
make_disk
rm -rf "$work"
mv "$out.new" "$out"
