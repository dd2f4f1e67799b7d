#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the few host packages that the build root needs, saying which and why; does nothing when they are there.
set -eu
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need mmdebstrap mmdebstrap
need bwrap bubblewrap
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing="$missing debian-archive-keyring"
[ -n "$missing" ] || exit 0
echo "installing with apt:$missing (mmdebstrap assembles the build root, bubblewrap enters it)"
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo apt-get install -y -qq --no-install-recommends $missing
