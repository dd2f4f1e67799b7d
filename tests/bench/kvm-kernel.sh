#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches Debian's stock kernel, the peer of the benchmarks and the guest of both: kvm-kernel.sh. Prints the folder that then
# holds vmlinuz, modules (uncompressed) and for each use a list of them in the order of loading: kvm.list (KVM itself), host.list
# (what QEMU's host needs besides), hv.list (a guest on VMBus) and virtio.list (one on virtio). Kept in the cache under a key of
# this script. Runs inside the build root, as the benchmark's only download.
set -eu
cache=${PARTITA_CACHE:-$HOME/.cache/partita}
out=$cache/kvm-kernel-$(sha256sum "$0" | cut -c1-12)
[ -e "$out/vmlinuz" ] && { echo "$out"; exit 0; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/new"
apt="-o Dir::State::lists=$tmp/lists -o Dir::Cache=$tmp/cache -o APT::Sandbox::User=root"
cd "$tmp"
# shellcheck disable=SC2086
{
	apt-get $apt update -qq
	name=$(apt-cache $apt depends -i linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	apt-get $apt download -qq "$name"
} >&2
dpkg-deb -x linux-image-*.deb tree
[ -d tree/lib/modules ] || ln -s usr/lib tree/lib
version=$(ls tree/lib/modules)
depmod -b tree "$version"

take() {	# LIST MODULE...: with what they need, in that order
	list=$1
	shift
	for module in "$@"; do
		modprobe -d "$tmp/tree" -S "$version" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | awk '!seen[$0]++' | while read -r file; do
		name=$(basename "$file" .xz)
		case $file in *.xz) xz -dc "$file" ;; *) cat "$file" ;; esac >"new/$name"
		echo "$name"
	done >"new/$list.list"
	[ -s "new/$list.list" ]
}
take kvm ccp kvm-amd
take host virtio_pci virtio_blk ext4 crc32c_generic tun bridge
take hv hv_vmbus hv_storvsc hv_netvsc sd_mod
take virtio virtio_pci virtio_blk virtio_net
cp tree/boot/vmlinuz-* new/vmlinuz
rm -rf "$out"
mv new "$out"
echo "$out"
