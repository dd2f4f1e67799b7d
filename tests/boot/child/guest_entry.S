/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's first instruction (RDI: test, RSI: VP; long mode, stack and page tables by the VMM), and interrupt entries. */
	.section .entry, "ax"
	.globl guest_entry
guest_entry:
	call guest_main
1:	hlt
	jmp 1b

	.text
	.globl interrupt_stubs
interrupt_stubs:			/* 16 bytes each; exceptions with an error code push one more word than others */
	vector = 0
	.rept 256
	.balign 16
	.if (vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21)
	pushq $0
	.endif
	pushq $vector
	jmp common
	vector = vector + 1
	.endr

common:
	push %rax; push %rcx; push %rdx; push %rsi; push %rdi; push %r8; push %r9; push %r10; push %r11
	mov 72(%rsp), %rdi		/* vector */
	lea 88(%rsp), %rsi		/* the frame: RIP first */
	cld
	call interrupt
	pop %r11; pop %r10; pop %r9; pop %r8; pop %rdi; pop %rsi; pop %rdx; pop %rcx; pop %rax
	add $16, %rsp
	iretq

/* bool msr_try(uint32_t msr, uint64_t *value, bool write, uint64_t *resume): a fault resumes at 2f with false. */
	.globl msr_try
msr_try:
	mov %rsi, %r8
	mov %rcx, %r9
	mov %edi, %ecx
	lea 2f(%rip), %rax
	mov %rax, (%r9)
	test %dl, %dl
	jz 1f
	mov (%r8), %eax
	mov 4(%r8), %edx
	wrmsr
	movq $0, (%r9)
	mov $1, %eax
	ret
1:	rdmsr
	mov %eax, (%r8)
	mov %edx, 4(%r8)
	movq $0, (%r9)
	mov $1, %eax
	ret
2:	movq $0, (%r9)
	xor %eax, %eax
	ret
	.section .note.GNU-stack, "", @progbits
