#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Disk and network of a guest, in instructions per operation (count_plugin.c) and in time: storvsc and netvsc of vmwp on hv beside
# virtio-blk and virtio-net of QEMU on KVM, in the same emulator with one processor, with the same guest kernel, raw file in the
# page cache of an ext4 volume, and bridge with a tap (no vhost). Everything that runs is counted: guest, hypervisor, host kernel,
# VMM, and the peer of TCP. Prints rows as JSON lines for run.sh. KEEP=DIR keeps what came; ONLY=ours or peer is half of it.
set -eu
. tests/bench/row.inc
build=${B:-build}
count=${COUNT:-512}
keep=${KEEP:-}
work=${keep:-$(mktemp -d)}
mkdir -p "$work"
[ -n "$keep" ] || trap 'rm -rf "$work"' EXIT
debian=$(tests/bench/kvm-kernel.sh)
switch=5e1f0000-0000-4000-8000-000000000001 adapter=ada00001-0000-4000-8000-000000000001
arguments="console=ttyS0 quiet count=$count"

pack() { (cd "$1" && find . | cpio -o -H newc --quiet) >"$2"; }

make_guest() {	# NAME: an initramfs that loads NAME.list
	rm -rf "$work/guest"
	mkdir -p "$work/guest/bin" "$work/guest/modules"
	cp "$(command -v busybox)" "$build/bench/io-guest" "$work/guest/bin"
	cp tests/bench/devices.guest "$work/guest/init"
	chmod +x "$work/guest/init"
	cp "$debian/$1.list" "$work/guest/modules/list"
	while read -r module; do cp "$debian/$module" "$work/guest/modules"; done <"$debian/$1.list"
	pack "$work/guest" "$work/$1.cpio"
}

make_data() {	# the volume with the guest's disk
	mkdir -p "$work/data"
	head -c 64M /dev/zero | tr '\0' '\132' >"$work/data/disk.img"
	rm -f "$work/data.ext4"
	truncate -s 160M "$work/data.ext4"
	mkfs.ext4 -q -b 4096 -O ^has_journal -d "$work/data" "$work/data.ext4"
}

make_ours() {	# the root partition's disk, and the guest as a CD
	{
		echo 'dmesg -n 4; data=/dev/vdb'
		cat tests/bench/devices.host
		cat <<SCRIPT
/tests/net-attach switch $switch internal
ip link set lo up
ip addr add 192.168.77.1/24 dev swi-5e1f0000
/tests/io-peer &
/tests/net-attach attach /tmp/worker.sock $adapter 00:15:5d:00:00:01 $switch &
worker-drive /bin/vmwp /firmware/bios-256k.bin /firmware/vgabios-stdvga.bin iso=/dev/vda memory=256 vps=1 seconds=500 scsi=/tmp/data/disk.img
SCRIPT
	} >"$work/devices"
	tests/guest/make-worker-disk.sh "$work/worker.img" "$build" "$work/devices" "$build/tests/net-attach" "$build/bench/io-peer"
	mkdir -p "$work/iso/isolinux"
	cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$work/iso/isolinux/"
	cp "$debian/vmlinuz" "$work/iso/linux"
	cp "$work/hv.cpio" "$work/iso/initrd"
	printf 'default guest\nlabel guest\n\tkernel /linux\n\tappend initrd=/initrd %s\n' "$arguments" >"$work/iso/isolinux/isolinux.cfg"
	xorriso -as mkisofs -quiet -o "$work/guest.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 \
		-boot-info-table -R "$work/iso" 2>/dev/null
}

make_peer() {	# the initramfs of the host with QEMU
	rm -rf "$work/host"
	mkdir -p "$work/host/bin" "$work/host/modules" "$work/host/lib64" "$work/host/usr/lib" "$work/host/usr/share/qemu"
	qemu=$(command -v qemu-system-x86_64)
	cp "$(command -v busybox)" "$qemu" "$build/bench/io-peer" "$work/host/bin"
	cp -L /lib64/ld-linux-x86-64.so.2 "$work/host/lib64/"
	for library in $(ldd "$qemu" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | sort -u); do cp -L "$library" "$work/host/usr/lib/"; done
	cp -L /usr/share/seabios/bios-256k.bin /usr/share/qemu/linuxboot_dma.bin /usr/share/qemu/kvmvapic.bin "$work/host/usr/share/qemu"
	cat "$debian/kvm.list" "$debian/host.list" >"$work/host/modules/list"
	while read -r module; do cp "$debian/$module" "$work/host/modules"; done <"$work/host/modules/list"
	cp "$debian/vmlinuz" "$work/virtio.cpio" "$work/host/"
	{
		cat <<'SCRIPT'
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox --install -s /bin
export PATH=/bin LD_LIBRARY_PATH=/usr/lib data=/dev/vda
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done </modules/list
echo 0 >/sys/module/kvm/parameters/halt_poll_ns	# else it spins for work, and that is counted
SCRIPT
		cat tests/bench/devices.host
		cat <<SCRIPT
ip link add name br0 type bridge
ip link set lo up
ip link set br0 up
ip addr add 192.168.77.1/24 dev br0
printf '#!/bin/sh\nip link set \$1 master br0 up\n' >/tmp/up
chmod +x /tmp/up
io-peer &
qemu-system-x86_64 -L /usr/share/qemu -machine q35,accel=kvm -cpu host -m 256 -nodefaults -display none -no-reboot -serial stdio \
	-kernel /vmlinuz -initrd /virtio.cpio -append "$arguments panic=-1" \
	-drive file=/tmp/data/disk.img,format=raw,if=none,id=disk,cache=writeback,aio=io_uring -device virtio-blk-pci,drive=disk \
	-netdev tap,id=net,ifname=tap0,script=/tmp/up,downscript=no,vhost=off -device virtio-net-pci,netdev=net,romfile=
poweroff -f
SCRIPT
	} >"$work/host/init"
	chmod +x "$work/host/init"
	pack "$work/host" "$work/host.cpio"
}

