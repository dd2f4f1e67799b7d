/* SPDX-License-Identifier: Apache-2.0 */
/* The library of the small 64-bit guest: reports, MSRs that may fault, hypercalls, interrupts. No vendor is known here. */
#ifndef CHILD_GUEST_H
#define CHILD_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <hv_cpuid.h>
#include <hv_hypercall.h>
#include <hv_status.h>
#include <hv_synic.h>
#include <hv_types.h>
#include "shared.h"

#define PAGE(n)		((void *)(uintptr_t)(SCRATCH + (n) * 4096u))	/* scratch page n */
#define PAGE_GPA(n)	((uint64_t)SCRATCH + (n) * 4096u)

struct cpu {			/* one per VP, at GS */
	struct cpu *self;
	uint64_t fault_resume;	/* where a fault goes on; 0: unexpected, the test fails */
	uint32_t index, fault_vector;
	volatile uint32_t interrupts[256];
	volatile uint32_t *assist;	/* VP assist page: EOI by it when it says so */
	volatile uint32_t lazy_eois, real_eois;
};
extern struct cpu cpus[MAX_VPS];
extern volatile bool eoi_by_hand[256];	/* the handler writes no EOI for these */
extern void (*volatile in_handler[256])(void);	/* called before EOI */
extern bool (*volatile on_exception)(uint64_t vector, uint64_t *frame);	/* true: the test has dealt with it */

static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	__asm__("mov %%gs:0, %0" : "=r" (c));
	return c;
}

void *memset(void *to, int value, size_t bytes);
void *memcpy(void *to, const void *from, size_t bytes);
void check(bool ok, const char *claim);
void check_equal(uint64_t got, uint64_t want, const char *claim);	/* says both when they differ */
uint64_t ask(uint32_t what, uint64_t a, uint64_t b);			/* the VMM's first result */
uint64_t ask_block(struct ask *block);

static inline void cli(void) { __asm__ volatile("cli" : : : "memory"); }
static inline void sti(void) { __asm__ volatile("sti" : : : "memory"); }
static inline void sti_hlt(void) { __asm__ volatile("sti\n hlt\n cli" : : : "memory"); }
static inline uint64_t read_cr8(void) { uint64_t v; __asm__ volatile("mov %%cr8, %0" : "=r" (v)); return v; }
static inline void write_cr8(uint64_t v) { __asm__ volatile("mov %0, %%cr8" : : "r" (v) : "memory"); }
static inline void pause(void) { __asm__ volatile("pause" : : : "memory"); }
static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a" (low), "=d" (high) : : "memory");
	return low | (uint64_t)high << 32;
}

bool rdmsr_safe(uint32_t msr, uint64_t *value);		/* false: it faulted */
bool wrmsr_safe(uint32_t msr, uint64_t value);
uint64_t rdmsr(uint32_t msr);				/* a fault fails the test */
void wrmsr(uint32_t msr, uint64_t value);
void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

void apic_enable(void);					/* x2APIC, spurious vector 0xff */
void apic_eoi(void);
bool wait_for(volatile uint32_t *counter, uint32_t value, unsigned int milliseconds);	/* with interrupts on, spinning */

/* Hypercalls: the page is at scratch page 0. Memory forms use scratch pages 1 (input) and 2 (output). */
void hypercall_enable(void);
uint64_t hypercall(uint64_t control, uint64_t input, uint64_t output);
uint64_t hypercall_memory(uint64_t control, const void *input, size_t bytes);
uint64_t hypercall32(uint64_t control, uint64_t input, uint64_t output);	/* from a 32-bit code segment */
uint64_t hypercall_xmm(uint64_t control, const uint64_t input[14]);	/* RDX, R8, XMM0 to XMM5 */
#define STATUS(result)	((result) & 0xffff)
#define REPS_DONE(result) ((result) >> 32 & 0xfff)
#define FIRST_FREE_PAGE	4

void guest_synic(unsigned int vp);
void guest_signals(unsigned int vp);
void guest_stimers(unsigned int vp);
void guest_processors(unsigned int vp);
void guest_apic(unsigned int vp);
void guest_time(unsigned int vp);
void guest_state(unsigned int vp);
void guest_memory(unsigned int vp);
void guest_isolation(unsigned int vp);
void guest_fuzz(unsigned int vp);
void guest_triple_fault(unsigned int vp);
void guest_spin(unsigned int vp);
void guest_exceptions(unsigned int vp);

#endif
