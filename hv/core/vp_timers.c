/* SPDX-License-Identifier: Apache-2.0 */
/* One hv deadline per child VP for all its timers; see vp_timers.h. */
#include <hv/deadline.h>
#include <hv/lapic.h>
#include <hv/lp.h>
#include <hv/partition.h>
#include <hv/synic.h>
#include <hv/vp.h>
#include <hv/vp_timers.h>

static uint64_t earliest(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* Arming is not free: only when the time is another one, or the VP has come to another LP. */
void vp_timers_changed(struct vp *vp)
{
	uint64_t next;

	if (!vp->lapic || vp->partition->time_frozen)
		return;
	next = earliest(lapic_timer_deadline(vp->lapic), stimer_deadline(vp->synic));
	if (next && (next != vp->timer_next || vp->deadline.lp != this_lp()))
		deadline_arm(&vp->deadline, next);
	vp->timer_next = next;
}

void vp_tsc_changed(struct vp *vp)
{
	vp->tsc_offset = vp_register64(vp, HV_X64_REGISTER_TSC_OFFSET);
	vp_timers_changed(vp);
	if (vp->index == 0)
		partition_write_tsc_page(vp->partition);
}

void vp_timers_poll(struct vp *vp)
{
	uint64_t now = tsc_now();

	if (!vp->timer_next || vp->partition->time_frozen)
		return;
	if (now >= vp->timer_next) {
		lapic_timer_poll(vp->lapic, now);
		stimer_poll(vp->synic);
		vp->timer_next = 0;
	}
	if (!vp->timer_next || vp->deadline.lp != this_lp())
		vp_timers_changed(vp);
}

static void vp_timers_fire(struct deadline *d)
{
	struct vp *vp = container_of(d, struct vp, deadline);

	spin_lock(&vp->partition->lock);
	vp_timers_poll(vp);
	spin_unlock(&vp->partition->lock);
}

void vp_timers_init(struct vp *vp)
{
	vp->deadline = (struct deadline){ .fire = vp_timers_fire };
}

void vp_timers_fini(struct vp *vp)
{
	deadline_cancel(&vp->deadline);
}
