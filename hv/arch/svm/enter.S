/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world switch. VMRUN saves and restores hv's segments, control registers, RIP, RSP, RFLAGS and RAX; the other general
 * registers are ours to switch.
 */
#include <arch/x86/gprs.h>

	.text
	.global svm_enter
svm_enter:
	push_own
	mov	%rsi, %rax
	test	%edx, %edx
	jz	1f
	sti				/* with V_INTR_MASKING it is hv's IF that gates physical interrupts */
1:	load_guest
	vmrun	%rax
	cli
	save_guest
	pop_own
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
