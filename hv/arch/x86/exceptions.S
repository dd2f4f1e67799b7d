/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hv's interrupt stubs. They run on the LP's one stack, without IST: TR is the root's while hv runs (no world switch
 * changes it). Also the three instructions that may fault, with the table exception_handle() looks their recovery up in.
 */
	.text
	.altmacro
	.macro stub n
	.align 8
stub_\n:
	.if (\n == 8) || (\n >= 10 && \n <= 14) || (\n == 17) || (\n == 21) || (\n == 29) || (\n == 30)
	.else
	pushq	$0
	.endif
	pushq	$\n
	jmp	exception_common
	.endm
	.set i, 0
	.rept 256
	stub %i
	.set i, i + 1
	.endr

exception_common:
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%r11
	push	%r10
	push	%r9
	push	%r8
	push	%rdi
	push	%rsi
	push	%rbp
	push	%rbx
	push	%rdx
	push	%rcx
	push	%rax
	cld
	mov	%rsp, %rdi
	call	exception_handle
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rbx
	pop	%rbp
	pop	%rsi
	pop	%rdi
	pop	%r8
	pop	%r9
	pop	%r10
	pop	%r11
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	add	$16, %rsp
	iretq

	/* bool rdmsr_safe(uint32_t msr, uint64_t *value) */
	.global rdmsr_safe
rdmsr_safe:
	mov	%edi, %ecx
rdmsr_may_fault:
	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, (%rsi)
	mov	$1, %eax
	ret

	/* bool wrmsr_safe(uint32_t msr, uint64_t value) */
	.global wrmsr_safe
wrmsr_safe:
	mov	%edi, %ecx
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
wrmsr_may_fault:
	wrmsr
	mov	$1, %eax
	ret

	/* bool xsetbv_safe(uint32_t index, uint64_t value) */
	.global xsetbv_safe
xsetbv_safe:
	mov	%edi, %ecx
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
xsetbv_may_fault:
	xsetbv
	mov	$1, %eax
	ret
faulted:
	xor	%eax, %eax
	ret

	.section .rodata
	.align 8
	.global exception_stubs, exception_recovery, exception_recovery_end
exception_stubs:
	.set i, 0
	.macro address n
	.quad stub_\n
	.endm
	.rept 256
	address %i
	.set i, i + 1
	.endr
exception_recovery:				/* instruction, where to go on */
	.quad rdmsr_may_fault, faulted
	.quad wrmsr_may_fault, faulted
	.quad xsetbv_may_fault, faulted
exception_recovery_end:
	.section .note.GNU-stack, "", @progbits
