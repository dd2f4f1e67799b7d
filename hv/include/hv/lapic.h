/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child VP's local APIC (Intel SDM 3, chapter 11; AMD APM 2, chapter 16), in xAPIC and x2APIC mode. Registers are
 * numbered as x2APIC MSRs are, 0x00 to 0x3f; xAPIC MMIO offsets are 16 times that. Callers hold the partition's lock.
 */
#ifndef HV_LAPIC_H
#define HV_LAPIC_H

#include <hv/types.h>

struct vp;
struct partition;
struct hv_lapic_state;

#define LAPIC_HZ		200000000ull	/* the timer's input clock, as the frequency MSR tells the guest */
#define LAPIC_MMIO_SIZE		0x400u
#define LAPIC_GLOBAL_ENABLE	BIT(11)		/* of IA32_APIC_BASE */

enum lapic_register {
	APIC_ID = 0x02, APIC_VERSION = 0x03, APIC_TPR = 0x08, APIC_PPR = 0x0a, APIC_EOI = 0x0b, APIC_LDR = 0x0d,
	APIC_DFR = 0x0e, APIC_SVR = 0x0f, APIC_ISR = 0x10, APIC_TMR = 0x18, APIC_IRR = 0x20, APIC_ESR = 0x28,
	APIC_ERRORS = 0x29,			/* hv's own: what the next write of the ESR will show in it */
	APIC_LVT_CMCI = 0x2f, APIC_ICR = 0x30, APIC_ICR_HIGH = 0x31, APIC_LVT_TIMER = 0x32, APIC_LVT_LINT0 = 0x35,
	APIC_LVT_LINT1 = 0x36, APIC_LVT_ERROR = 0x37, APIC_INITIAL_COUNT = 0x38, APIC_CURRENT_COUNT = 0x39,
	APIC_DIVIDE = 0x3e, APIC_SELF_IPI = 0x3f, APIC_REGISTERS = 0x40,
};

struct lapic {
	struct vp *vp;
	uint64_t base;				/* IA32_APIC_BASE */
	uint32_t reg[APIC_REGISTERS];		/* by enum lapic_register: as the guest reads them but for those that are computed */
	uint32_t auto_eoi[8];			/* vectors some SINT wants without an ISR bit */
	uint64_t timer_expiry;			/* TSC; 0 = not counting */
	uint64_t tsc_deadline;			/* MSR value; 0 = not armed */
	bool lazy_eoi;				/* the assist page says that the highest vector in service needs no EOI */
};

void lapic_init(struct lapic *l, struct vp *vp);
void lapic_reset(struct lapic *l);		/* INIT: everything but id and base */

enum lapic_result { LAPIC_OK, LAPIC_FAULT, LAPIC_EOI_INTERCEPT };	/* _EOI_: a level interrupt ended, tell the VMM */
enum lapic_result lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t *value);
enum lapic_result lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t value, uint8_t *eoi_vector);
bool lapic_mmio_claims(struct lapic *l, gpa_t gpa);
uint32_t lapic_mmio_read(struct lapic *l, uint32_t offset);
enum lapic_result lapic_mmio_write(struct lapic *l, uint32_t offset, uint32_t value, uint8_t *eoi_vector);
enum lapic_result lapic_eoi(struct lapic *l, uint8_t *vector);

/* Interrupt delivery: type is enum hv_interrupt_type. False when no VP is addressed. */
bool lapic_deliver(struct partition *p, unsigned int type, uint32_t vector, uint64_t destination, bool logical, bool level);
void lapic_post(struct lapic *l, uint8_t vector, bool level);	/* sets IRR and kicks */

int lapic_pending(const struct lapic *l);		/* highest vector above the processor priority, or -1 */
uint8_t lapic_waits_for_tpr(const struct lapic *l);	/* class of a vector that only the TPR holds back, or 0 */
void lapic_tpr_from_cr8(struct lapic *l);		/* where the VP's registers may be looked at */
void lapic_accept(struct lapic *l, uint8_t vector);	/* moves it from IRR to ISR: it is being injected */
bool lapic_accepts_extint(const struct lapic *l);	/* LINT0 passes the PIC's interrupts on */

/*
 * Lazy EOI (TLFS, Virtual APIC Assist Page): while an edge interrupt is in service and nothing waits behind it, a bit in the
 * assist page lets the guest end it by clearing that bit. begin: the highest vector was just accepted and nothing else is
 * pending. collect: before priorities are looked at. end: from now on only a real EOI counts.
 */
void lapic_lazy_eoi_begin(struct lapic *l);
void lapic_lazy_eoi_collect(struct lapic *l);
void lapic_lazy_eoi_end(struct lapic *l);

uint64_t lapic_timer_deadline(const struct lapic *l);	/* TSC of the next expiry, 0 = none */
void lapic_timer_shift(struct lapic *l, uint64_t ticks);	/* time stood still for so many TSC ticks */
void lapic_timer_poll(struct lapic *l, uint64_t now);	/* posts the timer's vector when it is due */

void lapic_get_state(struct lapic *l, struct hv_lapic_state *state);
void lapic_set_state(struct lapic *l, const struct hv_lapic_state *state);
uint64_t lapic_register(struct lapic *l, uint32_t reg);	/* for register names 0x84800 and up */
bool lapic_set_base(struct lapic *l, uint64_t base);	/* false: a transition the architecture forbids */

#endif
