/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child's local APIC: registers, priorities, EOI. Delivery between APICs is in lapic_deliver.c, the timer in
 * lapic_timer.c. The machine's own APIC belongs to the root and never comes here.
 */
#include <abi/hv_hypercall.h>
#include <abi/hv_synic.h>
#include <abi/hv_vp_page.h>
#include <hv/bitmap256.h>
#include <hv/lapic.h>
#include <hv/lapic_internal.h>
#include <hv/partition.h>
#include <hv/string.h>
#include <hv/vp.h>

/* What there is (SDM 3, table 11-6): who may touch it, in which mode, and the bits that exist. The rest reads as zero or faults. */
#define READ	1
#define WRITE	2
#define BOTH	(READ | WRITE)
#define XAPIC	4		/* only in xAPIC mode, where LDR can be written, too; SELF_IPI is x2APIC's */
#define ALL	0xffffffffu
static const struct { uint8_t access; uint32_t bits; } rules[APIC_REGISTERS] = {
	[APIC_ID] = { READ, 0 }, [APIC_VERSION] = { READ, 0 }, [APIC_TPR] = { BOTH, 0xff }, [APIC_PPR] = { READ, 0 },
	[APIC_EOI] = { WRITE, 0 }, [APIC_LDR] = { READ, ALL }, [APIC_DFR] = { BOTH | XAPIC, ALL }, [APIC_SVR] = { BOTH, 0x1ff },
	[APIC_ISR ... APIC_ISR + 23] = { READ, ALL },		/* TMR and IRR follow */
	[APIC_ESR] = { BOTH, ALL }, [APIC_ERRORS] = { 0, ALL }, [APIC_LVT_CMCI] = { BOTH, 0x107ff },
	[APIC_ICR] = { BOTH, ALL & ~ICR_PENDING }, [APIC_ICR_HIGH] = { BOTH | XAPIC, ALL },
	[APIC_LVT_TIMER] = { BOTH, 0x700ff }, [APIC_LVT_TIMER + 1 ... APIC_LVT_LINT0 - 1] = { BOTH, 0x107ff },
	[APIC_LVT_LINT0 ... APIC_LVT_LINT1] = { BOTH, 0x1a7ff }, [APIC_LVT_ERROR] = { BOTH, 0x100ff },
	[APIC_INITIAL_COUNT] = { BOTH, ALL }, [APIC_CURRENT_COUNT] = { READ, 0 }, [APIC_DIVIDE] = { BOTH, 0xb },
	[APIC_SELF_IPI] = { WRITE, 0 },
};

static bool is_lvt(uint32_t reg)
{
	return reg == APIC_LVT_CMCI || (reg >= APIC_LVT_TIMER && reg <= APIC_LVT_ERROR);
}

static void lvt_mask_all(struct lapic *l)
{
	for (uint32_t reg = APIC_LVT_CMCI; reg <= APIC_LVT_ERROR; reg++)
		l->reg[reg] |= is_lvt(reg) ? LVT_MASKED : 0;
}

static uint32_t x2apic_ldr(uint32_t id)
{
	return (id & ~0xfu) << 12 | 1u << (id & 0xf);
}

void lapic_reset(struct lapic *l)
{
	uint32_t id = l->reg[APIC_ID];

	lapic_lazy_eoi_end(l);
	memset(l->reg, 0, sizeof(l->reg));
	l->reg[APIC_ID] = id;
	l->reg[APIC_VERSION] = LAPIC_VERSION;
	l->reg[APIC_LDR] = lapic_is_x2apic(l) ? x2apic_ldr(id) : 0;
	l->reg[APIC_DFR] = ALL;
	l->reg[APIC_SVR] = 0xff;
	lvt_mask_all(l);
	l->timer_expiry = l->tsc_deadline = 0;
}

void lapic_init(struct lapic *l, struct vp *vp)
{
	*l = (struct lapic){ .vp = vp, .reg[APIC_ID] = vp->index };
	l->base = LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE | (vp->index == 0 ? LAPIC_BASE_BSP : 0);
	lapic_reset(l);
}

