#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The shutdown service ends a running guest, TIMES times out of TIMES.
set -eu
. "$(dirname "$0")/guest.inc"
times=${TIMES:-2}
seconds=${SECONDS_MAX:-$((times * 120 + 100))}
cat >"$work/shutdowns.guest" <<'GUEST'
printf '#!/bin/busybox sh\necho "guest: asked to power off" >/dev/ttyS0\n/bin/busybox poweroff -f\n' >/sbin/poweroff
chmod +x /sbin/poweroff
for i in $(seq 600); do [ "$(ls -d /sys/bus/vmbus/devices/*/driver | wc -l)" -ge 5 ] && break; usleep 50000; done	# the services
sleep 1
echo "guest: watching"
sleep 300
echo "guest: no request"
GUEST
root_script() {
	cat <<SCRIPT
dmesg -n 4
i=0
while [ \$i -lt $times ]; do
	i=\$((i + 1))
	cp /firmware/OVMF_VARS_4M.fd /tmp/vars
	worker-drive /bin/vmwp $firmware iso=/dev/vda $1 || break
	echo "root: ended \$i"
done
dmesg | grep "cut here"
SCRIPT
}
run_linux "$seconds" "${SUITE:-trixie}" "$work/shutdowns.guest" "small quiet report=no" "memory=256 vps=${VPS:-1} seconds=400 from=watching do=1:vmwp.Shutdown"
must_say "root: ended $times"
must_not_say "cut here" "hv: panic" "BUG:" "Call Trace" "guest: no "
asked=$(grep -c "guest: asked to power off" "$log")
[ "$asked" = "$times" ] || { echo "$asked of $times requests, see $log" >&2; exit 1; }
must_end
