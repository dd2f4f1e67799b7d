/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a child VP: one HvCallDispatchVp from the root's thread to an intercept, a root interrupt, or nothing to do
 * (hv-abi.md section 6). What others leave for a VP they announce (vp_kick): only then, and while something waits for the guest
 * to be able to take it, is everything looked at before an entry, under the lock. Most exits are answered and resumed without.
 */
#include <abi/hv_hypercall.h>
#include <abi/hv_partition.h>
#include <hv/bitmap256.h>
#include <hv/intercept.h>
#include <hv/lapic.h>
#include <hv/lp.h>
#include <hv/message.h>
#include <hv/partition.h>
#include <hv/string.h>
#include <hv/synic.h>
#include <hv/vp.h>
#include <hv/vp_timers.h>

/* INIT (SDM 3, 9.1): the bootstrap processor starts at the reset vector, the others wait for a SIPI. */
static void take_init(struct vp *vp)
{
	vp->init_pending = vp->halted = vp->idle = vp->nmi_pending = vp->extint_pending = vp->start_pending = false;
	vcpu_reset(vp);
	lapic_reset(vp->lapic);
	vp->waiting_for_sipi = vp->index != 0;
}

static void take_sipi(struct vp *vp)
{
	vp->sipi_pending = false;
	if (!vp->waiting_for_sipi)
		return;
	vp->waiting_for_sipi = false;
	vcpu_start_at_sipi(vp, vp->sipi_vector);
}

#define START(name, field) { name, offsetof(struct hv_initial_vp_context, field), sizeof(((struct hv_initial_vp_context *)NULL)->field) }
static const struct { uint32_t name; uint16_t offset, bytes; } start_registers[] = {
	START(HV_X64_REGISTER_CS, cs), START(HV_X64_REGISTER_DS, ds), START(HV_X64_REGISTER_ES, es), START(HV_X64_REGISTER_FS, fs),
	START(HV_X64_REGISTER_GS, gs), START(HV_X64_REGISTER_SS, ss), START(HV_X64_REGISTER_TR, tr),
	START(HV_X64_REGISTER_LDTR, ldtr), START(HV_X64_REGISTER_IDTR, idtr), START(HV_X64_REGISTER_GDTR, gdtr),
	START(HV_X64_REGISTER_EFER, efer), START(HV_X64_REGISTER_CR0, cr0), START(HV_X64_REGISTER_CR3, cr3),
	START(HV_X64_REGISTER_CR4, cr4), START(HV_X64_REGISTER_PAT, pat), START(HV_X64_REGISTER_RFLAGS, rflags),
	START(HV_X64_REGISTER_RIP, rip), START(HV_X64_REGISTER_RSP, rsp),
};

/* HvCallStartVirtualProcessor: values that no VM entry can have end in an intercept there, as with SetVpRegisters. */
static void take_start(struct vp *vp)
{
	vp->start_pending = vp->waiting_for_sipi = false;
	for (size_t i = 0; i < ARRAY_SIZE(start_registers); i++) {
		union hv_register_value value = { 0 };

		memcpy(&value, (const char *)vp->start + start_registers[i].offset, start_registers[i].bytes);
		vp_set_register(vp, start_registers[i].name, &value);
	}
}

static int pending_vector(const struct vp *vp)
{
	if (vp->extint_pending && lapic_accepts_extint(vp->lapic))
		return vp->extint_vector;
	return lapic_pending(vp->lapic);
}

static void interrupt_accepted(struct vp *vp, uint8_t vector)
{
	if (vp->extint_pending && lapic_accepts_extint(vp->lapic))
		vp->extint_pending = false;
	else
		lapic_accept(vp->lapic, vector);
	vp->halted = false;
}

static void inject_interrupt(struct vp *vp)
{
	int vector;

	if (!vp->extint_pending && bitmap256_is_empty(&vp->lapic->reg[APIC_IRR])) {	/* nearly always */
		vcpu_request_tpr_window(vp, 0);
		return;
	}
	vector = pending_vector(vp);
	vcpu_request_tpr_window(vp, lapic_waits_for_tpr(vp->lapic));
	if (vector < 0)
		return;
	if (vcpu_can_take_interrupt(vp)) {
		vcpu_inject_interrupt(vp, (uint8_t)vector);
		vp->stats[STAT_VIRTUAL_INTERRUPTS]++;
		interrupt_accepted(vp, (uint8_t)vector);
		vector = pending_vector(vp);
		if (vector < 0)
			lapic_lazy_eoi_begin(vp->lapic);
	}
	if (vector >= 0 && !vp->halted)
		vcpu_request_interrupt_window(vp);
}

static void inject_events(struct vp *vp)
{
	lapic_lazy_eoi_collect(vp->lapic);
	if (vp->idle && (vp->nmi_pending || pending_vector(vp) >= 0))
		vp->idle = vp->halted = false;
	if (vp->nmi_pending && vcpu_can_take_nmi(vp)) {
		vcpu_inject_nmi(vp);
		vp->nmi_pending = vp->halted = false;
	} else if (vp->nmi_pending) {
		vcpu_request_nmi_window(vp);
	}
	inject_interrupt(vp);
}

