#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches an unmodified Debian kernel with the modules a guest on VMBus uses, and the Hyper-V daemons: packages.sh SUITE, where
# SUITE is bookworm (6.1), trixie (6.12) or trixie-backports (7.x). Prints the folder that then holds vmlinuz, VERSION, and
# base.cpio, tools.cpio and socat.cpio (with iperf3) for the initramfs; kept in the cache under a key of this script and the suite. Runs inside the build root.
set -eu
suite=$1
cache=${PARTITA_CACHE:-$HOME/.cache/partita}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
key=$(cat "$0" | sha256sum | cut -c1-12)
out=$cache/guest-$suite-$key
[ -e "$out/VERSION" ] && { echo "$out"; exit 0; }
# What a guest needs to find and use our devices; dependencies are added.
modules="hv_vmbus hv_storvsc hv_netvsc hyperv_drm hyperv_fb hyperv_keyboard hid_hyperv hid-generic hv_utils hv_balloon hv_sock uio_hv_generic
	sd_mod sr_mod sg ata_piix ata_generic evdev mousedev ext4 vfat nls_ascii nls_cp437 isofs nls_utf8 8021q af_packet crc32c_generic"
programs="sbin/hv_kvp_daemon sbin/hv_vss_daemon sbin/hv_fcopy_daemon sbin/hv_fcopy_uio_daemon sbin/kexec sbin/ethtool sbin/blkdiscard"
tools="bin/fio bin/sg_inq bin/sg_unmap bin/sg_vpd bin/sg_readcap bin/sg_persist"	# large: only for guests that ask

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/state" "$tmp/parts" "$tmp/tree"
touch "$tmp/status"
release=${suite%-backports}
{
	echo "deb $mirror $release main"
	echo "deb http://security.debian.org/debian-security $release-security main"
	[ "$release" = "$suite" ] || echo "deb $mirror $suite main"
} >"$tmp/sources.list"
apt="-o Dir::State=$tmp/state -o Dir::State::lists=$tmp/lists -o Dir::State::status=$tmp/status -o Dir::Cache=$tmp/cache -o Dir::Etc::sourcelist=$tmp/sources.list
	-o Dir::Etc::sourceparts=$tmp/parts -o APT::Sandbox::User=root -o Acquire::Retries=3"
cd "$tmp"
# shellcheck disable=SC2086
{
	apt-get $apt update -qq
	pick() { apt-cache $apt madison "$1" | awk -F'|' -v s="$suite" 'index($3, " " s "/") || index($3, " " s "-security/") { gsub(/ /, "", $2); print $2; exit }'; }
	depends() { apt-cache $apt show "$1" | sed -n 's/^Depends: //p' | grep -o "$2" | head -n 1; }
	image=$(depends "linux-image-amd64=$(pick linux-image-amd64)" 'linux-image-[0-9][^ ,]*')
	parts=$(for part in binary modules; do depends "$image" "linux-$part-[0-9][^ ,]*" || true; done)	# packages of their own from 7.x on
	apt-get $apt download -qq "$image" $parts "hyperv-daemons=$(pick hyperv-daemons)"
	# Tools and every library they need, as the distribution has them.
	apt-get $apt -y -qq --no-install-recommends --download-only install kexec-tools ethtool socat iperf3 fio sg3-utils util-linux
} >&2
for deb in ./*.deb cache/archives/*.deb; do dpkg-deb -x "$deb" tree; done
[ -d tree/lib/modules ] || { rm -rf tree/lib; ln -s usr/lib tree/lib; }
version=$(ls tree/lib/modules)
vmlinuz=$(find tree -name "vmlinuz*" -type f | head -n 1)
depmod -b tree "$version"

base=$tmp/base tools_root=$tmp/tools socat_root=$tmp/socat
mkdir -p "$base/modules" "$base/lib64" "$base/usr/lib" "$base/bin" "$base/usr/libexec/hypervkvpd" "$tools_root/usr/lib" "$tools_root/bin" "$socat_root/usr/lib" "$socat_root/bin"
for module in $modules; do
	modprobe -d "$tmp/tree" -S "$version" --show-depends "$module" 2>/dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p' || true
done | awk '!seen[$0]++' >files
while read -r file; do
	name=$(basename "$file" .xz)
	case $file in *.xz) xz -dc "$file" ;; *) cat "$file" ;; esac >"$base/modules/$name"
	echo "$name"
done <files >"$base/modules/order"
cp "$(command -v busybox)" "$base/bin/"
libraries=tree/usr/lib/x86_64-linux-gnu:tree/lib/x86_64-linux-gnu:tree/usr/lib/x86_64-linux-gnu/ceph
loader=$(find tree -name ld-linux-x86-64.so.2 -type f | head -n 1)	# the suite's own: links to it may be absolute
take_programs() {	# TO PROGRAM...: with their libraries; the C library is in the base
	to=$1
	shift
	for program in "$@"; do
		file=tree/usr/$program
		[ -e "$file" ] || file=tree/$program
		[ -e "$file" ] || continue
		cp -L "$file" "$to/bin/"
		"$loader" --library-path "$libraries" --list "$file" | sed -n 's|.*=> \([^ ]*/[^ ]*\) .*|\1|p' | while read -r library; do
			[ -e "$base/usr/lib/$(basename "$library")" ] || cp -L "$library" "$to/usr/lib/"
		done
	done
}
cp "$loader" "$base/lib64/"
# shellcheck disable=SC2086
{ take_programs "$base" $programs; take_programs "$tools_root" $tools; take_programs "$socat_root" bin/socat bin/iperf3; }
cp -L "$(find tree -name libgcc_s.so.1 | head -n 1)" "$socat_root/usr/lib/"	# the C library loads it when a thread ends
find tree -name 'hv_[gs]et_*' -type f -exec cp {} "$base/usr/libexec/hypervkvpd/" \;
rm -rf "$out.new"
mkdir -p "$out.new"
(cd "$base" && find . | cpio -o -H newc --quiet) >"$out.new/base.cpio"
(cd "$tools_root" && find . | cpio -o -H newc --quiet) >"$out.new/tools.cpio"
(cd "$socat_root" && find . | cpio -o -H newc --quiet) >"$out.new/socat.cpio"
cp "$vmlinuz" "$out.new/vmlinuz"
echo "$version" >"$out.new/VERSION"
rm -rf "$out"
mv "$out.new" "$out"
echo "$out"
