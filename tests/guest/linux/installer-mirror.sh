#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes what an unattended installation by the unmodified Debian installer needs, in a folder of the cache whose path it prints:
# images/ (kernel and initrd of the installer's network boot image) and mirror.squashfs (what that fetches for a small system). The
# packages are genuine, checked by apt against the archive's signature, under indexes cut down to them; those carry no signature:
# the installer is told so. A mirror may lack e2fsprogs' package for the installer: then that is put together from the ordinary
# packages of the same version. Runs inside the build root.
set -eu
cache=${PARTITA_CACHE:-$HOME/.cache/partita}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
# Not the newest point release: mirrors that keep installer packages only for a while have this one's.
image=debian-installer-13-netboot-amd64_20250803+deb13u6_all.deb
kernel=6.12.94+deb13
out=$cache/installer-$(sha256sum <"$0" | cut -c1-12)
[ -e "$out/mirror.squashfs" ] && { echo "$out"; exit 0; }
# Beyond the base system: kernel, boot loader, and what the installer adds by itself on such a machine.
packages="linux-image-cloud-amd64 grub-efi-amd64 grub-efi-amd64-signed shim-signed efibootmgr os-prober locales console-setup keyboard-configuration
	initramfs-tools busybox zstd hyperv-daemons dosfstools e2fsprogs eject laptop-detect installation-report discover pciutils usbutils
	popularity-contest tasksel debconf-i18n ca-certificates cloud-guest-utils debian-archive-keyring dracut-install dhcpcd-base ifupdown"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/state" "$tmp/parts" "$tmp/tree"
touch "$tmp/status"
echo "deb $mirror trixie main main/debian-installer" >"$tmp/sources.list"
apt="-o Dir::State=$tmp/state -o Dir::State::lists=$tmp/lists -o Dir::State::status=$tmp/status -o Dir::Cache=$tmp/cache -o Dir::Etc::sourcelist=$tmp/sources.list
	-o Dir::Etc::sourceparts=$tmp/parts -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::Languages=none"

paragraphs() {	# INDEX, paths on standard input: the paragraphs of these
	awk 'NR == FNR { want[$0] = 1; next } { path = $0; sub(/.*\nFilename: /, "", path); sub(/\n.*/, "", path) } path in want { print $0 "\n" }' \
		- RS= "$1"
}

files_of() {	# an index on standard input: path and sum of each
	awk -v RS= '{ path = sum = $0; sub(/.*\nFilename: /, "", path); sub(/\n.*/, "", path); sub(/.*\nSHA256: /, "", sum); sub(/\n.*/, "", sum)
		print path, sum }'
}

fetch() {	# paths and sums on standard input; apt-helper checks the sums; what the mirror lacks is left out
	while read -r path sum; do
		mkdir -p "$tmp/tree/$(dirname "$path")"
		echo "$mirror/$path" "$tmp/tree/$path" "SHA256:$sum"
	done | xargs -n 90 /usr/lib/apt/apt-helper -qq -o APT::Sandbox::User=root -o Acquire::Retries=3 download-file >&2 || true
}

