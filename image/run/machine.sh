# SPDX-License-Identifier: Apache-2.0
# The machine that the appliance runs on when there is no real one: QEMU's options. Sourced by appliance.sh, which has
# set run, port, mem, cpus, boot, hv_options and kernel_options.

# KVM counts only when the CPU really offers nested AMD-V (the node alone may be a para-virtual one that hangs), and a
# boot sector that writes 0x10 to the exit port gets there.
kvm_works() {
	[ -w /dev/kvm ] && grep -qw svm /proc/cpuinfo || return 1
	grep -q '[1Y]' /sys/module/kvm_amd/parameters/nested 2>/dev/null || return 1
	/usr/bin/printf '\xba\x01\x05\xb0\x10\xee\xf4' >"$run/probe"
	truncate -s 510 "$run/probe"
	/usr/bin/printf '\x55\xaa' >>"$run/probe"
	timeout 10 qemu-system-x86_64 -accel kvm -cpu host -nodefaults -display none -device isa-debug-exit,iobase=0x501 \
		-drive file="$run/probe",format=raw >/dev/null 2>&1
	[ $? -eq 33 ]
}

# Single-threaded TCG: with a thread per CPU, QEMU 11 now and then loses a bit of the first CPU's SVM state (nested paging,
# GIF), because other CPUs' threads rewrite the word that holds them without a lock.
choose_accelerator() {
	if kvm_works; then
		accel='-accel kvm -cpu host'
		echo "QEMU: this machine has nested AMD-V, using KVM"
	else
		accel='-accel tcg,thread=single -cpu EPYC,+svm,+npt,+x2apic'
		echo "QEMU: no usable nested AMD-V here, emulating it (TCG): everything works, some ten times slower"
	fi
}

# In QEMU's option lists a comma inside a value is written twice.
quote_commas() {
	printf '%s' "$1" | sed 's/,/,,/g'
}

kernel_command_line() {
	printf 'root=PARTLABEL=partita-root-a %s %s' "$(grep -v '^#' image/loader/kernel-options | paste -sd' ')" "$kernel_options"
}

# How the machine boots. "image" is what ships: firmware, GRUB, hv, kernel.
# "hv" hands hv and the kernel to QEMU's multiboot loader, "kernel" runs the root kernel without a hypervisor.
boot_options() {
	case $boot in
	image)
		printf '%s\n' -smbios "type=11,value=$(quote_commas "partita.boot=$hv_options;$kernel_options")" ;;
	hv)
		printf '%s\n' -kernel build/hv/hv.elf ${hv_options:+-append "$hv_options"} \
			-initrd "build/kernel/bzImage $(quote_commas "$(kernel_command_line)")" ;;
	kernel)
		printf '%s\n' -kernel build/kernel/bzImage -append "$(kernel_command_line)" ;;
	*)
		echo "BOOT=$boot: image, hv or kernel" >&2
		return 1 ;;
	esac
}

# FIRMWARE=uefi boots the image as a UEFI machine does; without it by BIOS.
firmware_options() {
	[ "${FIRMWARE:-bios}" = uefi ] || return 0
	[ -e "$run/uefi.vars" ] || cp /usr/share/OVMF/OVMF_VARS_4M.fd "$run/uefi.vars"
	printf '%s\n' -drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
		-drive "if=pflash,format=raw,file=$run/uefi.vars"
}

# One option word per line on standard output. The UUID becomes the root partition's machine id.
machine_options() {
	printf '%s\n' $accel -machine q35 -m "$mem" -smp "$cpus" -display none -vga std -no-user-config -nodefaults \
		-uuid 70617274-6974-4100-8000-000000000001 \
		-drive "if=none,id=disk,file=$run/disk.qcow2,discard=unmap,detect-zeroes=unmap,cache=writeback" \
		-device virtio-blk-pci,drive=disk \
		-netdev "user,id=net,hostfwd=tcp:127.0.0.1:$port-:443" -device "${NIC:-virtio-net-pci},netdev=net" \
		-object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng \
		-chardev "file,id=serial,path=$run/serial.log" -serial chardev:serial \
		-chardev "socket,id=shell,path=$run/shell.sock,server=on,wait=off" -serial chardev:shell \
		-qmp "unix:$run/qmp.sock,server=on,wait=off" -pidfile "$run/qemu.pid"
	firmware_options
	boot_options
	printf '%s\n' ${QEMU_EXTRA:-}
}
