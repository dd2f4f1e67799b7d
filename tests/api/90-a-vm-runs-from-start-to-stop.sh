# SPDX-License-Identifier: Apache-2.0
# The main job with curl alone: disk, ISO, VM, start, a second start, screen, serial and console, stop, delete.
. ./lib.sh
can_start_vms || skip 'this host has no hypervisor'
new_disk 67108864
make_iso "$WORK/a.iso" 4
iso=$(uuid)
remove "/isos/$iso"
api PUT "/isos/$iso?name=$(unique).iso" -H "$BINARY" -T "$WORK/a.iso"
expect 201
name=$(unique)
post /vms "{\"name\":\"$name\",\"processor\":{\"count\":1},\"memory\":{\"startupBytes\":134217728},\"disks\":[
	{\"medium\":\"disk\",\"source\":{\"diskId\":\"$disk\"}},{\"medium\":\"dvd\",\"source\":{\"isoId\":\"$iso\"}}]}"
expect 201
vm=$(field .id)
remove "/vms/$vm"
api POST "/vms/$vm/actions/start"
expect 202
job=$(field .id)
wait_for 60 "/jobs/$job" .state succeeded
wait_for 10 "/vms/$vm" .state running
api POST "/vms/$vm/actions/start"
expect 409 vm_wrong_state
api DELETE "/vms/$vm"
expect 409 vm_not_off
lit=
for _ in $(seq 60); do		# firmware takes a moment under emulation
	api GET "/vms/$vm/screenshot?width=320"
	expect 200
	equal type "$(header Content-Type)" image/png
	[ "$(head -c 8 "$WORK/body" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || fail 'the screenshot is no PNG'
	[ "$(stat -c %s "$WORK/body")" -gt 1000 ] && lit=yes && break
	sleep 1
done
[ -n "$lit" ] || fail 'the screen stays dark'
upgrade "/vms/$vm/console" -H "Authorization: Bearer $TOKEN" -H 'Sec-WebSocket-Protocol: binary'
equal 'the console' "$status" 101
grep -aq 'RFB 003.008' "$WORK/frames" || fail 'no RFB greeting'
upgrade "/vms/$vm/serial/1" -H "Authorization: Bearer $TOKEN" -H 'Sec-WebSocket-Protocol: binary'
equal 'the serial port' "$status" 101
api POST "/vms/$vm/actions/turn-off"
expect 202
wait_for 60 "/vms/$vm" .state off
api DELETE "/vms/$vm"
expect 204
api DELETE "/isos/$iso"
expect 204
