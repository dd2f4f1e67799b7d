/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world switch. VMRUN saves and restores hv's segments, control registers, RIP, RSP, RFLAGS and RAX; the other general
 * registers are ours to switch. Offsets are those of struct vp_gprs.
 */
	.text
	.global svm_enter
svm_enter:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
	mov	%rsi, %rax
	test	%edx, %edx
	jz	1f
	sti				/* with V_INTR_MASKING it is hv's IF that gates physical interrupts */
1:	mov	8(%rdi), %rcx
	mov	16(%rdi), %rdx
	mov	24(%rdi), %rbx
	mov	40(%rdi), %rbp
	mov	48(%rdi), %rsi
	mov	64(%rdi), %r8
	mov	72(%rdi), %r9
	mov	80(%rdi), %r10
	mov	88(%rdi), %r11
	mov	96(%rdi), %r12
	mov	104(%rdi), %r13
	mov	112(%rdi), %r14
	mov	120(%rdi), %r15
	mov	56(%rdi), %rdi
	vmrun	%rax
	cli
	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rcx, 8(%rdi)
	mov	%rdx, 16(%rdi)
	mov	%rbx, 24(%rdi)
	mov	%rbp, 40(%rdi)
	mov	%rsi, 48(%rdi)
	mov	%r8, 64(%rdi)
	mov	%r9, 72(%rdi)
	mov	%r10, 80(%rdi)
	mov	%r11, 88(%rdi)
	mov	%r12, 96(%rdi)
	mov	%r13, 104(%rdi)
	mov	%r14, 112(%rdi)
	mov	%r15, 120(%rdi)
	pop	56(%rdi)
	pop	%rdi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	/* void svm_open_window(void): takes a pending NMI in hv's IDT */
	.global svm_open_window
svm_open_window:
	stgi
	nop
	clgi
	ret

	/* void svm_let_interrupts_in(void) */
	.global svm_let_interrupts_in
svm_let_interrupts_in:
	stgi
	sti
	nop
	nop
	cli
	clgi
	ret

	/*
	 * void svm_halt(void): the NMI handler moves an NMI that came between STGI and HLT behind the HLT (descriptors.c), so
	 * that it is never slept over.
	 */
	.global svm_halt
svm_halt:
	stgi
1:	hlt
2:	clgi
	ret
	.section nmi_fixup, "a"
	.quad 1b, 2b, 2b
	.section .note.GNU-stack, "", @progbits