bool lapic_set_base(struct lapic *l, uint64_t base)
{
	uint64_t mode = base & (LAPIC_BASE_ENABLE | LAPIC_BASE_X2APIC);
	uint64_t old = l->base & (LAPIC_BASE_ENABLE | LAPIC_BASE_X2APIC);

	if (mode == LAPIC_BASE_X2APIC || (base & ~LAPIC_BASE_WRITABLE))
		return false;
	if (old == (LAPIC_BASE_ENABLE | LAPIC_BASE_X2APIC) && mode == LAPIC_BASE_ENABLE)
		return false;			/* SDM 3, 11.12.5: only through "disabled" */
	l->base = base;
	if (mode != old && (mode & LAPIC_BASE_X2APIC))
		l->reg[APIC_LDR] = x2apic_ldr(l->reg[APIC_ID]);
	if (!mode)
		lapic_reset(l);
	return true;
}

/* CR8 and the TPR are one register. The CPU keeps CR8 while the guest runs; the APIC writes both (tpr_write). */
void lapic_tpr_from_cr8(struct lapic *l)
{
	uint64_t cr8 = vcpu_cr8(l->vp);

	if (cr8 != l->reg[APIC_TPR] >> 4)
		l->reg[APIC_TPR] = (uint32_t)cr8 << 4;
}

static uint32_t processor_priority(const struct lapic *l)
{
	int in_service = bitmap256_highest(&l->reg[APIC_ISR]);
	uint32_t isr_class = in_service < 0 ? 0 : (uint32_t)in_service & 0xf0;

	return (l->reg[APIC_TPR] & 0xf0) >= isr_class ? l->reg[APIC_TPR] : isr_class;
}

int lapic_pending(const struct lapic *l)
{
	int vector = bitmap256_highest(&l->reg[APIC_IRR]);

	if (vector < 0 || !lapic_is_enabled(l))
		return -1;
	return ((uint32_t)vector & 0xf0) > (processor_priority(l) & 0xf0) ? vector : -1;
}

uint8_t lapic_waits_for_tpr(const struct lapic *l)
{
	int vector = bitmap256_highest(&l->reg[APIC_IRR]), in_service = bitmap256_highest(&l->reg[APIC_ISR]);

	if (vector < 0 || vector >> 4 <= in_service >> 4 || (uint32_t)vector >> 4 > l->reg[APIC_TPR] >> 4 || !lapic_is_enabled(l))
		return 0;
	return (uint8_t)(vector >> 4);
}

void lapic_accept(struct lapic *l, uint8_t vector)
{
	bitmap256_clear(&l->reg[APIC_IRR], vector);
	if (!bitmap256_test(l->auto_eoi, vector))
		bitmap256_set(&l->reg[APIC_ISR], vector);
}

void lapic_post(struct lapic *l, uint8_t vector, bool level)
{
	if (!(l->base & LAPIC_BASE_ENABLE))
		return;
	if (level)
		bitmap256_set(&l->reg[APIC_TMR], vector);
	else
		bitmap256_clear(&l->reg[APIC_TMR], vector);
	bitmap256_set(&l->reg[APIC_IRR], vector);
	vp_kick(l->vp);
}

bool lapic_accepts_extint(const struct lapic *l)
{
	if (!(l->base & LAPIC_BASE_ENABLE))
		return true;
	return !(l->reg[APIC_LVT_LINT0] & LVT_MASKED) && LVT_MODE(l->reg[APIC_LVT_LINT0]) == HV_INTERRUPT_EXTINT;
}

static uint32_t *assist_word(struct lapic *l)
{
	return l->vp->vp_assist_msr & HV_MSR_PAGE_ENABLE ? l->vp->assist_page.page : NULL;
}

void lapic_lazy_eoi_begin(struct lapic *l)
{
	uint32_t *assist = assist_word(l);
	int in_service = bitmap256_highest(&l->reg[APIC_ISR]);

	if (!assist || in_service < 0 || bitmap256_test(&l->reg[APIC_TMR], (uint8_t)in_service) || bitmap256_highest(&l->reg[APIC_IRR]) >= 0)
		return;
	*assist |= HV_ASSIST_NO_EOI;
	l->lazy_eoi = true;
}

static void lazy_eoi_done(struct lapic *l)
{
	l->lazy_eoi = false;
	bitmap256_clear(&l->reg[APIC_ISR], (uint8_t)bitmap256_highest(&l->reg[APIC_ISR]));
}