static bool tell_deliverable(struct vp *vp)
{
	union hv_deliverability_notifications want = { .as_uint64 = vp->deliverability };
	uint16_t ready = want.sints ? synic_deliverable(vp->synic, want.sints) : 0;

	if (!ready)
		return false;
	want.sints &= ~ready;
	vp->deliverability = want.as_uint64;
	message_sint_deliverable(vp, ready);
	return true;
}

/* What the VP does next, by what others have left for it. */
static enum vp_next prepare_entry(struct vp *vp)
{
	lapic_tpr_from_cr8(vp->lapic);
	vp_timers_poll(vp);
	if (vp->explicit_suspend || vp->dispatch_suspend)
		return VP_BLOCK;
	if (vp->init_pending)
		take_init(vp);
	if (vp->sipi_pending)
		take_sipi(vp);
	if (vp->start_pending)
		take_start(vp);
	if (tell_deliverable(vp))
		return VP_RETURN;
	if (vp->waiting_for_sipi)
		return VP_BLOCK;
	inject_events(vp);
	return vp->halted ? VP_BLOCK : VP_RESUME;
}

/* What changes by an exit of the guest alone, with nobody to announce it: whether it can take what waits. */
static bool something_waits(struct vp *vp)
{
	return vp->nmi_pending || vp->extint_pending || vp->deliverability || vcpu_event_pending(vp) ||
	       !bitmap256_is_empty(&vp->lapic->reg[APIC_IRR]);
}

/* Whoever leaves something does it under the lock, too: it is seen now, or `attention` is set again. */
static enum vp_next look(struct vp *vp)
{
	enum vp_next next;

	spin_lock(&vp->partition->lock);
	__atomic_store_n(&vp->attention, false, __ATOMIC_RELAXED);
	next = prepare_entry(vp);
	if (something_waits(vp))
		vp_look_again(vp);
	spin_unlock(&vp->partition->lock);
	vcpu_prepare_windows(vp);
	return next;
}

static enum vp_next run_once(struct vp *vp)
{
	enum vp_next next = __atomic_load_n(&vp->attention, __ATOMIC_RELAXED) ? look(vp) : VP_RESUME;

	return next == VP_RESUME ? (enum vp_next)vcpu_run_once(vp) : next;
}

static void dispatch_answer(struct vp *vp, enum vp_next next, struct hv_out_dispatch_vp *out)
{
	out->state = HV_DISPATCH_STATE_READY;
	out->event = vp->intercept_suspend ? HV_DISPATCH_EVENT_INTERCEPT : HV_DISPATCH_EVENT_NONE;
	if (next != VP_BLOCK)
		return;
	out->state = HV_DISPATCH_STATE_BLOCKED;
	out->event = vp->explicit_suspend ? HV_DISPATCH_EVENT_SUSPEND : HV_DISPATCH_EVENT_NONE;
	vp->blocked = true;
}

/* Between the decision to block and this, something may have arrived: then the VP is not blocked after all. */
static bool still_blocked(struct vp *vp)
{
	return vp->explicit_suspend || vp->dispatch_suspend ||
	       (!vp->init_pending && !vp->sipi_pending && !vp->start_pending && prepare_entry(vp) == VP_BLOCK);
}

static void run_until_return(struct vp *vp, struct hv_out_dispatch_vp *out)
{
	uint64_t entered = tsc_now();
	enum vp_next next;

	vcpu_switch_in(vp);
	vp_look_again(vp);
	do
		next = run_once(vp);
	while (next == VP_RESUME);
	vcpu_switch_out(vp);

	spin_lock(&vp->partition->lock);
	if (next == VP_BLOCK && !still_blocked(vp))
		next = VP_RETURN;
	vp->running = false;
	lapic_tpr_from_cr8(vp->lapic);
	vp->runtime += tsc_now() - entered;
	vp->stats[STAT_DISPATCHES]++;
	vp->stats[STAT_RUN_TIME] = vp_runtime_100ns(vp);
	dispatch_answer(vp, next, out);
	vp_fill_register_page(vp);
	spin_unlock(&vp->partition->lock);
}

/* Called with the lock held, so that the VP cannot go away before it counts as running; returns without it. */
void vp_run_child(struct vp *vp, uint32_t flags, struct hv_out_dispatch_vp *out)
{
	bool run;

	if (flags & HV_DISPATCH_CLEAR_INTERCEPT_SUSPEND)
		vp->intercept_suspend = false;
	run = !vp->explicit_suspend && !vp->dispatch_suspend && !vp->intercept_suspend;
	vp->stats[STAT_MIGRATIONS] += vp->lp && vp->lp != this_lp();
	vp->lp = this_lp();
	vp->running = run;
	vp->blocked = false;
	if (run)
		vp_take_register_page(vp);
	else
		dispatch_answer(vp, vp->intercept_suspend ? VP_RETURN : VP_BLOCK, out);
	spin_unlock(&vp->partition->lock);
	if (run)
		run_until_return(vp, out);
}
