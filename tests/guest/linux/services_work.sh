#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian 13 with its own daemons: screen, keys, pointer and every integration service, until the shutdown service ends it.
set -eu
. "$(dirname "$0")/guest.inc"
drive="memory=256 vps=1 seconds=600 from=watching file=/tests/root-script"
at() { drive="$drive $1=$2"; }		# HOW SECOND:WHAT, counted from the guest's "watching"
at key 1:1e
at key 5:e048
at pointer 2:1000,2000,0
at pointer 3:32767,16384,1
at socket 8:5000:hello
at do 18:vmwp.FreezeGuest
at do 19:vmwp.ThawGuest
at do 25:vmwp.GetStatus
at do 26:vmwp.Shutdown
run_linux 620 trixie "$linux_dir/services.script" "socat quiet" "$drive"
must_say "event[0-9] type 0100 code 1e00 value 01000000" "event[0-9] type 0100 code 6700 value 01000000" \
	"event[0-9] type 0300 code 0000 value ff7f0000" "event[0-9] type 0300 code 0100 value 00400000" "event[0-9] type 0100 code 1001 value 01000000" \
	"socket: OK" "socket: hello" "FreezeGuest answers {}" "ThawGuest answers {}" "pool 3: .*VirtualMachineName test" \
	'"heartbeat": "ok"' '"hostName": "partita-guest.example"' "guest: asked to power off" "off: guest-power-off" "worker ended: exit 0"
must_not_say "cut here" "hv: panic" "BUG:"
must_end
