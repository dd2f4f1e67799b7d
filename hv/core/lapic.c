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

/* Writable bits of each LVT entry (SDM 3, figure 11-8). */
static const uint32_t lvt_writable[LVT_COUNT] = {
	[LVT_CMCI] = 0x107ff, [LVT_TIMER] = 0x700ff, [LVT_THERMAL] = 0x107ff, [LVT_PERFMON] = 0x107ff,
	[LVT_LINT0] = 0x1a7ff, [LVT_LINT1] = 0x1a7ff, [LVT_ERROR] = 0x100ff,
};

static uint32_t x2apic_ldr(uint32_t id)
{
	return (id & ~0xfu) << 12 | 1u << (id & 0xf);
}

void lapic_reset(struct lapic *l)
{
	lapic_lazy_eoi_end(l);
	l->tpr = l->esr = l->esr_latched = l->icr_low = l->icr_high = l->initial_count = l->divide = 0;
	l->ldr = lapic_is_x2apic(l) ? x2apic_ldr(l->id) : 0;
	l->dfr = 0xffffffff;
	l->svr = 0xff;
	for (unsigned int i = 0; i < LVT_COUNT; i++)
		l->lvt[i] = LVT_MASKED;
	memset(l->irr, 0, sizeof(l->irr));
	memset(l->isr, 0, sizeof(l->isr));
	memset(l->tmr, 0, sizeof(l->tmr));
	l->timer_expiry = l->tsc_deadline = 0;
}

void lapic_init(struct lapic *l, struct vp *vp)
{
	*l = (struct lapic){ .vp = vp, .id = vp->index };
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
		l->ldr = x2apic_ldr(l->id);
	if (!mode)
		lapic_reset(l);
	return true;
}

/* CR8 and the TPR are one register. The CPU keeps CR8 while the guest runs; the APIC writes both (tpr_write). */
void lapic_tpr_from_cr8(struct lapic *l)
{
	uint64_t cr8 = vcpu_cr8(l->vp);

	if (cr8 != l->tpr >> 4)
		l->tpr = (uint32_t)cr8 << 4;
}

static uint32_t processor_priority(const struct lapic *l)
{
	int in_service = bitmap256_highest(l->isr);
	uint32_t isr_class = in_service < 0 ? 0 : (uint32_t)in_service & 0xf0;

	return (l->tpr & 0xf0) >= isr_class ? l->tpr : isr_class;
}

int lapic_pending(const struct lapic *l)
{
	int vector = bitmap256_highest(l->irr);

	if (vector < 0 || !lapic_is_enabled(l))
		return -1;
	return ((uint32_t)vector & 0xf0) > (processor_priority(l) & 0xf0) ? vector : -1;
}

uint8_t lapic_waits_for_tpr(const struct lapic *l)
{
	int vector = bitmap256_highest(l->irr), in_service = bitmap256_highest(l->isr);

	if (vector < 0 || vector >> 4 <= in_service >> 4 || (uint32_t)vector >> 4 > l->tpr >> 4 || !lapic_is_enabled(l))
		return 0;
	return (uint8_t)(vector >> 4);
}

void lapic_accept(struct lapic *l, uint8_t vector)
{
	bitmap256_clear(l->irr, vector);
	if (!bitmap256_test(l->auto_eoi, vector))
		bitmap256_set(l->isr, vector);
}

void lapic_post(struct lapic *l, uint8_t vector, bool level)
{
	if (!(l->base & LAPIC_BASE_ENABLE))
		return;
	if (level)
		bitmap256_set(l->tmr, vector);
	else
		bitmap256_clear(l->tmr, vector);
	bitmap256_set(l->irr, vector);
	vp_kick(l->vp);
}

bool lapic_accepts_extint(const struct lapic *l)
{
	if (!(l->base & LAPIC_BASE_ENABLE))
		return true;
	return !(l->lvt[LVT_LINT0] & LVT_MASKED) && LVT_MODE(l->lvt[LVT_LINT0]) == HV_INTERRUPT_EXTINT;
}

static uint32_t *assist_word(struct lapic *l)
{
	return l->vp->vp_assist_msr & HV_MSR_PAGE_ENABLE ? l->vp->assist_page.page : NULL;
}

void lapic_lazy_eoi_begin(struct lapic *l)
{
	uint32_t *assist = assist_word(l);
	int in_service = bitmap256_highest(l->isr);

	if (!assist || in_service < 0 || bitmap256_test(l->tmr, (uint8_t)in_service) || bitmap256_highest(l->irr) >= 0)
		return;
	*assist |= HV_ASSIST_NO_EOI;
	l->lazy_eoi = true;
}

static void lazy_eoi_done(struct lapic *l)
{
	l->lazy_eoi = false;
	bitmap256_clear(l->isr, (uint8_t)bitmap256_highest(l->isr));
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
	if (!bitmap256_is_empty(l->irr))
		lapic_lazy_eoi_end(l);
	else if (assist && !(*assist & HV_ASSIST_NO_EOI))
		lazy_eoi_done(l);
}

