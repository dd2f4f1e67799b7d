/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest of the exit benchmark, the same bytes under hv and under KVM: goes to 32-bit protected mode without paging, then
 * for each row of EXITS_ROWS runs a short round (first use is not what is measured; memory is touched once only), stores a
 * time stamp, runs the loop, stores another; tells the VMM and halts. Each loop expects its count in ESI.
 */
#include "exits.h"

#define MSR_APIC_BASE		0x1b
#define MSR_X2APIC_SVR		0x80f
#define MSR_X2APIC_EOI		0x80b
#define MSR_X2APIC_SELF_IPI	0x83f
#define MSR_SCONTROL		0x40000080
#define MSR_SINT2		0x40000092
#define MSR_STIMER0_CONFIG	0x400000b0
#define MSR_STIMER0_COUNT	0x400000b1
#define VECTOR			0x40
#define AT(label)		(label - exits_guest + EXITS_CODE)

	.section .rodata
	.globl exits_guest, exits_guest_end
	.code16
exits_guest:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	AT(gdt_pointer)
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$8, $AT(protected)

	.balign	8
gdt:	.quad	0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	AT(gdt)
idt_pointer:
	.word	VECTOR * 8 + 7
	.long	EXITS_IDT

	.code32
.macro	write_msr msr, low, high=0
	movl	$\msr, %ecx
	movl	$\low, %eax
	movl	$\high, %edx
	wrmsr
.endm

.macro	measure loop, count, warm=64
	.if	\warm
	movl	$\warm, %esi
	call	\loop
	.endif
	call	stamp
	movl	$\count, %esi
	call	\loop
	call	stamp
.endm

protected:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$EXITS_STACK, %esp
	movl	$EXITS_STAMPS, %edi
	movl	$0x00080000 + AT(handler), EXITS_IDT + VECTOR * 8	/* a 32-bit interrupt gate; the handler is below 64 KiB */
	movl	$0x8e00, EXITS_IDT + VECTOR * 8 + 4
	lidtl	AT(idt_pointer)
	write_msr MSR_APIC_BASE, 0xfee00d00
	write_msr MSR_X2APIC_SVR, 0x1ff
	write_msr MSR_SCONTROL, 1
	write_msr MSR_SINT2, 0x41
	write_msr MSR_STIMER0_CONFIG, 0x20008			/* by SINT 2, enabled by a write of the count */

	measure	cpuid_loop, EXITS_COUNT
	measure	hypercall_loop, EXITS_COUNT
	measure	out_loop, EXITS_COUNT
	measure	eoi_loop, EXITS_COUNT
	sti
	measure	ipi_loop, EXITS_COUNT
	cli
	measure	stimer_loop, EXITS_COUNT
	write_msr MSR_STIMER0_CONFIG, 0
	movl	$EXITS_SMALL, %ebx
	movl	$0x1000, %edx
	measure	touch_loop, EXITS_SMALL_PAGES, 0
	movl	$EXITS_LARGE, %ebx
	movl	$0x200000, %edx
	measure	touch_loop, EXITS_LARGE_PAGES, 0
	outb	%al, $EXITS_PORT_DONE
1:	hlt
	jmp	1b

handler:
	pushal
	write_msr MSR_X2APIC_EOI, 0
	popal
	iretl

stamp:
	pushl	%edx
	rdtsc
	movl	%eax, (%edi)
	movl	%edx, 4(%edi)
	addl	$8, %edi
	popl	%edx
	ret

cpuid_loop:
	xorl	%eax, %eax
	cpuid
	decl	%esi
	jnz	cpuid_loop
	ret

	/* a call that nobody has: code 0 in EDX:EAX, no input, no output */
hypercall_loop:
	xorl	%eax, %eax
	xorl	%edx, %edx
	vmmcall
	decl	%esi
	jnz	hypercall_loop
	ret

out_loop:
	outb	%al, $EXITS_PORT
	decl	%esi
	jnz	out_loop
	ret

eoi_loop:
	write_msr MSR_X2APIC_EOI, 0
	decl	%esi
	jnz	eoi_loop
	ret

	/* delivered, and ended by the handler: an IPI, an interrupt and an EOI */
ipi_loop:
	write_msr MSR_X2APIC_SELF_IPI, VECTOR
	decl	%esi
	jnz	ipi_loop
	ret

stimer_loop:
	write_msr MSR_STIMER0_COUNT, 0, 1			/* in seven minutes */
	decl	%esi
	jnz	stimer_loop
	ret

touch_loop:
	movl	%edi, (%ebx)
	addl	%edx, %ebx
	decl	%esi
	jnz	touch_loop
	ret
exits_guest_end:
	.section .note.GNU-stack, "", @progbits
