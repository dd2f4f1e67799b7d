/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event injection and windows (AMD APM 2, 15.20 and 15.21). An external interrupt goes in as a virtual interrupt that ignores
 * the TPR, not by EVENTINJ: it is only injected when the guest can take it, so both mean the same on silicon, but QEMU's TCG
 * may deliver the latter twice (root-boot-notes.md section A2).
 */
#include <arch/svm/svm.h>
#include <hv/intercept.h>
#include <hv/partition.h>

#define WITH_ERROR_CODE	(BIT(8) | 0x1full << 10 | BIT(17) | BIT(21) | BIT(29) | BIT(30))	/* exceptions */

static bool interrupt_in_flight(const struct vmcb *c)
{
	return (c->int_ctl & INT_CTL_IRQ) && !(c->intercept1 & INTERCEPT1_VINTR);
}

uint64_t svm_event(struct vp *vp)
{
	const struct vmcb *c = vmcb_of(vp);

	if ((c->event_inject & EVENT_VALID) || !interrupt_in_flight(c))
		return c->event_inject;
	return EVENT_MAKE(EVENT_INTERRUPT, (uint8_t)(c->int_ctl >> INT_CTL_VECTOR_SHIFT));
}

/* An exception goes before an interrupt in flight; only nothing at all takes that back. */
void svm_set_event(struct vp *vp, uint64_t event)
{
	struct vmcb *c = vmcb_of(vp);

	c->event_inject = event;
	if (!event && interrupt_in_flight(c))
		c->int_ctl &= ~INT_CTL_VIRQ_FIELDS;
}

bool svm_can_take_interrupt(struct vp *vp)
{
	struct vmcb *c = vmcb_of(vp);

	return (c->rflags & RFLAGS_IF) && !(c->interrupt_shadow & VMCB_SHADOW) && !vcpu_event_pending(vp);
}

bool svm_can_take_nmi(struct vp *vp)
{
	return !svm_of(vp)->nmi_blocked && !(vmcb_of(vp)->interrupt_shadow & VMCB_SHADOW) && !vcpu_event_pending(vp);
}

static void request_virtual_interrupt(struct vmcb *c, uint8_t vector)
{
	c->int_ctl = (c->int_ctl & ~INT_CTL_VIRQ_FIELDS) | INT_CTL_IRQ | INT_CTL_PRIORITY_MAX | INT_CTL_IGNORE_TPR |
		     (uint64_t)vector << INT_CTL_VECTOR_SHIFT;
}

void svm_inject_interrupt(struct vp *vp, uint8_t vector)
{
	struct vmcb *c = vmcb_of(vp);

	c->intercept1 &= ~INTERCEPT1_VINTR;
	request_virtual_interrupt(c, vector);
}

void svm_inject_nmi(struct vp *vp)
{
	vmcb_of(vp)->event_inject = EVENT_MAKE(EVENT_NMI, VECTOR_NMI);
	svm_of(vp)->nmi_blocked = !partition_is_root(vp->partition);
}

/* What the exit interrupted while it was being delivered. QEMU's TCG calls a virtual interrupt an exception; none is above 31. */
void svm_deliver_again(struct vp *vp)
{
	uint64_t event = event_to_deliver_again(vmcb_of(vp)->exit_int_info);

	if (!event)
		return;
	vp_look_again(vp);
	if (EVENT_TYPE(event) == EVENT_INTERRUPT || EVENT_VECTOR(event) >= 32)
		svm_inject_interrupt(vp, EVENT_VECTOR(event));
	else
		svm_set_event(vp, event);
}

static void set_intercept1(struct vmcb *c, uint32_t bit, bool on)
{
	c->intercept1 = on ? c->intercept1 | bit : c->intercept1 & ~bit;
}

/* It was executed, or has faulted. The guest has its exception, and of a trap what is not the step's. */
static enum vp_next iret_ended(struct vp *vp, bool guest_steps)
{
	struct vmcb *c = vmcb_of(vp);
	uint8_t vector = (uint8_t)(c->exit_code - SVM_EXIT_EXCEPTION);

	svm_of(vp)->nmi_blocked = false;
	if (vector == VECTOR_PF)
		c->cr2 = c->exit_info2;
	if (vector != VECTOR_DB || guest_steps || (c->dr6 & DR6_BREAKPOINTS))
		vcpu_inject_exception(vp, vector, WITH_ERROR_CODE >> vector & 1, (uint32_t)c->exit_info1);
	return intercept_interrupt_window(vp);
}

