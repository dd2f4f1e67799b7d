# SPDX-License-Identifier: Apache-2.0
# What every API test starts with (". ./lib.sh"). run.sh gives the environment: URL (…/api/v1), TOKEN of an administrator,
# ADMIN_USER, ADMIN_PASSWORD, WORK (a scratch folder of this test). Only curl talks to the appliance.
set -u
JSON='Content-Type: application/json'
BINARY='Content-Type: application/octet-stream'

fail() {
	echo "$*"
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

# request METHOD PATH [CURL OPTIONS]: leaves $status, $WORK/body and $WORK/head. No credentials of its own.
request() {
	method=$1
	path=$2
	shift 2
	status=$(curl -sk --max-time 60 -o "$WORK/body" -D "$WORK/head" -w '%{http_code}' -X "$method" "$@" "$URL$path") || :
}

# api METHOD PATH [CURL OPTIONS]: the same as the administrator.
api() {
	request "$@" -H "Authorization: Bearer $TOKEN"
}

post() { # PATH JSON
	api POST "$1" -H "$JSON" -d "$2"
}

field() { # JQ EXPRESSION on the last body
	jq -r "$1" "$WORK/body"
}

header() { # NAME: its value in the last answer
	tr -d '\r' <"$WORK/head" | sed -n "s/^$1: //Ip" | tail -n 1
}

expect() { # STATUS [CODE [FIELD]]
	[ "$status" = "$1" ] || fail "$method $path answered $status, not $1: $(head -c 500 "$WORK/body")"
	case $1 in
	[45]*)
		[ "$(header Content-Type)" = application/problem+json ] || fail "$method $path: $1 is not problem+json"
		[ "$(field '(.status | tostring) + (.type | type) + (.detail | type)')" = "$1stringstring" ] || fail "$method $path: the problem lacks a member"
		;;
	esac
	[ $# -lt 2 ] || [ "$(field .code)" = "$2" ] || fail "$method $path: code $(field .code), not $2: $(field .detail)"
	[ $# -lt 3 ] || [ "$(field .field)" = "$3" ] || fail "$method $path: field $(field .field), not $3"
}

equal() { # WHAT GOT WANTED
	[ "$2" = "$3" ] || fail "$1: $2, not $3"
}

unique() { # a name nobody has used
	echo "test-$(date +%s%N)-$$"
}

uuid() {
	cat /proc/sys/kernel/random/uuid
}

vm_json() { # NAME [PROCESSORS [BYTES]]
	printf '{"name":"%s","processor":{"count":%s},"memory":{"startupBytes":%s}}' "$1" "${2:-1}" "${3:-134217728}"
}

# What a test makes it gives back, also when it fails: "remove PATH" notes it, the latest first.
removals=
remove() {
	removals="$1 $removals"
}

clean_up() {
	result=$?
	for path in $removals; do
		curl -sk -o /dev/null --max-time 60 -X DELETE -H "Authorization: Bearer $TOKEN" "$URL$path"
	done
	exit $result
}
trap clean_up EXIT

new_vm() { # sets $vm
	post /vms "$(vm_json "$(unique)" "$@")"
	expect 201
	vm=$(field .id)
	remove "/vms/$vm"
}

new_disk() { # [BYTES]: sets $disk
	post /disks "{\"name\":\"$(unique)\",\"sizeBytes\":${1:-16777216}}"
	expect 201
	disk=$(field .id)
	remove "/disks/$disk"
}

make_iso() { # FILE [MEGABYTES]: a real ISO 9660 image with incompressible content
	mkdir -p "$WORK/tree"
	head -c "$((${2:-2} * 1048576))" /dev/urandom >"$WORK/tree/data"
	xorriso -as mkisofs -quiet -V TEST -o "$1" "$WORK/tree" 2>/dev/null || fail 'xorriso made no ISO'
}

# WebSocket upgrade by curl: the answer's head and the first frames, raw, in $WORK/frames.
upgrade() { # PATH [CURL OPTIONS]
	method=GET
	path=$1
	shift
	status=$(curl -sk --http1.1 --max-time 4 -o "$WORK/frames" -D "$WORK/head" -w '%{http_code}' -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
		-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' "$@" "$URL$path") || :
	cp "$WORK/frames" "$WORK/body" 2>/dev/null || : >"$WORK/body"
}

wait_for() { # SECONDS PATH JQ-EXPRESSION WANTED
	end=$(($(date +%s) + $1))
	while :; do
		api GET "$2"
		[ "$(field "$3" 2>/dev/null)" = "$4" ] && return
		[ "$(date +%s)" -lt "$end" ] || fail "$2: $3 is $(field "$3"), not $4, after $1 s"
		sleep 0.5
	done
}

can_start_vms() {
	api GET /host
	expect 200
	[ "$(field .hypervisor.present)" = true ]
}
