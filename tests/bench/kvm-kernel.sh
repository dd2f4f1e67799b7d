#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches Debian's stock kernel with its KVM modules, the peer of the benchmarks: kvm-kernel.sh. Prints the folder that then
# holds vmlinuz and the modules, uncompressed; kept in the cache. Runs inside the build root, as the benchmark's only download.
set -eu
cache=${PARTITA_CACHE:-$HOME/.cache/partita}
out=$cache/kvm-kernel
[ -e "$out/kvm-amd.ko" ] && { echo "$out"; exit 0; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$out"
apt="-o Dir::State::lists=$tmp/lists -o Dir::Cache=$tmp/cache -o APT::Sandbox::User=root"
cd "$tmp"
# shellcheck disable=SC2086
{
	apt-get $apt update -qq
	name=$(apt-cache $apt depends -i linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	apt-get $apt download -qq "$name"
} >&2
dpkg-deb -x linux-image-*.deb tree
cp tree/boot/vmlinuz-* "$out/vmlinuz"
for module in irqbypass ccp kvm kvm-amd; do
	find tree -name "$module.ko.xz" -exec sh -c 'xz -dc "$1" >"$2"' _ {} "$out/$module.ko.new" \;
	[ -s "$out/$module.ko.new" ] && mv "$out/$module.ko.new" "$out/$module.ko"
done
echo "$out"
