#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The cost of an exit, in instructions (QEMU -icount shift=0: one instruction is one tick): the same guest under hv and under
# KVM of Debian's stock kernel, in the same emulator. Prints rows as JSON lines for run.sh.
set -eu
. tests/bench/row.inc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One instruction a translation block: QEMU 11.1 gives up ("Bad icount read") on an RDMSR of the local APIC's timer inside a longer one.
measure() { # RESULTS SECONDS QEMU-ARGUMENT...: lines of a row's name and its figure
	results=$1 seconds=$2
	shift 2
	timeout "$seconds" qemu-system-x86_64 -accel tcg,one-insn-per-tb=on -icount shift=0 -machine q35 -cpu EPYC,+svm,+npt,+x2apic -m 1G \
		-display none -no-reboot -serial stdio "$@" </dev/null >"$work/log" 2>&1 || :
	sed -n 's/.*bench-exits: [a-z]* \([a-z0-9]*\) \([0-9]*\).*/\1 \2/p' "$work/log" >"$results"
	grep -q touch2m "$results" || { tail -n 20 "$work/log" >&2; exit 1; }
}

kvm=$(tests/bench/kvm-kernel.sh)
mkdir "$work/kvm"
cp build/bench/exits-kvm "$work/kvm/init"
while read -r module; do cp "$kvm/$module" "$work/kvm"; done <"$kvm/kvm.list"
(cd "$work/kvm" && find . | cpio -o -H newc --quiet) >"$work/kvm.cpio"
measure "$work/kvm.rows" 600 -kernel "$kvm/vmlinuz" -initrd "$work/kvm.cpio" -append 'console=ttyS0 quiet panic=-1'

echo 'exec /tests/exits-mshv' >"$work/exits"
tests/boot/make-test-disk.sh "$work/disk.img" build/bench/exits-mshv "$work/exits"
measure "$work/hv.rows" 600 -kernel build/hv/hv.elf -initrd 'build/kernel/bzImage console=ttyS0 root=/dev/sda ro init=/init test=exits' \
	-drive "file=$work/disk.img,format=raw,if=none,id=disk,snapshot=on" -device ide-hd,drive=disk

compare() {	# ROW WHAT GOAL: the goal is a figure, or 1/N of KVM's
	ours=$(sed -n "s/^$1 //p" "$work/hv.rows") peer=$(sed -n "s/^$1 //p" "$work/kvm.rows") goal=$3
	[ "${goal#1/}" = "$goal" ] || goal=$((peer / ${goal#1/}))
	row hv "$2" instructions "$ours" "$peer" 'KVM (AMD), Debian kernel' "$goal"
}

compare cpuid 'CPUID exit' 200
compare hypercall 'hypercall that nobody has' 200
compare out 'port write to the VMM and back' 2150
compare eoi 'EOI' 1/4
compare ipi 'IPI to itself, delivered, with its EOI' 1/4
compare stimer 'write of a synthetic timer' 1/4
compare touch4k 'first touch of a 4 KiB page' 1/1
compare touch2m 'first touch of a 2 MiB page' 1/1
