#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the UEFI driver as PCI option ROM: build-driver.sh OUTPUT, inside the build root. Headers, libraries and tools are
# those of Debian's source package edk2 (the one its ovmf was built from), fetched and compiled once into the cache.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
cache=${PARTITA_CACHE:-$HOME/.cache/partita}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
version=$(dpkg-query -f '${source:Version}' -W ovmf)
edk2=$cache/edk2-$version

# apt checks the archive against Debian's signed lists.
fetch() {
	mkdir -p "$edk2.work/apt/lists/partial" "$edk2.work/apt/archives/partial"
	echo "deb-src $mirror trixie main" >"$edk2.work/apt/sources.list"
	echo "deb-src http://security.debian.org/debian-security trixie-security main" >>"$edk2.work/apt/sources.list"
	set -- -qq -o "Dir::Etc::sourcelist=$edk2.work/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o "Dir::State::lists=$edk2.work/apt/lists" -o "Dir::Cache=$edk2.work/apt" -o APT::Sandbox::User=root
	apt-get "$@" update
	(cd "$edk2.work" && apt-get "$@" source --download-only --tar-only "edk2=$version")
	tar -C "$edk2.work" --strip-components=1 -xf "$edk2.work"/edk2_*.orig.tar.xz
	rm -rf "$edk2.work/apt" "$edk2.work"/edk2_*
}

tools() {
	for tool in Common EfiRom GenFw; do
		make -s -C "$edk2.work/BaseTools/Source/C/$tool" HOST_ARCH=X64 MAKEROOT=.. >"$edk2.work/tools.log" 2>&1 ||
			{ tail -n 20 "$edk2.work/tools.log" >&2; exit 1; }
	done
	for name in target tools_def build_rule; do
		cp "$edk2.work/BaseTools/Conf/$name.template" "$edk2.work/Conf/$name.txt"
	done
}

if [ ! -e "$edk2/Conf/target.txt" ]; then
	echo "uefi: fetching and preparing Debian's edk2 $version (a minute or two, once)" >&2
	rm -rf "$edk2.work"
	fetch
	tools
	rm -rf "$edk2"
	mv "$edk2.work" "$edk2"
fi

# The build system writes beside its sources and wants the driver below its workspace: a copy, of its own per output.
out=$(mkdir -p "$(dirname "$out")" && cd "$(dirname "$out")" && pwd)/$(basename "$out")
work=$out.work
mkdir -p "$work/PartitaUefi"
cp "$here"/*.c "$here"/*.h "$here"/*.inf "$here"/*.dsc "$work/PartitaUefi/"
export WORKSPACE="$work" PACKAGES_PATH="$work:$edk2" EDK_TOOLS_PATH="$edk2/BaseTools" CONF_PATH="$edk2/Conf" PYTHON_COMMAND=python3
export PATH="$edk2/BaseTools/Source/C/bin:$edk2/BaseTools/BinWrappers/PosixLike:$PATH" PYTHONDONTWRITEBYTECODE=1 GCC_BIN=
(cd "$work" && build -q -a X64 -b RELEASE -t GCC -p PartitaUefi/Partita.dsc) >"$work/build.log" 2>&1 ||
	{ tail -n 40 "$work/build.log" >&2; exit 1; }
EfiRom -f 0x1af4 -i 0x10f0 -l 0x088000 -ec "$work/Build/Partita/RELEASE_GCC/X64/Vmbus.efi" -o "$out"