/*
 * NMIs are blocked until an IRET is done or has faulted, but what exits is one that is about to be executed. So it is stepped over
 * in an entry of its own, in which the trap and every fault exit. Any other exit means that it is still to be executed, and exits
 * again; so it does when an interrupt goes first.
 */
enum vp_next svm_step_iret(struct vp *vp)
{
	struct vmcb *c = vmcb_of(vp);
	uint64_t tf = c->rflags & RFLAGS_TF, bs = c->dr6 & DR6_BS;

	if (interrupt_in_flight(c) && (c->rflags & RFLAGS_IF) && !(c->interrupt_shadow & VMCB_SHADOW))
		return VP_RESUME;
	c->rflags |= RFLAGS_TF;
	c->dr6 &= ~DR6_BS;
	c->intercept_exceptions = ~0u;
	set_intercept1(c, INTERCEPT1_IRET, false);
	svm_run_guest(vp);
	set_intercept1(c, INTERCEPT1_IRET, true);
	c->intercept_exceptions = EXCEPTIONS_CHILD;
	if (c->exit_code != SVM_EXIT_EXCEPTION + VECTOR_DB || !(c->dr6 & DR6_BS))
		c->rflags = (c->rflags & ~RFLAGS_TF) | tf;		/* else the IRET has set it */
	c->dr6 = (tf ? c->dr6 : c->dr6 & ~DR6_BS) | bs;
	if (c->exit_code - SVM_EXIT_EXCEPTION < 32 && c->exit_code != SVM_EXIT_EXCEPTION + VECTOR_MC)
		return iret_ended(vp, tf);
	return svm_handle_exit(vp);
}

/*
 * While hv shares the timer, the root exits for an interrupt it could take: hv looks at its deadlines. Then hv steps aside:
 * the interrupt is the root's, which takes it before the virtual one (physical ones come first, APM 2, 15.21.4), and the
 * virtual one, intercepted, says when the root could be interrupted again. Nothing is acknowledged or injected by hv.
 * QEMU's TCG forgets the virtual interrupt when it delivers a physical one; there the IRET that ends the handler says it.
 */
void svm_prepare_root(struct vp *vp)
{
	struct vmcb *c = vmcb_of(vp);
	const struct svm_lp *v = svm_lp(this_lp());
	bool aside = v->watch_timer && v->step_aside;

	set_intercept1(c, INTERCEPT1_INTR, v->watch_timer && !aside);
	set_intercept1(c, INTERCEPT1_VINTR | INTERCEPT1_IRET, aside);
	c->int_ctl &= ~INT_CTL_VIRQ_FIELDS;
	if (aside)
		request_virtual_interrupt(c, 0);
}

/*
 * A virtual interrupt that is intercepted is the interrupt window. It needs the fields of one in flight, so then it waits: a
 * further interrupt cannot be delivered before the end of the first, which exits. What waits for the TPR waits for a write of
 * CR8. That exits in an interrupt window, too, because QEMU's TCG aborts when the guest itself writes CR8 with a virtual
 * interrupt pending (helper_write_crN calls cpu_interrupt without its lock).
 */
void svm_prepare_windows(struct vp *vp)
{
	struct vmcb *c = vmcb_of(vp);
	bool window = vp->arch->interrupt_window && !interrupt_in_flight(c);

	if (!window && (c->intercept1 & INTERCEPT1_VINTR))
		c->int_ctl &= ~INT_CTL_VIRQ_FIELDS;
	set_intercept1(c, INTERCEPT1_VINTR, window);
	if (window)
		request_virtual_interrupt(c, 0);
	c->intercept_cr = (c->int_ctl & INT_CTL_IRQ) || vp->arch->tpr_window ? INTERCEPT_WRITE_CR8 : 0;
	set_intercept1(c, INTERCEPT1_IRET, svm_of(vp)->nmi_blocked);
	if (vp->arch->nmi_window && !svm_of(vp)->nmi_blocked && (c->event_inject & EVENT_VALID))
		lp_kick(this_lp());		/* exits when that event is delivered: GIF holds it back until then */
	vp->arch->nmi_window = false;
	c->intercept_dr = vp->arch->uses_debug ? 0 : INTERCEPT_DR0_TO_DR3;
}