enum lapic_result lapic_eoi(struct lapic *l, uint8_t *vector)
{
	int in_service;

	lapic_lazy_eoi_end(l);
	in_service = bitmap256_highest(l->isr);
	if (in_service < 0)
		return LAPIC_OK;
	bitmap256_clear(l->isr, (uint8_t)in_service);
	*vector = (uint8_t)in_service;
	if (!bitmap256_test(l->tmr, *vector))
		return LAPIC_OK;
	bitmap256_clear(l->tmr, *vector);
	return LAPIC_EOI_INTERCEPT;
}

static int lvt_of(uint32_t reg)
{
	if (reg == APIC_LVT_CMCI)
		return LVT_CMCI;
	return reg >= APIC_LVT_TIMER && reg <= APIC_LVT_ERROR ? (int)(reg - APIC_LVT_TIMER) + LVT_TIMER : -1;
}

uint64_t lapic_register(struct lapic *l, uint32_t reg)
{
	lapic_lazy_eoi_collect(l);
	lapic_tpr_from_cr8(l);
	if (reg >= APIC_ISR && reg < APIC_ISR + 8)
		return l->isr[reg - APIC_ISR];
	if (reg >= APIC_TMR && reg < APIC_TMR + 8)
		return l->tmr[reg - APIC_TMR];
	if (reg >= APIC_IRR && reg < APIC_IRR + 8)
		return l->irr[reg - APIC_IRR];
	if (lvt_of(reg) >= 0)
		return l->lvt[lvt_of(reg)];
	switch (reg) {
	case APIC_ID:		return lapic_is_x2apic(l) ? l->id : l->id << 24;
	case APIC_VERSION:	return LAPIC_VERSION;
	case APIC_TPR:		return l->tpr;
	case APIC_PPR:		return processor_priority(l);
	case APIC_LDR:		return l->ldr;
	case APIC_DFR:		return l->dfr;
	case APIC_SVR:		return l->svr;
	case APIC_ESR:		return l->esr;
	case APIC_ICR:		return lapic_is_x2apic(l) ? l->icr_low | (uint64_t)l->icr_high << 32 : l->icr_low;
	case APIC_ICR_HIGH:	return l->icr_high;
	case APIC_INITIAL_COUNT: return l->initial_count;
	case APIC_CURRENT_COUNT: return lapic_timer_count(l);
	case APIC_DIVIDE:	return l->divide;
	}
	return 0;
}

static void icr_send(struct lapic *l)
{
	uint64_t destination = lapic_is_x2apic(l) ? l->icr_high : l->icr_high >> 24;

	l->icr_low &= ~ICR_PENDING;
	lapic_send_ipi(l, l->icr_low, destination);
}

static void lvt_write(struct lapic *l, int which, uint32_t value)
{
	uint32_t before = l->lvt[which];

	l->lvt[which] = value & lvt_writable[which];
	if (!(l->svr & SVR_ENABLE))
		l->lvt[which] |= LVT_MASKED;
	if (which == LVT_TIMER && LVT_TIMER_MODE(before) != LVT_TIMER_MODE(value))
		lapic_timer_stop(l);
	if (which == LVT_LINT0)
		vp_kick(l->vp);			/* a PIC interrupt may have waited for this */
}

static void svr_write(struct lapic *l, uint32_t value)
{
	l->svr = value & 0x1ff;
	for (unsigned int i = 0; i < LVT_COUNT && !(value & SVR_ENABLE); i++)
		l->lvt[i] |= LVT_MASKED;
}

static void tpr_write(struct lapic *l, uint32_t value)
{
	union hv_register_value cr8 = { .reg64 = value >> 4 };

	l->tpr = value;
	vcpu_set_register(l->vp, HV_X64_REGISTER_CR8, &cr8);
}

/* Both modes end here; what only one of them allows was refused before. */
static enum lapic_result register_write(struct lapic *l, uint32_t reg, uint64_t value, uint8_t *eoi_vector)
{
	if (lvt_of(reg) >= 0) {
		lvt_write(l, lvt_of(reg), (uint32_t)value);
		return LAPIC_OK;
	}
	switch (reg) {
	case APIC_TPR:		tpr_write(l, value & 0xff); break;
	case APIC_EOI:		return lapic_eoi(l, eoi_vector);
	case APIC_LDR:		l->ldr = (uint32_t)value & 0xff000000; break;
	case APIC_DFR:		l->dfr = (uint32_t)value | 0x0fffffff; break;
	case APIC_SVR:		svr_write(l, (uint32_t)value); break;
	case APIC_ESR:		l->esr = l->esr_latched; l->esr_latched = 0; break;
	case APIC_ICR:
		if (lapic_is_x2apic(l))
			l->icr_high = value >> 32;
		l->icr_low = (uint32_t)value;
		icr_send(l);
		break;
	case APIC_ICR_HIGH:	l->icr_high = (uint32_t)value; break;
	case APIC_INITIAL_COUNT: lapic_timer_start(l, (uint32_t)value); break;
	case APIC_DIVIDE:	l->divide = value & 0xb; break;
	case APIC_SELF_IPI:	lapic_post(l, (uint8_t)value, false); break;
	}
	return LAPIC_OK;
}

