#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a CD that boots Debian's kernel with isolinux (BIOS) and GRUB (UEFI): make-guest-iso.sh OUT installer|busybox|grub [KERNEL-ARGUMENTS].
# installer: the Debian text installer. busybox: says on COM1 what the machine is, then does what do=… asks for
# (poweroff, reboot, wait: for the power button). grub: UEFI's GRUB waits for a line and powers off.
set -eu
out=$1
kind=$2
arguments=${3:-}
images=${INSTALLER_IMAGES:-/usr/lib/debian-installer/images/13/amd64/text/debian-installer/amd64}
dir=$(mktemp -d)
root=$(mktemp -d)
trap 'rm -rf "$dir" "$root"' EXIT

busybox_initramfs() {
	mkdir "$root/bin" "$root/proc" "$root/sys" "$root/dev"
	cp "$(command -v busybox)" "$root/bin/"
	cat >"$root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
exec >/dev/ttyS0 2>&1
echo "guest: $(nproc) processors, $(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo) MiB"
echo "guest: clock $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource), time $(date +%Y)"
grep -q hypervisor /proc/cpuinfo && echo "guest: sees a hypervisor"
for d in /sys/bus/pci/devices/*; do echo "guest: pci $(basename "$d") $(cat "$d/vendor") $(cat "$d/device")"; done
grep -h '^N: Name' /proc/bus/input/devices
echo "guest: uuid $(cat /sys/class/dmi/id/product_uuid)"
before=$(date +%s); sleep 2; echo "guest: slept $(($(date +%s) - before)) s"
grep -E ' (timer|rtc0|acpi|ttyS0|ata_piix|i8042)$' /proc/interrupts
case $(sed -n 's/.*do=\([a-z]*\).*/\1/p' /proc/cmdline) in
poweroff) echo "guest: powering off"; poweroff -f ;;
reboot) echo "guest: rebooting"; reboot -f ;;
esac
echo "guest: waiting"
# Without ACPI's button driver nobody enables the fixed button (PM1a enable, bit 8, port 0x602): ACPICA counts and disables it.
while :; do printf '\000\001' | dd of=/dev/port bs=2 seek=769 conv=notrunc 2>/dev/null; sleep 5; echo "guest: alive $(date +%s), SCI $(awk '/ acpi$/ { print $2 }' /proc/interrupts)"; done
INIT
	chmod +x "$root/init"
	(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$dir/initrd.gz"
}

mkdir "$dir/isolinux"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$dir/isolinux/"
cp "$images/linux" "$dir/"
if [ "$kind" = installer ]; then cp "$images/initrd.gz" "$dir/"; else busybox_initramfs; fi
cat >"$dir/isolinux/isolinux.cfg" <<CFG
default guest
prompt 0
timeout 1
label guest
	kernel /linux
	append initrd=/initrd.gz vga=normal $arguments
CFG
grub_script() {
	echo 'search --no-floppy --set=root --file /linux'
	if [ "$kind" = grub ]; then
		printf 'echo "guest: GRUB reads the CD in $root"\nread word\necho "guest: GRUB was told $word"\nhalt\n'
	else
		printf 'echo "guest: GRUB starts the kernel"\nlinux /linux vga=normal %s\ninitrd /initrd.gz\nboot\n' "$arguments"
	fi
}

grub_script >"$root/grub.cfg"
"$(dirname "$0")/make-efi-image.sh" "$dir/efi.img" "$root/grub.cfg"
xorriso -as mkisofs -quiet -V GUEST -o "$out" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 \
	-boot-info-table -eltorito-alt-boot -e efi.img -no-emul-boot -R "$dir" 2>/dev/null
