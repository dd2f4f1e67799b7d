/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an AP begins after hv's SIPI: real mode, in a page below 1 MiB that smp.c copied this to. It takes its stack from
 * trampoline_stack (smp.c starts one AP at a time) and goes on in ap_main(). Position: only CS is right, so all is relative to it.
 */
	.text
	.global trampoline_start, trampoline_end, trampoline_stack, trampoline_far
	.code16
trampoline_start:
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	trampoline_gdt - trampoline_start
	mov	$1, %eax
	mov	%eax, %cr0
	ljmpl	*(trampoline_far - trampoline_start)
	.align 8
trampoline_far:
	.long trampoline_32			/* the original at its link address is just as good from here on */
	.short 0x18
	.align 8
trampoline_gdt:
	.short 31
	.long boot_gdt
trampoline_end:

	.code32
trampoline_32:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	trampoline_stack, %esp
	call	enter_long_mode
	ljmp	$0x08, $trampoline_64
	.code64
trampoline_64:
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	trampoline_stack, %rsp		/* in DIRECT_MAP, which enter_long_mode has */
	xor	%ebp, %ebp
	call	ap_main
1:	hlt
	jmp	1b

	.bss
	.align 8
trampoline_stack:	.skip 8
	.section .note.GNU-stack, "", @progbits
