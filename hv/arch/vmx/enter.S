/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world switch. VMLAUNCH and VMRESUME save nothing of hv's: an exit comes back at vmx_left with RSP as it was, all else is
 * ours to switch. There is no GIF here: an NMI (a kick) may come at any time while hv runs, and one that came since hv last
 * looked must keep it from entering. So the count is compared, and nmi_take() in descriptors.c sends an NMI that comes between
 * that and the entry to the same end.
 */
#include <arch/vmx/vmcs.h>
#include <arch/x86/gprs.h>

	.text
	/* int vmx_enter(struct vp_gprs *gprs, bool launched, const uint32_t *nmi_count, uint32_t nmis_seen) */
	.global vmx_enter
vmx_enter:
	push_own
	mov	$VMCS_HOST_RSP, %eax
	vmwrite	%rsp, %rax
enter_begin:
	cmp	%ecx, (%rdx)
	jne	enter_abort
	test	%sil, %sil
	mov	0(%rdi), %rax
	load_guest
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
	save_guest
	mov	%rax, 0(%rdi)
	xor	%eax, %eax
2:	pop_own
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
