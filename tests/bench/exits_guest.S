/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest of the exit benchmark, the same bytes under hv and under KVM: 16-bit code at GPA 0x1000 that times a loop of
 * CPUID and a loop of OUT with RDTSC and stores three time stamps (8 bytes each) at GPA 0x2000, then halts.
 */
	.code16
	.globl exits_guest, exits_guest_end
	.section .rodata
exits_guest:
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	$0x2000, %di
	movw	$64, %si		/* a short round first: page faults and first use are not what is measured */
	call	cpuid_loop
	movw	$64, %si
	call	out_loop
	call	stamp
	movw	$EXITS_COUNT, %si
	call	cpuid_loop
	call	stamp
	movw	$EXITS_COUNT, %si
	call	out_loop
	call	stamp
	movb	$0x55, %al
	outb	%al, $0x81		/* tells the VMM that the stamps are there */
1:	hlt
	jmp	1b

stamp:
	rdtsc
	movl	%eax, (%di)
	movl	%edx, 4(%di)
	addw	$8, %di
	ret

cpuid_loop:
	xorl	%eax, %eax
	cpuid
	decw	%si
	jnz	cpuid_loop
	ret

out_loop:
	outb	%al, $0x80
	decw	%si
	jnz	out_loop
	ret
exits_guest_end:
