#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the root partition's kernel: build-kernel.sh OUTPUT, inside the build root. The newest linux-source that the
# build root has, allnoconfig plus the fragment `config` beside this file. Every symbol of the fragment must take.
# The result is kept in the cache by a hash of everything that goes in, so that a second build is a copy.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
cache=${PARTITA_CACHE:-$HOME/.cache/partita}
fragment=$here/config

tarball=$(find /usr/src -name 'linux-source-*.tar.xz' | sort -V | tail -n 1)
[ -n "$tarball" ] || { echo "kernel: the build root has no linux-source" >&2; exit 1; }
version=$(dpkg-query -f '${Version}' -W "$(basename "$tarball" .tar.xz)")
key=$( (echo "$version"; gcc -dumpfullversion; cat "$fragment" "$0") | sha256sum | cut -c1-16)
kept=$cache/kernel-$key
work=$kept.work

unpack() {
	rm -rf "$work"
	mkdir -p "$work"
	tar -C "$work" --strip-components=1 -xf "$tarball"
}

# Lists the lines of the fragment that the configuration does not hold.
not_taken() {
	grep '^CONFIG_' "$fragment" | grep -vxFf "$work/.config" || true
	sed -n 's/^# \(CONFIG_[A-Z0-9_]*\) is not set$/\1=/p' "$fragment" | while read -r symbol; do
		grep "^$symbol" "$work/.config" || true
	done
}

configure() {
	make -s -C "$work" KCONFIG_ALLCONFIG="$fragment" allnoconfig >/dev/null
	missing=$(not_taken)
	[ -z "$missing" ] && return
	echo "kernel: these lines of rootfs/kernel/config did not take (a dependency is missing, or the symbol is gone):" >&2
	echo "$missing" >&2
	exit 1
}

compile() {
	export KBUILD_BUILD_TIMESTAMP='1970-01-01' KBUILD_BUILD_USER=partita KBUILD_BUILD_HOST=partita
	nice make -s -C "$work" -j"$(nproc)" bzImage >"$work.log" 2>&1 || { tail -n 40 "$work.log" >&2; exit 1; }
}

if [ ! -e "$kept/bzImage" ]; then
	echo "kernel: building $version for the root partition (12 minutes or so on two cores, once)" >&2
	unpack
	configure
	compile
	mkdir -p "$kept"
	cp "$work/.config" "$kept/config"
	cp "$work/System.map" "$kept/System.map"
	cp "$work/arch/x86/boot/bzImage" "$kept/bzImage.new"
	mv "$kept/bzImage.new" "$kept/bzImage"
	rm -rf "$work" "$work.log"
fi
mkdir -p "$(dirname "$out")"
cp --preserve=timestamps "$kept/bzImage" "$out"
