#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What Smart Paging rests on, without the services: a guest that checks all of its 238 MiB (sweep.S) while the root kernel may keep 150 of
# them and has the rest in a swap file, opened by /proc/self/fd; then the file is left while the guest runs on.
set -eu
. "$(dirname "$0")/../boot/qemu.inc"
top=$(cd "$(dirname "$0")/../.." && pwd)
here=$top/tests/boot
hv=$top/$build/hv/hv.elf
kernel=$top/$build/kernel/bzImage
make -s -C "$top" B="$build" "$build/bin/vmwp" "$build/tests/worker-drive" "$build/tests/resources/sweep.bin"
cat >"$work/swap-test" <<'SCRIPT'
dmesg -n 4
mount -t tmpfs tmp /tmp
mkdir /tmp/mnt
mount -t ext4 /dev/vdb /tmp/mnt
dd if=/dev/zero of=/tmp/mnt/file bs=1M count=132 2>/dev/null
mkswap /tmp/mnt/file >/dev/null
mount -t cgroup2 none /sys/fs/cgroup
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
g=/sys/fs/cgroup/vm
mkdir $g
echo $((150 << 20)) >$g/memory.high
echo $((130 << 20)) >$g/memory.swap.max
exec 3<>/tmp/mnt/file
swapon /proc/self/fd/3 && echo "root: swap is on"
look() { echo "root: $1: resident $(($(cat $g/memory.current) >> 20)) MiB, swapped $(($(cat $g/memory.swap.current) >> 20)) MiB, $(grep -c sweep /tmp/said) sweeps"; }
(echo 0 >$g/cgroup.procs; exec worker-drive /bin/vmwp /firmware/bios-256k.bin /firmware/vgabios-stdvga.bin iso=/dev/vda memory=256 vps=1 seconds=900) >/tmp/said 2>&1 &
driver=$!
at_least() { i=0; while [ "$(grep -c sweep /tmp/said)" -lt "$1" ] && ! grep -q BAD /tmp/said && [ $i -lt 300 ]; do sleep 1; i=$((i + 1)); done; }
at_least 3
look limited
echo max >$g/memory.high
swapoff /proc/self/fd/3 && echo "root: swap is off"
look left
at_least 6
look end
kill $driver
cat /tmp/said
dmesg | grep -E "cut here|blocked for"
SCRIPT
"$top/tests/guest/make-worker-disk.sh" "$work/worker.img" "$top/$build" "$work/swap-test"
mkdir -p "$work/cd"
cp "$top/$build/tests/resources/sweep.bin" "$work/cd/boot.bin"
truncate -s 2048 "$work/cd/boot.bin"
xorriso -as mkisofs -quiet -b boot.bin -no-emul-boot -boot-load-size 4 -o "$work/sweep.iso" "$work/cd" 2>/dev/null
truncate -s 200M "$work/data.img"
mke2fs -q -t ext4 "$work/data.img"
disk=$work/worker.img
boot_root "${SECONDS_MAX:-600}" 1 1G "loglevel=3 test=swap-test" -drive "file=$work/sweep.iso,format=raw,if=none,id=cd,snapshot=on" \
	-device virtio-blk-pci,drive=cd -drive "file=$work/data.img,format=raw,if=none,id=data" -device virtio-blk-pci,drive=data
must_say "root: swap is on" "root: swap is off" "root: end: .* swapped 0 MiB" "sweep 06"
must_say "root: limited: resident 1[0-9][0-9] MiB, swapped [1-9][0-9]"
must_not_say "BAD" "cut here" "hv: panic" "blocked for"