void lapic_lazy_eoi_end(struct lapic *l)
{
	uint32_t *assist = assist_word(l);

	if (!l->lazy_eoi)
		return;
	l->lazy_eoi = false;
	if (assist && !(__atomic_fetch_and(assist, ~HV_ASSIST_NO_EOI, __ATOMIC_SEQ_CST) & HV_ASSIST_NO_EOI))
		lazy_eoi_done(l);
}

/* An interrupt behind the one in service must not wait for an exit that a lazy EOI would save. */
void lapic_lazy_eoi_collect(struct lapic *l)
{
	const uint32_t *assist;

	if (!l->lazy_eoi)
		return;
	assist = assist_word(l);
	if (!bitmap256_is_empty(&l->reg[APIC_IRR]))
		lapic_lazy_eoi_end(l);
	else if (assist && !(*assist & HV_ASSIST_NO_EOI))
		lazy_eoi_done(l);
}

enum lapic_result lapic_eoi(struct lapic *l, uint8_t *vector)
{
	int in_service;

	l->vp->stats[STAT_APIC_EOI]++;
	lapic_lazy_eoi_end(l);
	in_service = bitmap256_highest(&l->reg[APIC_ISR]);
	if (in_service < 0)
		return LAPIC_OK;
	bitmap256_clear(&l->reg[APIC_ISR], (uint8_t)in_service);
	*vector = (uint8_t)in_service;
	if (!bitmap256_test(&l->reg[APIC_TMR], *vector))
		return LAPIC_OK;
	bitmap256_clear(&l->reg[APIC_TMR], *vector);
	return LAPIC_EOI_INTERCEPT;
}

uint64_t lapic_register(struct lapic *l, uint32_t reg)
{
	lapic_lazy_eoi_collect(l);
	lapic_tpr_from_cr8(l);
	if (!(rules[reg].access & READ))
		return 0;
	switch (reg) {
	case APIC_ID:		return lapic_is_x2apic(l) ? l->reg[APIC_ID] : l->reg[APIC_ID] << 24;
	case APIC_PPR:		return processor_priority(l);
	case APIC_ICR:		return lapic_is_x2apic(l) ? lapic_icr(l) : l->reg[APIC_ICR];
	case APIC_CURRENT_COUNT: return lapic_timer_count(l);
	}
	return l->reg[reg];
}

static void lvt_write(struct lapic *l, uint32_t reg, uint32_t value)
{
	bool other_mode = LVT_TIMER_MODE(l->reg[reg]) != LVT_TIMER_MODE(value);

	l->reg[reg] = (value & rules[reg].bits) | (l->reg[APIC_SVR] & SVR_ENABLE ? 0 : LVT_MASKED);
	if (reg == APIC_LVT_TIMER && other_mode)
		lapic_timer_stop(l);
	if (reg == APIC_LVT_LINT0)
		vp_kick(l->vp);			/* a PIC interrupt may have waited for this */
}

static void tpr_write(struct lapic *l, uint32_t value)
{
	l->reg[APIC_TPR] = value;
	vp_set_register64(l->vp, HV_X64_REGISTER_CR8, value >> 4);
}

/* Both modes end here; what only one of them allows was refused before. */
static enum lapic_result register_write(struct lapic *l, uint32_t reg, uint64_t value, uint8_t *eoi_vector)
{
	uint32_t bits = (uint32_t)value & rules[reg].bits;

	switch (reg) {
	case APIC_EOI:		return lapic_eoi(l, eoi_vector);
	case APIC_TPR:		tpr_write(l, bits); break;
	case APIC_LDR:		l->reg[reg] = bits & 0xff000000; break;
	case APIC_DFR:		l->reg[reg] = bits | 0x0fffffff; break;
	case APIC_ESR:		l->reg[reg] = l->reg[APIC_ERRORS]; l->reg[APIC_ERRORS] = 0; break;
	case APIC_INITIAL_COUNT: lapic_timer_start(l, bits); break;
	case APIC_SELF_IPI:
		l->vp->stats[STAT_SELF_IPIS]++;
		lapic_post(l, (uint8_t)value, false);
		break;
	case APIC_SVR:
		l->reg[reg] = bits;
		if (!(bits & SVR_ENABLE))
			lvt_mask_all(l);
		break;
	case APIC_ICR:
		if (lapic_is_x2apic(l))
			l->reg[APIC_ICR_HIGH] = value >> 32;
		l->reg[reg] = bits;
		lapic_send_ipi(l, bits, lapic_is_x2apic(l) ? l->reg[APIC_ICR_HIGH] : l->reg[APIC_ICR_HIGH] >> 24);
		break;
	case APIC_ICR_HIGH:
	case APIC_DIVIDE:	l->reg[reg] = bits; break;
	default:
		if (is_lvt(reg))
			lvt_write(l, reg, (uint32_t)value);
	}
	return LAPIC_OK;
}

