#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian 13 with its own daemons: screen, keys, pointer and every integration service, until the shutdown service ends it.
set -eu
. "$(dirname "$0")/guest.inc"
truncate -s 16M "$work/screens"
drive="memory=256 vps=1 seconds=220 screens=/dev/vdb every=1000 from=watching file=/tests/root-script"
at() { drive="$drive $1=$2"; }		# HOW SECOND:WHAT, counted from the guest's "watching"
at key 1:1e
at key 1:e048
at pointer 2:1000,2000,0
at pointer 2:32767,16384,1
at do "3:vmwp.CopyToGuest:'{\"folder\":\"/tmp/in\",\"name\":\"copied\",\"createFolder\":true}'"
at do 6:vmwp.FreezeGuest
at do 8:vmwp.ThawGuest
at do "9:vmwp.SetMemory:'{\"targetBytes\":209715200}'"
at do 17:vmwp.GetStatus
at do 60:vmwp.GetStatus
at do 65:vmwp.Shutdown
run_linux 230 trixie "$linux_dir/services.script" "quiet" "$drive" \
	-drive "file=$work/screens,format=raw,if=none,id=screens" -device virtio-blk-pci,drive=screens
must_end
