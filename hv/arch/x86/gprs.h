/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the world switches (enter.S of svm and vmx), assembly only: general registers to and from struct vp_gprs, which has them in
 * the order of the x86 encoding. RSP is in the VMCB or VMCS; RAX is the vendor's to move.
 */
#ifndef HV_X86_GPRS_H
#define HV_X86_GPRS_H

	/* What a C caller expects to find again; RDI is the pointer to the guest's. */
	.macro	push_own
	.irp	register, rbx, rbp, r12, r13, r14, r15, rdi
	push	%\register
	.endr
	.endm

	.macro	pop_own
	.irp	register, rdi, r15, r14, r13, r12, rbp, rbx
	pop	%\register
	.endr
	.endm

	.macro	load_guest		/* from (%rdi) */
	mov	8(%rdi), %rcx
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
	.endm

	.macro	save_guest		/* to where push_own left the pointer; then RDI has it */
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
	.endm

#endif
