#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The second half of `make run`: the appliance is up; stay until Ctrl-C or until it powers itself off, then shut it down.
# Runs outside the build root (Ctrl-C would end that first). Arguments: the command that stops the appliance.
set -u
echo
echo "Ctrl-C shuts the appliance down."
trap 'stop=1' INT TERM HUP
stop=
pid=$(cat "${RUN:-build/run}/qemu.pid")
while [ -z "$stop" ] && kill -0 "$pid" 2>/dev/null; do
	sleep 1
done
trap '' INT TERM HUP
[ -n "$stop" ] || { echo "the appliance has powered itself off"; exit 0; }
echo
exec "$@"
