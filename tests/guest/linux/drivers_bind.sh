#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One row of the matrix: SUITE, GENERATION and VPS choose kernel, firmware and processors. The guest has a disk, a network adapter
# and a socket from the host, and each of its drivers must have taken its device, as its sysfs says.
set -eu
. "$(dirname "$0")/net.inc"
seconds=${SECONDS_MAX:-900}
truncate -s 16M "$work/scsi.img"
cat >"$work/bind.guest" <<'GUEST'
wait_for() {	# COUNT PATTERN: probing is asynchronous
	for i in $(seq 300); do
		set -- "$1" "$2" $2
		[ -e "$3" ] && [ $# -ge $(($1 + 2)) ] && return
		sleep 1
	done
	echo "guest: no $1 of $2"
}
insmod /modules/hv_sock.ko 2>/dev/null
for driver in hv_storvsc hv_netvsc 'hyperv_[df]*' hyperv_keyboard hid_hyperv hv_balloon; do wait_for 1 "/sys/bus/vmbus/drivers/$driver/*-*-*/class_id"; done
wait_for 5 '/sys/bus/vmbus/drivers/hv_utils/*-*-*/class_id'
wait_for 1 /sys/class/net/eth0
wait_for 1 /sys/block/sda
cat >/tmp/answer <<'ANSWER'
#!/bin/sh
for device in /sys/bus/vmbus/drivers/hv_sock/*/class_id; do [ -e "$device" ] && echo "guest: hv_sock has a device" >/dev/ttyS0; done
cat
ANSWER
chmod +x /tmp/answer
socat -d -d VSOCK-LISTEN:5000 EXEC:/tmp/answer 2>/tmp/socat &
for i in $(seq 60); do grep -q listening /tmp/socat && break; sleep 1; done
echo "guest: listens to the host"
wait $!
dd if=/dev/urandom of=/tmp/block bs=1M count=1 2>/dev/null
dd if=/tmp/block of=/dev/sda bs=64k oflag=direct 2>/dev/null
[ "$(dd if=/dev/sda bs=64k count=16 iflag=direct 2>/dev/null | md5sum)" = "$(md5sum </tmp/block)" ] && echo "guest: the disk holds what was written"
for device in /sys/bus/vmbus/drivers/*/*-*; do
	driver=${device%/*}
	[ -e "$device/class_id" ] && echo "guest: device of ${driver##*/}"
done
echo "guest: firmware $([ -e /sys/firmware/efi ] && echo UEFI || echo BIOS), $(ls -d /sys/bus/vmbus/devices/*/channels/* | wc -l) channels, $(dmesg | grep -c 'Call Trace') traces"
GUEST
{
	cat <<SCRIPT
dmesg -n 4
export LD_LIBRARY_PATH=/usr/lib
cp /firmware/OVMF_VARS_4M.fd /tmp/vars
/tests/net-attach switch $switch private
(/tests/net-attach attach /tmp/worker.sock $(adapter 1) 00:15:5d:00:00:01 $switch) &
worker-drive /bin/vmwp $firmware iso=/dev/vda scsi=/dev/vdb memory=${MEMORY:-384} vps=${VPS:-1} seconds=$seconds from=listens socket=1:5000:hello
dmesg | grep "cut here"
SCRIPT
} >"$work/root-script"
run_net $((seconds + 60)) "${SUITE:-trixie}" "$work/bind.guest" "socat quiet report=no ${ARGUMENTS:-}" \
	-drive "file=$work/scsi.img,format=raw,if=none,id=scsi" -device virtio-blk-pci,drive=scsi
for driver in hv_storvsc hv_netvsc hyperv_drm hyperv_keyboard hid_hyperv hv_utils hv_balloon; do
	grep -q "guest: device of $driver" "$log" && continue
	[ $driver = hyperv_drm ] && grep -q "guest: device of hyperv_fb" "$log" && continue
	echo "no device of $driver, see $log" >&2
	exit 1
done
must_say "${VPS:-1} processors" "guest: hv_sock has a device" "socket: hello" "guest: the disk holds what was written" \
	"guest: firmware $([ "${GENERATION:-1}" = 2 ] && echo UEFI || echo BIOS).* 0 traces" "off: guest-power-off" "worker ended: exit 0"
must_not_say "cut here" "hv: panic" "BUG:" "guest: no "
must_end
