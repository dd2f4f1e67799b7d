#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a user waits for on the booted image: to the login page, from Start to the first pixel of the firmware and to the
# installer's first screen, and what the idle root partition takes. Prints rows as JSON lines for run.sh. The disk of
# `make start` is set aside, so that a VM of the user's is neither disturbed nor measured.
set -eu
. tests/bench/row.inc
run=build/run
work=$(mktemp -d)
FRESH=1
export FRESH

finish() {
	image/run/appliance.sh stop >&2 || :
	rm -rf "$work"
}

seconds() { date +%s.%N; }
since() { echo "$(seconds) $1" | awk '{ printf "%.1f", $1 - $2 }'; }
call() { # METHOD PATH [CURL-OPTION...]
	method=$1 path=$2
	shift 2
	curl -ksS --max-time 120 --fail-with-body -X "$method" -b "$work/cookies" -c "$work/cookies" -H "X-CSRF-Token: ${csrf:-}" "$@" "$url/api/v1$path"
}
json() { call "$1" "$2" -H 'Content-Type: application/json' -d "$3"; }

log_in() {
	password='Bench-3f9a-Passphrase'
	url=$(jq -r .url $run/appliance.json | sed 's|/$||')
	user=$(jq -r .adminUser $run/appliance.json)
	first=$(jq -r .adminPassword $run/appliance.json)
	answer=$(json POST /sessions "{\"username\":\"$user\",\"password\":\"$first\"}")
	csrf=$(echo "$answer" | jq -r .csrfToken)
	id=$(echo "$answer" | jq -r .user.id)
	json PATCH "/users/$id" "{\"currentPassword\":\"$first\",\"password\":\"$password\"}" >/dev/null
	csrf=$(json POST /sessions "{\"username\":\"$user\",\"password\":\"$password\"}" | jq -r .csrfToken)
}

new_vm() {
	MENU_TIMEOUT=1 tests/data/make-installer-iso.sh "$work/installer.iso" >&2
	iso=$(cat /proc/sys/kernel/random/uuid)
	call PUT "/isos/$iso?name=bench.iso" -H 'Content-Type: application/octet-stream' -T "$work/installer.iso" >/dev/null
	vm=$(json POST /vms "{\"name\":\"bench\",\"generation\":1,\"processor\":{\"count\":1},\"memory\":{\"startupBytes\":1073741824},
		\"disks\":[{\"medium\":\"dvd\",\"source\":{\"isoId\":\"$iso\"}}]}" | jq -r .id)
}

screen() { call GET "/vms/$vm/screenshot" -o "$work/screen.png" 2>/dev/null; }
has_pixels() { screen && [ "$(convert "$work/screen.png" -colorspace gray -format '%[fx:maxima > 0.1]' info:)" = 1 ]; }
shows() { screen && convert "$work/screen.png" -resize 200% "$work/large.png" && tesseract "$work/large.png" - 2>/dev/null | grep -qi "$1"; }
wait_until() { # SECONDS COMMAND...
	end=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$end" ] || { echo "not seen in time: $*" >&2; return 1; }
		sleep 0.2
	done
}

if image/run/appliance.sh status >/dev/null 2>&1; then
	echo "an appliance is running already; the benchmark needs one of its own: make stop" >&2
	exit 1
fi
trap finish EXIT
trap 'exit 1' INT TERM HUP
begin=$(seconds)
image/run/appliance.sh start >&2
row appliance 'start of QEMU to the login page (warm)' s "$(since "$begin")" '' '' 60
sleep 10
used=$(image/run/root-shell free -m | awk '/^Mem:/ { print $3 }')
row appliance 'memory used by the idle root partition' MiB "$used" '' '' 300
row image 'compressed image' MiB "$(($(stat -c %s build/image/partita.raw.zst) >> 20))" '' '' 250
log_in
new_vm
begin=$(seconds)
json POST "/vms/$vm/actions/start" '{}' >/dev/null
wait_until 60 has_pixels
row vm 'Start to the first firmware pixel' s "$(since "$begin")" '' '' 5
wait_until 300 shows 'select a language'
row vm "Start to the installer's first screen" s "$(since "$begin")" '' '' ''
json POST "/vms/$vm/actions/turn-off" '{}' >/dev/null
