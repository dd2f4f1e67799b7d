#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The unmodified Debian installer, generation 2, from a DVD: it installs a small Debian 13 by itself onto a SCSI disk, over its network
# adapter, and switches off. Then the disk alone boots, somebody logs in on COM1, looks around and switches it off. Takes an hour or so.
# Without D-Bus systemctl reaches nobody there, so systemd is told by a signal (systemd(1)).
# INSTALLED=FILE: only the second half, with a disk image that an earlier run has kept.
set -eu
. "$(dirname "$0")/net.inc"
seconds=${SECONDS_MAX:-7200}
installer=$("$linux_dir/installer-mirror.sh")
target=${INSTALLED:-$work/disk0.img}
[ -n "${INSTALLED:-}" ] || { rm -f "$target"; truncate -s 6G "$target"; }
INSTALLER_IMAGES=$installer/images "$linux_dir/../make-guest-iso.sh" "$work/installer.iso" installer \
	"auto=true priority=critical url=http://192.168.77.1/preseed.cfg language=en country=US locale=C.UTF-8 keymap=us interface=auto hostname=partita domain=test ipv6.disable=1 DEBIAN_FRONTEND=text --- console=ttyS0"
{
	net_root 1
	cat <<SCRIPT
echo "option router 192.168.77.1" >>/tmp/udhcpd.conf
echo "option dns 192.168.77.1" >>/tmp/udhcpd.conf
killall udhcpd
udhcpd /tmp/udhcpd.conf
mkdir -p /tmp/www/debian
mount -t squashfs /dev/vdb /tmp/www/debian
cp /tests/preseed.cfg /tmp/www/
httpd -p 192.168.77.1:80 -h /tmp/www
cp /firmware/OVMF_VARS_4M.fd /tmp/vars
drive() { worker-drive /bin/vmwp /firmware/OVMF_CODE_4M.fd /tmp/vars uefi rom=/tests/vmbus.rom disk=/dev/vdc memory=1024 vps=1 seconds=$seconds "\$@"; }
(\$attach attach /tmp/worker.sock $(adapter 1) 00:15:5d:00:00:01 $switch) &
[ -n "${INSTALLED:-}" ] || drive iso=/dev/vda
echo "root: \$(cut -d' ' -f1 /proc/uptime) s: the installer has ended"
drive "answer=partita login:root" "answer=Password:partita" \
	"answer=~# :echo root on \\\$(findmnt -no SOURCE,FSTYPE /) by \\\$(basename \\\$(readlink -f /sys/block/sda/device/../../../driver)), \\\$(dpkg -l | grep -c ^ii) packages" \
	"answer=~# :uname -r; kill -RTMIN+4 1"
dmesg | grep "cut here"
SCRIPT
} >"$work/root-script"
make -s -C "$top" B="$build" "$build/bin/vmwp" "$build/tests/worker-drive" "$build/tests/net-attach" "$build/uefi/vmbus.rom"
"$linux_dir/../make-worker-disk.sh" "$work/worker.img" "$top/$build" "$work/root-script" "$top/$build/tests/net-attach" "$top/$build/uefi/vmbus.rom" "$linux_dir/preseed.cfg"
disk=$work/worker.img
boot_root $((seconds * 2)) 1 3G "loglevel=3 test=root-script" \
	-drive "file=$work/installer.iso,format=raw,if=none,id=cd,snapshot=on" -device virtio-blk-pci,drive=cd \
	-drive "file=$installer/mirror.squashfs,format=raw,if=none,id=mirror,readonly=on" -device virtio-blk-pci,drive=mirror \
	-drive "file=$target,format=raw,if=none,id=target,cache=unsafe,discard=unmap" -device virtio-blk-pci,drive=target
must_say "the installer has ended" "login: " "root on /dev/sda[0-9].* ext4 by hv_storvsc" "off: guest-power-off" "worker ended: exit 0"
must_not_say "cut here" "hv: panic"
must_end
