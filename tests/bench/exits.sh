#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The cost of an exit, in instructions (QEMU -icount shift=0: one instruction is one tick): the same guest under hv and under
# KVM of Debian's stock kernel, in the same emulator. Prints rows as JSON lines for run.sh.
set -eu
. tests/bench/row.inc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

measure() { # SECONDS QEMU-ARGUMENT...: sets $cpuid and $out
	seconds=$1
	shift
	timeout "$seconds" qemu-system-x86_64 -accel tcg -icount shift=0 -machine q35 -cpu EPYC,+svm,+npt,+x2apic -m 1G -display none \
		-no-reboot -serial stdio "$@" </dev/null >"$work/log" 2>&1 || :
	cpuid=$(sed -n 's/.*bench-exits: [a-z]* cpuid \([0-9]*\) out .*/\1/p' "$work/log")
	out=$(sed -n 's/.*bench-exits: .* out \([0-9]*\).*/\1/p' "$work/log")
	[ -n "$out" ] || { tail -n 20 "$work/log" >&2; exit 1; }
}

kvm=$(tests/bench/kvm-kernel.sh)
mkdir "$work/kvm"
cp build/bench/exits-kvm "$work/kvm/init"
while read -r module; do cp "$kvm/$module" "$work/kvm"; done <"$kvm/kvm.list"
(cd "$work/kvm" && find . | cpio -o -H newc --quiet) >"$work/kvm.cpio"
measure 120 -kernel "$kvm/vmlinuz" -initrd "$work/kvm.cpio" -append 'console=ttyS0 quiet panic=-1'
kvm_cpuid=$cpuid kvm_out=$out

echo 'exec /tests/exits-mshv' >"$work/exits"
tests/boot/make-test-disk.sh "$work/disk.img" build/bench/exits-mshv "$work/exits"
measure 120 -kernel build/hv/hv.elf -initrd 'build/kernel/bzImage console=ttyS0 root=/dev/sda ro init=/init test=exits' \
	-drive "file=$work/disk.img,format=raw,if=none,id=disk,snapshot=on" -device ide-hd,drive=disk

row hv 'CPUID exit' instructions "$cpuid" "$kvm_cpuid" 'KVM (AMD), Debian kernel' "$kvm_cpuid"
row hv 'port write to the VMM and back' instructions "$out" "$kvm_out" 'KVM (AMD), Debian kernel' "$kvm_out"
