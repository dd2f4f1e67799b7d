/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest without drivers that has touched all of its memory and knows what must be in it: a boot sector of 2 KiB. Round after round it
 * checks what the last one wrote into each page from 2 MiB to 240 MiB, and writes something else; after each it says "sweep N" on COM1, or
 * "BAD" and stops. It turns the machine off when the power button is pressed (PM1 of PIIX4, as vmwp has it).
 */
#define FIRST		0x200000
#define END		0xf000000
#define COM1		0x3f8
#define PM1_STATUS	0x600
#define PM1_CONTROL	0x604

	.code16
	.globl _start
_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movb	$2, %al
	outb	%al, $0x92		/* A20 */
	lgdtl	gdt_pointer
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$8, $protected

	.code32
protected:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$0x7000, %esp
	movl	$1, %ebx		/* the round */
sweep:
	movl	$FIRST, %edi
page:
	testl	$0x1fffff, %edi
	jnz	1f
	movw	$PM1_STATUS, %dx
	inw	%dx, %ax
	testw	$0x100, %ax
	jnz	power_off
1:	movl	%edi, %eax
	xorl	%ebx, %eax		/* what this round writes; the one before wrote it with its own number */
	cmpl	$1, %ebx
	je	2f
	movl	%ebx, %ecx
	decl	%ecx
	xorl	%edi, %ecx
	cmpl	%ecx, (%edi)
	jne	bad
	cmpl	%ecx, 4092(%edi)
	jne	bad
2:	movl	%eax, (%edi)
	movl	%eax, 4092(%edi)
	addl	$4096, %edi
	cmpl	$END, %edi
	jb	page
	movl	$said, %esi
	call	say
	movl	%ebx, %eax
	movb	$10, %cl
	xorb	%ah, %ah
	divb	%cl			/* rounds up to 99 are enough */
	addw	$0x3030, %ax
	movb	%ah, %ch
	call	put
	movb	%ch, %al
	call	put
	movb	$10, %al
	call	put
	incl	%ebx
	jmp	sweep

power_off:
	movw	$PM1_CONTROL, %dx
	movw	$0x2000, %ax
	outw	%ax, %dx
	jmp	stop
bad:
	movl	$wrong, %esi
	call	say
stop:
	hlt
	jmp	stop

say:	lodsb
	testb	%al, %al
	jz	1f
	call	put
	jmp	say
1:	ret
put:	movw	$COM1, %dx
	outb	%al, %dx
	ret

said:	.asciz "sweep "
wrong:	.asciz "BAD\n"
	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long gdt