make_e2fsprogs_udeb() {	# prints its paragraph of the index
	path=pool/main/e/e2fsprogs/e2fsprogs-udeb_of_debs_amd64.udeb
	mkdir -p "$tmp/e2fsprogs/DEBIAN" "$tmp/e2fsprogs/usr/lib/x86_64-linux-gnu" "$tmp/e2fsprogs/usr/sbin" "$tmp/e2fsprogs/etc" "$tmp/debs"
	for deb in "$tmp"/tree/pool/main/e/e2fsprogs/*.deb; do dpkg-deb -x "$deb" "$tmp/debs"; done
	cp -a "$tmp"/debs/usr/lib/x86_64-linux-gnu/lib*.so.* "$tmp/e2fsprogs/usr/lib/x86_64-linux-gnu/"
	cp -a "$tmp"/debs/usr/sbin/mke2fs "$tmp"/debs/usr/sbin/mkfs.* "$tmp"/debs/usr/sbin/e2fsck "$tmp"/debs/usr/sbin/fsck.* "$tmp"/debs/usr/sbin/tune2fs \
		"$tmp"/debs/usr/sbin/resize2fs "$tmp"/debs/usr/sbin/dumpe2fs "$tmp/e2fsprogs/usr/sbin/"
	cp "$tmp/debs/etc/mke2fs.conf" "$tmp/e2fsprogs/etc/"
	awk -v RS= '/^Package: e2fsprogs-udeb\n/ { print; exit }' "$udebs" | grep -v '^\(Filename\|Size\|MD5sum\|SHA256\|Description-md5\):' >"$tmp/e2fsprogs/DEBIAN/control"
	dpkg-deb --root-owner-group --build "$tmp/e2fsprogs" "$tmp/tree/$path" >&2
	cat "$tmp/e2fsprogs/DEBIAN/control"
	printf 'Filename: %s\nSize: %s\nMD5sum: %s\nSHA256: %s\n\n' "$path" "$(stat -c %s "$tmp/tree/$path")" \
		"$(md5sum <"$tmp/tree/$path" | cut -c1-32)" "$(sha256sum <"$tmp/tree/$path" | cut -c1-64)"
}

# shellcheck disable=SC2086
apt-get $apt update -qq >&2
index=$(ls "$tmp"/lists/*_main_binary-amd64_Packages)
udebs=$(ls "$tmp"/lists/*_debian-installer_binary-amd64_Packages)
base=$(awk '/^Package: / { name = $2 } /^Priority: (required|important)/ { print name }' "$index")
main=$tmp/tree/dists/trixie/main
mkdir -p "$main/binary-amd64" "$main/debian-installer/binary-amd64"
# shellcheck disable=SC2086
apt-get $apt -y --no-install-recommends --print-uris install $base $packages | sed -n "s|^'[^ ]*/\(pool/[^ ]*\)' .*|\1|p" | sed 's/%2b/+/g; s/%7e/~/g' |
	paragraphs "$index" >"$main/binary-amd64/Packages"
files_of <"$main/binary-amd64/Packages" | fetch
# Of the installer's own packages: those for its kernel or for any, as far as the mirror has them.
awk -v RS= -v kernel="$kernel" '/^Package: [^\n]*-[0-9][^\n]*-di\n/ && !index($0, kernel "-amd64-di") { next } { print $0 "\n" }' "$udebs" >"$tmp/udebs"
files_of <"$tmp/udebs" | fetch
(cd "$tmp/tree" && find pool -name '*.udeb') | paragraphs "$tmp/udebs" >"$main/debian-installer/binary-amd64/Packages"
ls "$tmp"/tree/pool/main/e/e2fsprogs/*.udeb >/dev/null 2>&1 || make_e2fsprogs_udeb >>"$main/debian-installer/binary-amd64/Packages"
files_of <"$main/binary-amd64/Packages" | while read -r path _; do
	[ -e "$tmp/tree/$path" ] || { echo "the mirror has no $path" >&2; exit 1; }
done
printf 'Archive: stable\nOrigin: Debian\nLabel: Debian\nComponent: main\nArchitecture: amd64\n' | tee "$main/binary-amd64/Release" >"$main/debian-installer/binary-amd64/Release"
gzip -k9 "$main/binary-amd64/Packages" "$main/debian-installer/binary-amd64/Packages"
(
	cd "$tmp/tree/dists/trixie"
	printf 'Origin: Debian\nLabel: Debian\nSuite: stable\nCodename: trixie\nVersion: 13\nDate: %s\nArchitectures: amd64\nComponents: main\nSHA256:\n' \
		"$(date -u -R | sed 's/+0000/UTC/')"
	find main -type f | while read -r file; do
		printf ' %s %s %s\n' "$(sha256sum "$file" | cut -c1-64)" "$(stat -c %s "$file")" "$file"
	done
) >"$tmp/Release"
mv "$tmp/Release" "$tmp/tree/dists/trixie/Release"
ln -s trixie "$tmp/tree/dists/stable"
echo "$mirror/pool/main/d/debian-installer-netboot-images/$image" "$tmp/$image" | xargs /usr/lib/apt/apt-helper -qq download-file >&2
echo "b14500fba1c068c7d818de1376e46151628d96d8b2f322dfcbe7a16b7b8c2fa4  $tmp/$image" | sha256sum -c --quiet >&2
dpkg-deb -x "$tmp/$image" "$tmp/image"
rm -rf "$out.new"
mkdir -p "$out.new"
mv "$tmp"/image/usr/lib/debian-installer/images/13/amd64/text/debian-installer/amd64 "$out.new/images"
mksquashfs "$tmp/tree" "$out.new/mirror.squashfs" -quiet -no-progress -all-root -comp zstd -Xcompression-level 1 >&2
mv "$out.new" "$out"
echo "$out"
