/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the boot loader's 32-bit protected mode to boot_main() in long mode. Both Multiboot headers; EAX says which loader
 * came. The page tables made here (identity and DIRECT_MAP of the low 4 GiB) serve until paging_load(), and the APs' start.
 */
#define MB1_MAGIC	0x1badb002
#define MB1_FLAGS	0x00000003	/* page-aligned modules, memory map */
#define MB2_MAGIC	0xe85250d6

	.section .multiboot, "ax"
	.align 8
mb2_header:
	.long MB2_MAGIC, 0, mb2_end - mb2_header, -(MB2_MAGIC + mb2_end - mb2_header)
	.align 8
	.short 6, 0			/* modules page-aligned */
	.long 8
	.align 8
	.short 5, 1			/* framebuffer, optional: any size the firmware likes, 32 bits if it can */
	.long 20, 0, 0, 32
	.align 8
	.short 0, 0
	.long 8
mb2_end:
	.align 4
	.long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)

	.text
	.code32
	.global multiboot_entry
multiboot_entry:
	cli
	cld
	mov	%eax, %edi		/* arguments of boot_main(magic, info) */
	mov	%ebx, %esi
	mov	$boot_stack_end, %esp
	mov	$0x80000000, %eax
	cpuid
	cmp	$0x80000001, %eax
	jb	no_long_mode
	mov	$0x80000001, %eax
	cpuid
	test	$(1 << 29), %edx
	jz	no_long_mode
	call	make_boot_tables
	call	enter_long_mode
	ljmp	$0x08, $boot_entry64

/* The same page tables for every LP: one PDPT of four page directories, 2 MiB pages, seen at 0 and at DIRECT_MAP. */
make_boot_tables:
	mov	$boot_pdpt + 3, %eax
	mov	%eax, boot_pml4
	mov	%eax, boot_pml4 + 256 * 8
	mov	$boot_pd + 3, %eax
	mov	$boot_pdpt, %edx
1:	mov	%eax, (%edx)
	add	$4096, %eax
	add	$8, %edx
	cmp	$boot_pdpt + 32, %edx
	jne	1b
	mov	$0x83, %eax
	mov	$boot_pd, %edx
2:	mov	%eax, (%edx)
	add	$0x200000, %eax
	add	$8, %edx
	cmp	$boot_pd + 4 * 4096, %edx
	jne	2b
	ret

	.global enter_long_mode
enter_long_mode:
	mov	%cr4, %eax
	or	$(1 << 5), %eax			/* PAE */
	mov	%eax, %cr4
	mov	$boot_pml4, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$(1 << 8), %eax			/* LME; NX waits until the CPU was asked for it */
	wrmsr
	mov	%cr0, %eax
	or	$0x80010000, %eax		/* PG, WP */
	and	$0x9fffffff, %eax		/* caches on, whatever INIT left */
	mov	%eax, %cr0
	lgdt	boot_gdt_pointer
	ret

no_long_mode:
	mov	$no_long_mode_text, %esi
	mov	$0xb8000, %edi
3:	lodsb
	test	%al, %al
	jz	5f
	mov	$0x0f, %ah
	stosw
	mov	%al, %bl
	mov	$0x3fd, %dx
	mov	$100000, %ecx
4:	in	%dx, %al
	test	$0x20, %al
	loopz	4b
	mov	%bl, %al
	mov	$0x3f8, %dx
	out	%al, %dx
	jmp	3b
5:	hlt
	jmp	5b

	.code64
boot_entry64:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%edi, %edi
	mov	%esi, %esi
	call	boot_main
6:	hlt
	jmp	6b

	/* void stack_switch(void *top, void (*go_on)(void)): never returns */
	.global stack_switch
stack_switch:
	mov	%rdi, %rsp
	xor	%ebp, %ebp
	call	*%rsi
7:	hlt
	jmp	7b

	.section .rodata
no_long_mode_text:
	.asciz "Partita cannot start on this computer: its processor has no 64-bit mode."
	.align 8
	.global boot_gdt, boot_gdt_pointer
boot_gdt:					/* hv's GDT for good: no TSS, hv never changes privilege level */
	.quad 0
	.quad 0x00af9b000000ffff		/* 0x08 code, 64-bit */
	.quad 0x00cf93000000ffff		/* 0x10 data */
	.quad 0x00cf9b000000ffff		/* 0x18 code, 32-bit: the APs' way up */
boot_gdt_pointer:
	.short . - boot_gdt - 1
	.quad boot_gdt

	.bss
	.align 4096
	.global boot_pml4
boot_pml4:	.skip 4096
boot_pdpt:	.skip 4096
boot_pd:	.skip 4 * 4096
boot_stack:	.skip 16384
boot_stack_end:
	.section .note.GNU-stack, "", @progbits
