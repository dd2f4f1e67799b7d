#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the read-only root file system: make-rootfs.sh OUTPUT BIN-FOLDER UI-FOLDER UEFI-ROM. Debian's base, then overlay/ and units/,
# then the services and the browser UI. No mounts and no root needed: everything is an archive
# until mkfs.erofs turns it into the image. Owners are root, times are zero, so equal inputs give equal images.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
bin=$2
ui=$3
uefi_rom=$4
stage=$out.stage
services='vmpriv vmms vmwp webapi console'

install_services() {
	for name in $services; do
		[ -x "$bin/$name" ] || { echo "rootfs: $bin/$name is not built" >&2; exit 1; }
		strip -o "$stage/usr/libexec/partita/$name" "$bin/$name"
	done
	strip -o "$stage/usr/bin/partita-vdisk" "$bin/partita-vdisk"
	cp -r "$ui" "$stage/usr/share/partita/ui"
	cp "$uefi_rom" "$stage/usr/share/partita/vmbus.rom"
}

rm -rf "$stage"
mkdir -p "$stage/usr/bin" "$stage/usr/lib/systemd/system" "$stage/usr/libexec/partita" "$stage/usr/share/partita"
cp -a "$here/overlay/." "$stage/"
cp "$here"/units/* "$stage/usr/lib/systemd/system/"
install_services
chmod -R u=rwX,go=rX "$stage"

cp --reflink=auto "$("$here/make-base.sh")" "$out.tar"
tar -C "$stage" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -rf "$out.tar" .
mkfs.erofs --quiet --tar=f -T0 --all-time -U 70617274-6974-6100-0000-000000000001 "$out.new" "$out.tar" >/dev/null
rm -rf "$out.tar" "$stage"
mv "$out.new" "$out"
