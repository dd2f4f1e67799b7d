/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GDT, IDT and what hv does with exceptions of its own: recover from the instructions listed in exceptions.S, take NMIs
 * in the window the vendor back end opens for them, and treat everything else as the end.
 */
#include <arch/x86/apic.h>
#include <arch/x86/cpu.h>
#include <arch/x86/machine.h>
#include <arch/x86/vcpu.h>
#include <hv/lp.h>
#include <hv/panic.h>

struct idt_gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, reserved;
};

struct descriptor_pointer {
	uint16_t limit;
	uint64_t base;
} __packed;

struct exception_frame {
	uint64_t rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

#define IDT_INTERRUPT_GATE	0x8e

extern const uint64_t exception_stubs[256];
extern const struct { uint64_t rip, go_on; } exception_recovery[], exception_recovery_end[];
extern const char boot_gdt_pointer[];
extern const struct nmi_fixup nmi_fixup_start[], nmi_fixup_end[];
void exception_handle(struct exception_frame *f);

static struct idt_gate idt[256] __aligned(16);

static void idt_fill(void)
{
	for (unsigned int i = 0; i < 256; i++) {
		uint64_t a = exception_stubs[i];

		idt[i] = (struct idt_gate){ .offset_low = (uint16_t)a, .selector = 0x08, .type = IDT_INTERRUPT_GATE,
					    .offset_middle = (uint16_t)(a >> 16), .offset_high = (uint32_t)(a >> 32) };
	}
}

void descriptors_load(void)
{
	struct descriptor_pointer pointer = { sizeof(idt) - 1, (uintptr_t)idt };

	if (!idt[0].type)
		idt_fill();
	asm volatile("lgdt %0" : : "m"(*(const struct descriptor_pointer *)boot_gdt_pointer));
	asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss" : : "r"(0x10));
	asm volatile("lidt %0" : : "m"(pointer));
}

static bool exception_recover(struct exception_frame *f)
{
	for (size_t i = 0; exception_recovery + i < exception_recovery_end; i++)
		if (exception_recovery[i].rip == f->rip) {
			f->rip = exception_recovery[i].go_on;
			return true;
		}
	return false;
}

/* It came just before the HLT it should have ended, or an entry into a guest that it should have prevented. */
static void nmi_take(struct exception_frame *f)
{
	if (!machine_lps_known())
		return;
	this_lp()->nmi_count++;
	for (const struct nmi_fixup *x = nmi_fixup_start; x < nmi_fixup_end; x++)
		if (f->rip >= x->begin && f->rip < x->end)
			f->rip = x->go_on;
}

void exception_handle(struct exception_frame *f)
{
	if (f->vector == VECTOR_NMI)
		return nmi_take(f);
	if (f->vector >= 32)
		return apic_take_interrupt((uint8_t)f->vector);
	if (f->vector == VECTOR_GP && exception_recover(f))
		return;
	hv_panic("exception %llu, error %llx, at %llx, CR2 %llx, RSP %llx, RAX %llx, RCX %llx, RDX %llx, RDI %llx, RSI %llx",
		 (unsigned long long)f->vector, (unsigned long long)f->error, (unsigned long long)f->rip,
		 (unsigned long long)read_cr2(), (unsigned long long)f->rsp, (unsigned long long)f->rax, (unsigned long long)f->rcx,
		 (unsigned long long)f->rdx, (unsigned long long)f->rdi, (unsigned long long)f->rsi);
}