static bool x2apic_allows(const struct lapic *l, uint32_t reg, unsigned int access)
{
	return lapic_is_x2apic(l) && reg < APIC_REGISTERS && (rules[reg].access & (access | XAPIC)) == access;
}

enum lapic_result lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t *value)
{
	uint32_t reg = msr - MSR_X2APIC_BASE;

	if (!x2apic_allows(l, reg, READ))
		return LAPIC_FAULT;
	*value = lapic_register(l, reg);
	return LAPIC_OK;
}

enum lapic_result lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t value, uint8_t *eoi_vector)
{
	uint32_t reg = msr - MSR_X2APIC_BASE;

	if (!x2apic_allows(l, reg, WRITE))
		return LAPIC_FAULT;
	if ((reg != APIC_ICR && value >> 32) || ((reg == APIC_EOI || reg == APIC_ESR) && value))
		return LAPIC_FAULT;
	return register_write(l, reg, value, eoi_vector);
}

bool lapic_mmio_claims(struct lapic *l, gpa_t gpa)
{
	return (l->base & LAPIC_BASE_ENABLE) && !lapic_is_x2apic(l) &&
	       (gpa.addr & PAGE_MASK) == (l->base & LAPIC_BASE_ADDRESS);
}

uint32_t lapic_mmio_read(struct lapic *l, uint32_t offset)
{
	return offset % 16 || offset >= LAPIC_MMIO_SIZE ? 0 : (uint32_t)lapic_register(l, offset / 16);
}

enum lapic_result lapic_mmio_write(struct lapic *l, uint32_t offset, uint32_t value, uint8_t *eoi_vector)
{
	if (offset % 16 || offset >= LAPIC_MMIO_SIZE || offset / 16 == APIC_SELF_IPI)
		return LAPIC_OK;
	return register_write(l, offset / 16, value, eoi_vector);
}

/* struct hv_lapic_state: runs of registers. TLFS has no slot for the TPR: it takes the last one, and travels as CR8, too. */
static const struct { uint8_t reg, count; } state_runs[] = {
	{ APIC_ID, 1 }, { APIC_VERSION, 1 }, { APIC_LDR, 1 }, { APIC_DFR, 1 }, { APIC_SVR, 1 }, { APIC_ISR, 24 }, { APIC_ESR, 1 },
	{ APIC_ICR_HIGH, 1 }, { APIC_ICR, 1 }, { APIC_LVT_TIMER, 6 }, { APIC_LVT_CMCI, 1 }, { APIC_ERRORS, 1 },
	{ APIC_INITIAL_COUNT, 1 }, { APIC_CURRENT_COUNT, 1 }, { APIC_DIVIDE, 1 }, { APIC_TPR, 1 },
};

void lapic_get_state(struct lapic *l, struct hv_lapic_state *s)
{
	uint32_t *word = (uint32_t *)s;

	lapic_lazy_eoi_end(l);
	for (unsigned int i = 0; i < ARRAY_SIZE(state_runs); i++)
		for (uint32_t reg = state_runs[i].reg; reg < state_runs[i].reg + (uint32_t)state_runs[i].count; reg++)
			*word++ = l->reg[reg];
	s->apic_id = (uint32_t)lapic_register(l, APIC_ID);
	s->counter_value = lapic_timer_count(l);
}

void lapic_set_state(struct lapic *l, const struct hv_lapic_state *s)
{
	const uint32_t *word = (const uint32_t *)s;

	lapic_lazy_eoi_end(l);
	for (unsigned int i = 0; i < ARRAY_SIZE(state_runs); i++)
		for (uint32_t reg = state_runs[i].reg; reg < state_runs[i].reg + (uint32_t)state_runs[i].count; reg++, word++)
			l->reg[reg] = (l->reg[reg] & ~rules[reg].bits) | (*word & rules[reg].bits);
	tpr_write(l, l->reg[APIC_TPR]);
	lapic_timer_restore(l, s->initial_count, s->counter_value);
	vp_kick(l->vp);
}
