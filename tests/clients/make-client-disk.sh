#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the root disk of these tests: busybox, the build root's own QEMU with its libraries and firmware, and FILEs for /tests.
# make-client-disk.sh OUT FILE...; the kernel's command line says test=NAME of one of the files.
set -eu
out=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for d in bin proc sys dev tests tmp lib64 usr/lib usr/share/qemu usr/share/seabios; do mkdir -p "$dir/$d"; done
cp "$(command -v busybox)" "$dir/bin/busybox"
for applet in $("$dir/bin/busybox" --list); do
	[ "$applet" = busybox ] || ln -s busybox "$dir/bin/$applet"
done
cp "$(command -v qemu-system-x86_64)" "$dir/bin/"
for library in $(ldd "$dir/bin/qemu-system-x86_64" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | sort -u); do
	cp -L "$library" "$dir/usr/lib/"
done
cp -L /lib64/ld-linux-x86-64.so.2 "$dir/lib64/"
ln -s usr/lib "$dir/lib"
cp -L /usr/share/seabios/bios-256k.bin "$dir/usr/share/seabios/"
for rom in linuxboot_dma multiboot_dma kvmvapic; do cp -L "/usr/share/qemu/$rom.bin" "$dir/usr/share/qemu/"; done
for file in "$@"; do cp "$file" "$dir/tests/"; done
cat >"$dir/init" <<'INIT'
#!/bin/sh
export PATH=/bin LD_LIBRARY_PATH=/usr/lib
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmp /tmp
grep -q ' /dev ' /proc/mounts || mount -t devtmpfs dev /dev
dmesg -n 4
. /tests/qemu.inc
. "/tests/$(sed -n 's/.*test=\([^ ]*\).*/\1/p' /proc/cmdline)"
echo "init: test ended"
dmesg | grep "cut here"
stty cs8 </dev/console
poweroff -f
INIT
chmod +x "$dir/init"
rm -f "$out"
mksquashfs "$dir" "$out" -quiet -no-progress -all-root -comp zstd -Xcompression-level 1 >/dev/null