# With -icount time passes by instructions, so that the ticks of timers are the same in each run. QEMU 11.1 ends itself ("Bad icount
# read") when RDMSR of the x2APIC's current count is not the last instruction that it translates at once, as in hv's timer code:
# a break point makes it translate that page one by one. It is in the middle of an instruction, where nothing ever runs.
read_timers_alone() {
	address=0x$(nm "$build/hv/hv64.elf" | sed -n 's/ [tT] timer_hw_read$//p')
	while [ ! -S "$work/gdb" ]; do sleep 0.1; done
	gdb -nx -batch -ex 'set architecture i386:x86-64' -ex "target remote $work/gdb" -ex "hbreak *($address + 2)" -ex continue >"$work/gdb.log" 2>&1
}

emulate() {	# NAME QEMU-ARGUMENT...: $work/NAME has a line per row: NAME INSTRUCTIONS NANOSECONDS, per operation
	log=$work/$1.log out=$work/$1
	shift
	rm -f "$work/gdb"
	read_timers_alone &
	timeout "${SECONDS_MAX:-1500}" qemu-system-x86_64 -accel tcg,thread=single -icount shift=0,sleep=off -machine q35 -cpu EPYC,+svm,+npt,+x2apic \
		-m 2G -display none -no-reboot -serial stdio -S -gdb "unix:$work/gdb,server=on,wait=off" \
		-plugin "$build/bench/count.so,out=$out.marks" "$@" </dev/null >"$log" 2>&1 || :
	wait
	tr -d '\r' <"$log" | sed -n 's/.*bench-io: //p' >"$out.rows"
	[ "$(wc -l <"$out.rows")" = 9 ] && [ "$(wc -l <"$out.marks")" = 18 ] || { tail -n 20 "$log" >&2; exit 1; }
	paste -d ' ' - - <"$out.marks" | paste -d ' ' "$out.rows" - | awk '{ printf "%s %.0f %.0f\n", $1, ($5 - $3) / $2, ($6 - $4) / $2 }' >"$out"
}
ours() {
	emulate ours -kernel "$build/hv/hv.elf" -initrd "$build/kernel/bzImage console=ttyS0 loglevel=3 root=/dev/sda ro init=/init test=devices" \
		-drive "file=$work/worker.img,format=raw,if=none,id=disk,snapshot=on" -device ide-hd,drive=disk \
		-drive "file=$work/guest.iso,format=raw,if=none,id=cd,snapshot=on" -device virtio-blk-pci,drive=cd \
		-drive "file=$work/data.ext4,format=raw,if=none,id=data,snapshot=on" -device virtio-blk-pci,drive=data
}
peer() {
	emulate peer -kernel "$debian/vmlinuz" -initrd "$work/host.cpio" -append 'console=ttyS0 quiet panic=-1' \
		-drive "file=$work/data.ext4,format=raw,if=none,id=data,snapshot=on" -device virtio-blk-pci,drive=data
}
value() { sed -n "s/^$2 \([0-9]*\) \([0-9]*\)/\\$3/p" "$work/$1"; }

rows() {	# UNIT FIELD DIVISOR [goal]
	while IFS='|' read -r area name text; do
		a=$(value ours "$name" "$2") b=$(value peer "$name" "$2")
		row "$area" "$text" "$1" "$(echo "$a $3" | awk '{ print $1 / $2 }')" "$(echo "$b $3" | awk '{ print $1 / $2 }')" \
			'QEMU on KVM (AMD), virtio, Debian kernel' "${4:+$b}"
	done <<'ROWS'
disk|read-4k-1|4 KiB random read, depth 1
disk|read-4k-32|4 KiB random read, depth 32
disk|write-4k-1|4 KiB random write, depth 1
disk|write-4k-32|4 KiB random write, depth 32
disk|read-128k|128 KiB sequential read
disk|write-128k|128 KiB sequential write
network|tcp-ping-pong|TCP ping-pong, one byte
network|tcp-stream-out|TCP stream out of the guest, MiB
network|tcp-stream-in|TCP stream into the guest, MiB
ROWS
}

make_guest hv
make_guest virtio
make_data
case ${ONLY:-} in ours | "") make_ours; ours ;; esac
case ${ONLY:-} in peer | "") make_peer; peer ;; esac
[ -z "${ONLY:-}" ] || exit 0
rows instructions 1 1 goal
rows us 2 1000