/* x2APIC (SDM 3, table 11-6): what each register allows; anything else faults. */
#define R 1
#define W 2
static const uint8_t x2apic_access[0x40] = {
	[APIC_ID] = R, [APIC_VERSION] = R, [APIC_TPR] = R | W, [APIC_PPR] = R, [APIC_EOI] = W, [APIC_LDR] = R,
	[APIC_SVR] = R | W, [APIC_ISR ... APIC_ISR + 23] = R, [APIC_ESR] = R | W, [APIC_LVT_CMCI] = R | W,
	[APIC_ICR] = R | W, [APIC_LVT_TIMER ... APIC_LVT_ERROR] = R | W, [APIC_INITIAL_COUNT] = R | W,
	[APIC_CURRENT_COUNT] = R, [APIC_DIVIDE] = R | W, [APIC_SELF_IPI] = W,
};

enum lapic_result lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t *value)
{
	uint32_t reg = msr - MSR_X2APIC_BASE;

	if (!lapic_is_x2apic(l) || reg >= 0x40 || !(x2apic_access[reg] & R))
		return LAPIC_FAULT;
	*value = lapic_register(l, reg);
	return LAPIC_OK;
}

enum lapic_result lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t value, uint8_t *eoi_vector)
{
	uint32_t reg = msr - MSR_X2APIC_BASE;

	if (!lapic_is_x2apic(l) || reg >= 0x40 || !(x2apic_access[reg] & W))
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

void lapic_get_state(struct lapic *l, struct hv_lapic_state *s)
{
	lapic_lazy_eoi_end(l);
	*s = (struct hv_lapic_state){
		.apic_id = lapic_is_x2apic(l) ? l->id : l->id << 24, .version = LAPIC_VERSION, .ldr = l->ldr, .dfr = l->dfr,
		.spurious = l->svr, .esr = l->esr, .icr_high = l->icr_high, .icr_low = l->icr_low,
		.lvt_timer = l->lvt[LVT_TIMER], .lvt_thermal = l->lvt[LVT_THERMAL], .lvt_perfmon = l->lvt[LVT_PERFMON],
		.lvt_lint0 = l->lvt[LVT_LINT0], .lvt_lint1 = l->lvt[LVT_LINT1], .lvt_error = l->lvt[LVT_ERROR],
		.lvt_cmci = l->lvt[LVT_CMCI], .error_status = l->esr_latched, .initial_count = l->initial_count,
		.counter_value = lapic_timer_count(l), .divide_configuration = l->divide,
	};
	memcpy(s->isr, l->isr, sizeof(s->isr));
	memcpy(s->tmr, l->tmr, sizeof(s->tmr));
	memcpy(s->irr, l->irr, sizeof(s->irr));
	s->remote_read = l->tpr;		/* TLFS has no slot for the TPR; it travels as CR8, too */
}

void lapic_set_state(struct lapic *l, const struct hv_lapic_state *s)
{
	lapic_lazy_eoi_end(l);
	l->ldr = s->ldr;
	l->dfr = s->dfr;
	l->svr = s->spurious & 0x1ff;
	l->esr = s->esr;
	l->esr_latched = s->error_status;
	l->icr_high = s->icr_high;
	l->icr_low = s->icr_low & ~ICR_PENDING;
	l->lvt[LVT_TIMER] = s->lvt_timer & lvt_writable[LVT_TIMER];
	l->lvt[LVT_THERMAL] = s->lvt_thermal & lvt_writable[LVT_THERMAL];
	l->lvt[LVT_PERFMON] = s->lvt_perfmon & lvt_writable[LVT_PERFMON];
	l->lvt[LVT_LINT0] = s->lvt_lint0 & lvt_writable[LVT_LINT0];
	l->lvt[LVT_LINT1] = s->lvt_lint1 & lvt_writable[LVT_LINT1];
	l->lvt[LVT_ERROR] = s->lvt_error & lvt_writable[LVT_ERROR];
	l->lvt[LVT_CMCI] = s->lvt_cmci & lvt_writable[LVT_CMCI];
	l->divide = s->divide_configuration & 0xb;
	tpr_write(l, s->remote_read & 0xff);
	memcpy(l->isr, s->isr, sizeof(l->isr));
	memcpy(l->tmr, s->tmr, sizeof(l->tmr));
	memcpy(l->irr, s->irr, sizeof(l->irr));
	lapic_timer_restore(l, s->initial_count, s->counter_value);
	vp_kick(l->vp);
}
