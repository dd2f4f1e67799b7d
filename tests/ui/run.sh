#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The browser test, on the appliance that build/run/appliance.json describes; inside the build root, at the top of the
# checkout. PARTITA_PASSWORD: the password, when it is no longer the one-time one. Pictures go to build/screenshots.
set -eu
json=build/run/appliance.json
[ -e "$json" ] || { echo "no appliance is running: make start" >&2; exit 2; }
here=$PWD/tests/ui
work=$PWD/build/ui-test
mkdir -p "$work" build/screenshots
rm -f build/screenshots/failed-* "$work/password-changed"

if ! cmp -s "$here/package-lock.json" "$here/node_modules/.installed"; then
	(cd "$here" && npm ci --no-progress)
	cp "$here/package-lock.json" "$here/node_modules/.installed"
fi
iso=$work/debian-installer.iso
[ "$iso" -nt tests/data/make-installer-iso.sh ] || tests/data/make-installer-iso.sh "$iso"

export PARTITA_URL="$(jq -r .url "$json")"
export PARTITA_USER="$(jq -r .adminUser "$json")"
export PARTITA_PASSWORD="${PARTITA_PASSWORD:-$(jq -r .adminPassword "$json")}"
export PARTITA_NEW_PASSWORD="${PARTITA_NEW_PASSWORD:-correct horse battery}"
export INSTALLER_ISO="$iso" MEMTEST_ISO=/usr/lib/memtest86+/memtest86+x64.iso
export SCREENSHOTS="$PWD/build/screenshots" SCRATCH="$work" TEST_RESULTS="${TEST_RESULTS:-$PWD/build/test-results}"
status=0
timeout -k 10 "${UI_TEST_LIMIT:-940}" node "$here/journey.mjs" || status=$?
# Other tests sign in with what appliance.json says.
if [ -e "$work/password-changed" ]; then
	jq --arg password "$PARTITA_NEW_PASSWORD" '.adminPassword = $password' "$json" >"$json.new"
	mv "$json.new" "$json"
fi
exit $status
