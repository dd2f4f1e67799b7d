/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's library; see guest.h. */
#include "guest.h"

#define MSR_APIC_BASE	0x1bu
#define MSR_GS_BASE	0xc0000101u
#define MSR_X2APIC_SVR	0x80fu
#define MSR_X2APIC_EOI	0x80bu
#define CODE_SELECTOR	8
#define OS_ID		0x8100ull << 48		/* "open source", nobody in particular */

struct cpu cpus[MAX_VPS];
volatile bool eoi_by_hand[256];
void (*volatile in_handler[256])(void);
bool (*volatile on_exception)(uint64_t vector, uint64_t *frame);

struct gate { uint16_t low, selector, attributes, middle; uint32_t high, reserved; };
static struct gate idt[256] __attribute__((aligned(16)));
extern const uint8_t interrupt_stubs[];

bool msr_try(uint32_t msr, uint64_t *value, bool write, uint64_t *resume);
void interrupt(uint64_t vector, uint64_t *frame);
void guest_main(unsigned int test, unsigned int vp);

void *memset(void *to, int value, size_t bytes)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D" (at), "+c" (bytes) : "a" (value) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t bytes)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D" (at), "+S" (from), "+c" (bytes) : : "memory");
	return to;
}

static void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a" (value), "Nd" (port) : "memory");
}

void check(bool ok, const char *claim)
{
	volatile struct check c = { (uintptr_t)claim, ok, 0 };

	out32(PORT_CHECK, (uint32_t)(uintptr_t)&c);
}

static char *put(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	return to;
}

static char *put_hex(char *to, uint64_t value)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		if (value >> shift || !shift)
			*to++ = "0123456789abcdef"[value >> shift & 15];
	return to;
}

void check_equal(uint64_t got, uint64_t want, const char *claim)
{
	char text[256], *to = put(text, claim);

	if (got != want)
		to = put_hex(put(put_hex(put(to, " (got 0x"), got), ", want 0x"), want);
	*put(to, got != want ? ")" : "") = 0;
	check(got == want, text);
}

uint64_t ask_block(struct ask *block)
{
	block->vp = this_cpu()->index;
	out32(PORT_ASK, (uint32_t)(uintptr_t)block);
	__asm__ volatile("" : : : "memory");
	return block->result[0];
}

uint64_t ask(uint32_t what, uint64_t a, uint64_t b)
{
	struct ask block = { .what = what, .argument = { a, b } };

	return ask_block(&block);
}

bool rdmsr_safe(uint32_t msr, uint64_t *value)
{
	return msr_try(msr, value, false, &this_cpu()->fault_resume);
}

bool wrmsr_safe(uint32_t msr, uint64_t value)
{
	return msr_try(msr, &value, true, &this_cpu()->fault_resume);
}

uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a" (low), "=d" (high) : "c" (msr) : "memory");
	return low | (uint64_t)high << 32;
}

void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c" (msr), "a" ((uint32_t)value), "d" ((uint32_t)(value >> 32)) : "memory");
}

void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	__asm__ volatile("cpuid" : "=a" (out[0]), "=b" (out[1]), "=c" (out[2]), "=d" (out[3]) : "a" (leaf), "c" (subleaf));
}

void apic_enable(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0x400);
	wrmsr(MSR_X2APIC_SVR, 0x1ff);
}

void apic_eoi(void)
{
	wrmsr(MSR_X2APIC_EOI, 0);
}

static void end_interrupt(struct cpu *c)
{
	if (c->assist && (__atomic_exchange_n(c->assist, 0, __ATOMIC_SEQ_CST) & 1)) {
		c->lazy_eois++;
		return;
	}
	c->real_eois++;
	apic_eoi();
}

/* Called by the stubs. frame: RIP, CS, RFLAGS, RSP, SS. */
void interrupt(uint64_t vector, uint64_t *frame)
{
	struct cpu *c = this_cpu();

	c->interrupts[vector]++;
	if (vector >= 32) {
		if (in_handler[vector])
			in_handler[vector]();
		if (!eoi_by_hand[vector])
			end_interrupt(c);
		return;
	}
	if (on_exception && on_exception(vector, frame))
		return;
	c->fault_vector = (uint32_t)vector;
	if (vector == 2)
		return;
	if (!c->fault_resume) {
		check_equal(vector, ~0ull, "no unexpected exception");
		check_equal(frame[0], ~0ull, "no unexpected exception: RIP");
		out32(PORT_END, 1);
	}
	frame[0] = c->fault_resume;
}

bool wait_for(volatile uint32_t *counter, uint32_t value, unsigned int milliseconds)
{
	uint64_t end = rdmsr(HV_X64_MSR_TIME_REF_COUNT) + milliseconds * 10000ull;

	sti();
	while (*counter < value && rdmsr(HV_X64_MSR_TIME_REF_COUNT) < end)
		pause();
	cli();
	return *counter >= value;
}

void hypercall_enable(void)
{
	wrmsr(HV_X64_MSR_GUEST_OS_ID, OS_ID);
	wrmsr(HV_X64_MSR_HYPERCALL, PAGE_GPA(0) | HV_MSR_PAGE_ENABLE);
}

uint64_t hypercall(uint64_t control, uint64_t input, uint64_t output)
{
	register uint64_t r8 __asm__("r8") = output;
	uint64_t result;

	__asm__ volatile("call *%4" : "=a" (result), "+c" (control), "+d" (input), "+r" (r8) : "r" (PAGE(0))
				    : "r9", "r10", "r11", "memory", "cc");
	return result;
}

uint64_t hypercall_memory(uint64_t control, const void *input, size_t bytes)
{
	memcpy(PAGE(1), input, bytes);
	return hypercall(control, PAGE_GPA(1), PAGE_GPA(2));
}

static void load_idt(void)
{
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) register_value = { sizeof(idt) - 1, (uintptr_t)idt };

	for (unsigned int v = 0; v < 256; v++) {
		uint64_t stub = (uintptr_t)interrupt_stubs + v * 16;

		idt[v] = (struct gate){ (uint16_t)stub, CODE_SELECTOR, 0x8e00, (uint16_t)(stub >> 16), (uint32_t)(stub >> 32), 0 };
	}
	__asm__ volatile("lidt %0" : : "m" (register_value));
}

static void (*const tests[GUEST_TESTS])(unsigned int vp) = {
	[GUEST_SYNIC] = guest_synic, [GUEST_SIGNALS] = guest_signals, [GUEST_STIMERS] = guest_stimers,
	[GUEST_PROCESSORS] = guest_processors, [GUEST_APIC] = guest_apic, [GUEST_TIME] = guest_time,
	[GUEST_STATE] = guest_state, [GUEST_MEMORY] = guest_memory,
	[GUEST_ISOLATION] = guest_isolation, [GUEST_FUZZ] = guest_fuzz, [GUEST_TRIPLE_FAULT] = guest_triple_fault, [GUEST_SPIN] = guest_spin,
	[GUEST_EXCEPTIONS] = guest_exceptions,
};

void guest_main(unsigned int test, unsigned int vp)
{
	struct cpu *c = &cpus[vp];

	c->self = c;
	c->index = vp;
	wrmsr(MSR_GS_BASE, (uintptr_t)c);
	load_idt();
	apic_enable();
	tests[test](vp);
	out32(PORT_END, 0);
}
