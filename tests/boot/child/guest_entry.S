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

/* uint64_t hypercall32(control, input, output): EDX:EAX, EBX:ECX, EDI:ESI in compatibility mode (TLFS, x86 convention). */
	.globl hypercall32
hypercall32:
	push %rbx
	push %rbp
	mov %rsp, %rbp
	mov %rdi, %r8
	mov %rsi, %r9
	mov %rdx, %r10
	mov %r8d, %eax
	mov %r8, %rdx
	shr $32, %rdx
	mov %r9d, %ecx
	mov %r9, %rbx
	shr $32, %rbx
	mov %r10d, %esi
	mov %r10, %rdi
	shr $32, %rdi
	pushq $24			/* the 32-bit code segment */
	pushq $1f
	lretq
	.code32
1:	push %ebp
	mov $0x700000, %ebp		/* the hypercall page */
	call *%ebp
	pop %ebp
	ljmp $8, $2f
	.code64
2:	mov %rbp, %rsp
	mov %eax, %eax
	shl $32, %rdx
	or %rdx, %rax
	pop %rbp
	pop %rbx
	ret

/* uint64_t hypercall_xmm(control, const uint64_t input[14]) */
	.globl hypercall_xmm
hypercall_xmm:
	mov %rdi, %rcx
	mov 0(%rsi), %rdx
	mov 8(%rsi), %r8
	movups 16(%rsi), %xmm0
	movups 32(%rsi), %xmm1
	movups 48(%rsi), %xmm2
	movups 64(%rsi), %xmm3
	movups 80(%rsi), %xmm4
	movups 96(%rsi), %xmm5
	mov $0x700000, %eax
	call *%rax
	ret
	.section .note.GNU-stack, "", @progbits
