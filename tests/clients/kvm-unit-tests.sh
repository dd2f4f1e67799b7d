#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds kvm-unit-tests at one commit and prints the folder that then holds its programs (*.flat), kept in the cache under a key of
# this script. The commit's id says what is fetched, so any copy will do: KVM_UNIT_TESTS_URL names another, a local one as well.
# Exit 77: no copy can be reached. Runs inside the build root.
set -eu
commit=1da1819e49fc4938985edca67df669099b4c87a7
urls=${KVM_UNIT_TESTS_URL:-https://gitlab.com/kvm-unit-tests/kvm-unit-tests.git https://github.com/kvm-unit-tests/kvm-unit-tests.git}
cache=${PARTITA_CACHE:-$HOME/.cache/partita}
out=$cache/kvm-unit-tests-$(sha256sum <"$0" | cut -c1-12)
[ -e "$out/.complete" ] && { echo "$out"; exit 0; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
git init -q "$tmp/source"
for url in $urls; do
	timeout 120 git -C "$tmp/source" fetch -q --depth 1 "$url" "$commit" 2>"$tmp/why" && break
done
if ! git -C "$tmp/source" -c advice.detachedHead=false checkout -q "$commit" 2>>"$tmp/why"; then
	sed 's/^/kvm-unit-tests: /' "$tmp/why" >&2
	exit 77
fi
(cd "$tmp/source" && ./configure --arch=x86_64 && make -j"$(nproc)") >"$tmp/log" 2>&1 || { tail -20 "$tmp/log" >&2; exit 1; }
rm -rf "$out"
mkdir -p "$out"
cp "$tmp"/source/x86/*.flat "$out/"
touch "$out/.complete"
echo "$out"
