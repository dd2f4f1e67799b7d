#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the root disk of a worker test: busybox, worker, worker-drive with their libraries, SeaBIOS, UEFI, and files for /tests.
# make-worker-disk.sh OUT BUILD [FILE...]; the kernel's command line says test=NAME of one of the files.
set -eu
out=$1
build=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for d in bin proc sys dev tests tmp lib64 usr/lib firmware; do mkdir -p "$dir/$d"; done
cp "$(command -v busybox)" "$dir/bin/busybox"
for applet in $("$dir/bin/busybox" --list); do
	[ "$applet" = busybox ] || ln -s busybox "$dir/bin/$applet"
done
cp "$build/bin/vmwp" "$build/tests/worker-drive" "$dir/bin/"
for library in $(ldd "$dir/bin/vmwp" "$dir/bin/worker-drive" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | sort -u); do
	cp -L "$library" "$dir/usr/lib/"
done
cp -L /lib64/ld-linux-x86-64.so.2 "$dir/lib64/"
ln -s usr/lib "$dir/lib"
cp -L /usr/share/seabios/bios-256k.bin /usr/share/seabios/vgabios-stdvga.bin "$dir/firmware/"
cp -L /usr/share/OVMF/OVMF_CODE_4M.fd /usr/share/OVMF/OVMF_VARS_4M.fd "$dir/firmware/"
for file in "$@"; do cp "$file" "$dir/tests/"; done
cat >"$dir/init" <<'INIT'
#!/bin/sh
export PATH=/bin LD_LIBRARY_PATH=/usr/lib
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmp /tmp
grep -q ' /dev ' /proc/mounts || mount -t devtmpfs dev /dev
echo "init: reached with $(nproc) processors, $(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo) MiB"
test=$(sed -n 's/.*test=\([^ ]*\).*/\1/p' /proc/cmdline)
sh "/tests/$test"
echo "init: test ended with $?"
poweroff -f
INIT
chmod +x "$dir/init"
rm -f "$out"
mksquashfs "$dir" "$out" -quiet -no-progress -all-root -comp zstd -Xcompression-level 1 >/dev/null
