#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command inside the build root: enter.sh ROOT COMMAND [ARG...]. The tree is read-only there; the checkout,
# the cache, /tmp,
# the network and the trusted certificates are the host's. As root every capability is kept (tests switch users).
set -eu
root=$1
shift
checkout=$(cd "$(dirname "$0")/../.." && pwd)
cache=${PARTITA_CACHE:-$HOME/.cache/partita}
caps=
[ "$(id -u)" = 0 ] && caps='--cap-add ALL'
mkdir -p "$cache"

# The folders above the checkout exist only in there; tests that run as another user pass through them.
parents=
dir=$(dirname "$checkout")
while [ "$dir" != / ]; do
	parents="--perms 0755 --dir $dir $parents"
	dir=$(dirname "$dir")
done
# shellcheck disable=SC2086
exec bwrap --ro-bind "$root/usr" /usr --ro-bind "$root/etc" /etc --ro-bind "$root/var" /var \
	--symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
	--ro-bind "$root/.partita-build-root" /.partita-build-root --dev-bind /dev /dev --proc /proc --ro-bind /sys /sys --bind /tmp /tmp --tmpfs /run \
	$parents --bind "$checkout" "$checkout" --bind "$cache" "$cache" \
	--ro-bind /etc/resolv.conf /etc/resolv.conf --ro-bind-try /etc/hosts /etc/hosts --ro-bind-try "$HOME/.npmrc" "$HOME/.npmrc" \
	--ro-bind-try /etc/ssl/certs /etc/ssl/certs --tmpfs /var/tmp \
	--setenv NODE_EXTRA_CA_CERTS /etc/ssl/certs/ca-certificates.crt --setenv HOME "$HOME" --setenv PARTITA_CACHE "$cache" --setenv npm_config_cache "$cache/npm" \
	--setenv PATH /usr/sbin:/usr/bin:/sbin:/bin --setenv LC_ALL C.UTF-8 --chdir "$PWD" $caps --die-with-parent "$@"
