#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Debian guest with its own daemons (SUITE): screen, keys, pointer and every integration service, until the shutdown service ends it.
# Debian 13's hyperv-daemons lack the one for file copy, so a copy must be refused there with the reason.
set -eu
. "$(dirname "$0")/net.inc"
suite=${SUITE:-trixie}
events="key=1:1e key=5:e048 pointer=2:1000,2000,0 pointer=3:32767,16384,1 socket=8:5000:hello do=18:vmwp.FreezeGuest do=19:vmwp.ThawGuest"
copy='{"folder":"/tmp/in","name":"copied","createFolder":true}'
addresses="{\"adapter\":\"{$(adapter 1)}\",\"addresses\":\"192.0.2.7\",\"masks\":\"255.255.255.0\",\"gateways\":\"192.0.2.1\",\"dns\":\"192.0.2.53\"}"
cat >"$work/root-script" <<SCRIPT
dmesg -n 4
export LD_LIBRARY_PATH=/usr/lib
dd if=/dev/urandom of=/tmp/copied bs=100001 count=3 2>/dev/null
echo "root: copies \$(md5sum </tmp/copied)"
cp /firmware/OVMF_VARS_4M.fd /tmp/vars
/tests/net-attach switch $switch private
(/tests/net-attach attach /tmp/worker.sock $(adapter 1) 00:15:5d:00:00:01 $switch) &
worker-drive /bin/vmwp $firmware iso=/dev/vda memory=${MEMORY:-256} vps=${VPS:-1} seconds=600 from=watching file=/tmp/copied $events \
	'do=20:vmwp.CopyToGuest:$copy' '$(echo "do=21:vmwp.SetGuestAddresses:$addresses")' do=25:vmwp.GetStatus do=26:vmwp.Shutdown
dmesg | grep "cut here"
SCRIPT
run_net "${SECONDS_MAX:-620}" "$suite" "$linux_dir/services.script" "socat quiet"
must_say "event[0-9] type 0100 code 1e00 value 01000000" "event[0-9] type 0100 code 6700 value 01000000" \
	"event[0-9] type 0300 code 0000 value ff7f0000" "event[0-9] type 0300 code 0100 value 00400000" "event[0-9] type 0100 code 1001 value 01000000" \
	"socket: OK" "socket: hello" "FreezeGuest answers {}" "ThawGuest answers {}" "pool 3: .*VirtualMachineName test" \
	"SetGuestAddresses answers {}" "guest: asked for none 192.0.2.7 255.255.255.0 192.0.2.1 192.0.2.53, has eth0 192.0.2.7/24, default via 192.0.2.1" \
	'"heartbeat": "ok"' '"hostName": "partita-guest.example"' "guest: asked to power off" "off: guest-power-off" "worker ended: exit 0"
must_not_say "cut here" "hv: panic" "BUG:"
if [ "$suite" = trixie ]; then
	must_say "Copying the file into the guest: the guest does not have that service"
else
	must_say "CopyToGuest answers {}"
	same "the file in the guest" "$(said 'guest: file')" "$(said 'root: copies')"
fi
must_end
