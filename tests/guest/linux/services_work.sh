#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian 13 with its own daemons: screen, keys, pointer and every integration service, until the shutdown service ends it.
set -eu
. "$(dirname "$0")/guest.inc"
truncate -s 16M "$work/screens"
run_linux 150 trixie "$linux_dir/services.script" "quiet" "memory=256 vps=1 seconds=140 screens=/dev/vdb every=45 file=/tests/root-script
	key=40:1e key=41:e048 pointer=42:1000,2000,0 pointer=43:32767,16384,1
	do=44:vmwp.CopyToGuest:'{\"folder\":\"/tmp/in\",\"name\":\"copied\",\"createFolder\":true}'
	do=46:vmwp.FreezeGuest do=48:vmwp.ThawGuest do=50:vmwp.GetStatus do=55:vmwp.Shutdown" \
	-drive "file=$work/screens,format=raw,if=none,id=screens" -device virtio-blk-pci,drive=screens
must_end
