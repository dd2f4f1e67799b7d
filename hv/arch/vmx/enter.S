/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world switch. VMLAUNCH and VMRESUME save nothing of hv's: an exit comes back at vmx_left with RSP as it was, all else is
 * ours to switch. Offsets are those of struct vp_gprs. There is no GIF here: an NMI (a kick) may come at any time while hv runs,
 * and one that came since hv last looked must keep it from entering. So the count is compared, and nmi_take() in
 * descriptors.c sends an NMI that comes between that and the entry to the same end.
 */
#include <arch/vmx/vmcs.h>

	.text
	/* int vmx_enter(struct vp_gprs *gprs, bool launched, const uint32_t *nmi_count, uint32_t nmis_seen) */
	.global vmx_enter
vmx_enter:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
	mov	$VMCS_HOST_RSP, %eax
	vmwrite	%rsp, %rax
enter_begin:
	cmp	%ecx, (%rdx)
	jne	enter_abort
	test	%sil, %sil
	mov	0(%rdi), %rax
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
	jz	1f
	vmresume
	jmp	enter_refused
1:	vmlaunch
enter_end:
enter_refused:
	mov	$2, %eax
	jmp	2f
enter_abort:
	mov	$1, %eax
	jmp	2f

	.global vmx_left
vmx_left:
	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rax, 0(%rdi)
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
	xor	%eax, %eax
2:	pop	%rdi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	cld
	ret

	/* void vmx_unblock_nmis(void) */
	.global vmx_unblock_nmis
vmx_unblock_nmis:
	mov	%rsp, %rax
	mov	%ss, %ecx
	push	%rcx
	push	%rax
	pushf
	mov	%cs, %ecx
	push	%rcx
	push	$3f
	iretq
3:	ret

	/* void vmx_let_interrupts_in(void) */
	.global vmx_let_interrupts_in
vmx_let_interrupts_in:
	sti
	nop
	nop
	cli
	ret

	/* void vmx_halt(const uint32_t *nmi_count, uint32_t nmis_seen) */
	.global vmx_halt
vmx_halt:
halt_begin:
	cmp	%esi, (%rdi)
	jne	halt_end
	hlt
halt_end:
	ret

	.section nmi_fixup, "a"
	.quad enter_begin, enter_end, enter_abort
	.quad halt_begin, halt_end, halt_end
	.section .note.GNU-stack, "", @progbits
