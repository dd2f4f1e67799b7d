#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the base of the root file system: Debian's packages for the root partition, as a tar archive. Prints its path.
# Called on the host before the build root is entered (mmdebstrap needs root, hence sudo when we are not), and once
# more inside, where it only finds the archive. Kept under the cache by a hash of its inputs.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${PARTITA_CACHE:-$HOME/.cache/partita}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

list() { sed -e 's/#.*//' -e '/^ *$/d' "$1"; }
key=$( (list "$here/packages"; list "$here/base-remove"; cat "$here/users.conf" "$0") | sha256sum | cut -c1-16)
base=$cache/rootfs-base-$key.tar
if [ -e "$base" ]; then
	echo "$base"
	exit 0
fi

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
echo "rootfs: fetching the root partition's Debian packages (a minute or two, once)" >&2
mkdir -p "$cache"
trap '$sudo rm -f "$base.new" "$base.remove"' EXIT
list "$here/base-remove" >"$base.remove"

# The globs of base-remove must reach rm unexpanded by the host's shell and expanded inside the tree.
# shellcheck disable=SC2016
$sudo mmdebstrap --quiet --mode=root --variant=essential --format=tar --skip=cleanup \
	--include="$(list "$here/packages" | paste -sd,)" \
	--aptopt='Acquire::Retries "3"' --aptopt='APT::Install-Recommends "false"' \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
	--dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/i18n/*' \
	--customize-hook="upload '$here/users.conf' /usr/lib/sysusers.d/partita.conf" \
	--customize-hook='chroot "$1" systemd-sysusers' \
	--customize-hook="cd \"\$1\" && xargs -a '$base.remove' sh -c 'rm -rf -- \$*' sh" \
	trixie - \
	"deb $mirror trixie main" "deb $mirror trixie-updates main" \
	"deb http://security.debian.org/debian-security trixie-security main" |
	tar --delete --wildcards -f - './dev/*' './run/*' './tmp/*' >"$base.new"
[ -s "$base.new" ] || { echo "rootfs: mmdebstrap produced nothing" >&2; exit 1; }
mv "$base.new" "$base"
echo "$base"
