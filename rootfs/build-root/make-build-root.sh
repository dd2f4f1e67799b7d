#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the build root: a Debian trixie tree with every compiler, library and emulator that the build and the
# tests use, so that the host's distribution does not matter. Prints its path. Called by the Makefile only.
# The tree is kept under the cache by a hash of its inputs; a complete tree is never changed, only replaced.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${PARTITA_CACHE:-$HOME/.cache/partita}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

packages=$(sed -e 's/ *#.*//' -e '/^ *$/d' "$here/packages")
key=$(printf '%s\n' "$packages" | cat - "$0" | sha256sum | cut -c1-16)
root=$cache/build-root-$key
if [ -e "$root/.complete" ]; then
	echo "$root"
	exit 0
fi

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
plain=$(printf '%s\n' "$packages" | grep -v / | tr '\n' ',' | sed 's/,$//')
backports=$(printf '%s\n' "$packages" | sed -n 's|^\(.*\)/trixie-backports$|\1|p' | tr '\n' ' ')
echo "build root: assembling Debian trixie in $root (a few minutes, once)" >&2
mkdir -p "$cache"
$sudo rm -rf "$root.new"
$sudo mmdebstrap --quiet --mode=root --variant=apt --include="$plain" \
	--aptopt='Acquire::Retries "3"' --aptopt='APT::Install-Recommends "false"' \
	--dpkgopt=path-exclude=/usr/share/man/* --dpkgopt=path-exclude=/usr/share/locale/* \
	--customize-hook="chroot \"\$1\" apt-get install -y -qq --no-install-recommends -t trixie-backports $backports >&2" \
	--customize-hook='rm -rf "$1/var/cache/apt/archives"; touch "$1/.partita-build-root"' \
	trixie "$root.new" \
	"deb $mirror trixie main" "deb $mirror trixie-updates main" \
	"deb $mirror trixie-backports main" "deb http://security.debian.org/debian-security trixie-security main" >&2
$sudo touch "$root.new/.complete"
$sudo mv -T "$root.new" "$root"
echo "$root"
