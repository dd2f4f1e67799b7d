# SPDX-License-Identifier: Apache-2.0
# A running Debian guest with its own daemons gets a file, an address, items and other memory by REST, and says on COM1 what it has.
# Takes minutes: not among the numbered ones; tests/guest/linux/appliance_reaches_guest.sh runs it (make test-all).
. ./lib.sh
can_start_vms || skip 'this host has no hypervisor'
../guest/linux/make-guest.sh "$WORK/guest.iso" "${SUITE:-trixie-backports}" ../guest/linux/managed.guest quiet || fail 'no guest'
iso=$(uuid)
remove "/isos/$iso"
api PUT "/isos/$iso?name=$(unique).iso" -H "$BINARY" -T "$WORK/guest.iso"
expect 201
post /vms "{\"name\":\"$(unique)\",\"generation\":${GENERATION:-2},\"processor\":{\"count\":1},\"memory\":{\"startupBytes\":402653184},
	\"integrationServices\":{\"guestFileCopy\":true},\"networkAdapters\":[{\"name\":\"one\"}],\"disks\":[{\"medium\":\"dvd\",\"source\":{\"isoId\":\"$iso\"}}]}"
expect 201
vm=$(field .id)
adapter=$(field '.networkAdapters[0].id')
remove "/vms/$vm"

job_done() {
	expect 202
	wait_for 100 "/jobs/$(field .id)" .state succeeded
}

guest_says() { # PATTERN
	for _ in $(seq 20); do
		upgrade "/vms/$vm/serial/1" -H "Authorization: Bearer $TOKEN" -H 'Sec-WebSocket-Protocol: binary'
		grep -aq "guest: .*$1" "$WORK/frames" && return
	done
	fail "the guest does not say: $1. It says: $(grep -a 'guest: ' "$WORK/frames" | tail -n 1)"
}

api POST "/vms/$vm/actions/start"
job_done
wait_for 500 "/vms/$vm" '[.guest.heartbeat, .guest.hostName, .guest.services.guestFileCopy.state] | join(" ")' 'ok managed-guest.example ok'

head -c 1000001 /dev/urandom >"$WORK/file"
api POST "/vms/$vm/guest/files?folder=/tmp/in&name=copied&createFolder=true" -H "$BINARY" --data-binary @"$WORK/file"
job_done
guest_says "file $(md5sum <"$WORK/file" | cut -c1-32)"
api POST "/vms/$vm/guest/files?folder=/tmp/in&name=copied" -H "$BINARY" --data-binary @"$WORK/file"
expect 202
wait_for 100 "/jobs/$(field .id)" .state failed

post "/vms/$vm/network-adapters/$adapter/guest-addresses" '{"addresses":["192.0.2.7/24"],"gateways":["192.0.2.1"],"dnsServers":["192.0.2.53"]}'
job_done
guest_says 'address 192.0.2.7/24'
wait_for 60 "/vms/$vm" '.guest.ipAddresses | index("192.0.2.7") != null' true

api PATCH "/vms/$vm/guest/items" -H 'Content-Type: application/merge-patch+json' -d '{"items":{"role":"web"}}'
expect 200
guest_says 'items role web'

memory() { # MIB, and the pattern of what the guest then has
	api PATCH "/vms/$vm" -H 'Content-Type: application/merge-patch+json' -d "{\"memory\":{\"startupBytes\":$(($1 << 20))}}"
	expect 200
	guest_says "memory $2 MiB"
	wait_for 60 "/vms/$vm" .memory.assignedBytes $(($1 << 20))
}
memory 320 2[0-9][0-9]
memory 512 4[0-9][0-9]

api POST "/vms/$vm/actions/shutdown"
expect 202
wait_for 60 "/vms/$vm" .state off
