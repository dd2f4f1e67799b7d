#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the tests' root disk: busybox and one script that says what it finds and then does what the kernel's command line
# asks for (test=poweroff, test=reboot, test=stay, or the name of a FILE given here). make-test-disk.sh OUT [FILE...]
set -eu
out=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for d in bin proc sys dev tests tmp; do mkdir "$dir/$d"; done
cp "$(command -v busybox)" "$dir/bin/busybox"
for applet in $("$dir/bin/busybox" --list); do
	[ "$applet" = busybox ] || ln -s busybox "$dir/bin/$applet"
done
for file in "$@"; do cp "$file" "$dir/tests/"; done
cat >"$dir/init" <<'INIT'
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmp /tmp
grep -q ' /dev ' /proc/mounts || mount -t devtmpfs dev /dev
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
echo "init: reached with $(nproc) processors, $(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo) MiB"
[ -c /dev/mshv ] && echo "init: /dev/mshv is there"
drain() { stty cs8 </dev/console; }	# what was said is out before the machine is off: a UART as slow as Bochs' keeps a line or two
want=$(sed -n 's/.*test=\([^ ]*\).*/\1/p' /proc/cmdline)
case $want in
poweroff) drain; poweroff -f ;;
reboot) reboot -f ;;
stay|"") exec sh ;;
*) sh "/tests/$want"; echo "init: test ended with $?"; drain; poweroff -f ;;
esac
INIT
chmod +x "$dir/init"
rm -f "$out"
mksquashfs "$dir" "$out" -quiet -no-progress -all-root -comp zstd >/dev/null
