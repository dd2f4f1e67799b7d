/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual processors: creation, destruction, and the events others send them (interrupts, INIT, SIPI, NMI, kicks).
 * Running them is vp_run.c. A child VP's struct, local APIC and SynIC share one page of its partition's pool.
 */
#include <abi/hv_hypercall.h>
#include <abi/hv_status.h>
#include <hv/lapic.h>
#include <hv/lp.h>
#include <hv/partition.h>
#include <hv/synic.h>
#include <hv/vp.h>
#include <hv/vp_timers.h>

struct child_vp {
	struct vp vp;
	struct lapic lapic;
	struct synic synic;
	struct hv_initial_vp_context start;
};
_Static_assert(sizeof(struct child_vp) <= PAGE_SIZE, "a child VP is one pool page");

void vp_init_root(struct vp *vp, uint32_t index)
{
	static struct synic synics[HV_MAX_LPS];

	vp->partition = &root_partition;
	vp->index = index;
	vp->lp = lp_get(index);
	vp->synic = &synics[index];
	vp->stats = vp->own_stats;
	synic_init_root(vp->synic, vp);
	root_partition.vps[index] = vp;
}

static hv_status_t child_pages(struct child_vp *c, struct pool *pool)
{
	c->vp.assist_page.page = pool_alloc_page(pool);
	c->synic.simp_page.page = pool_alloc_page(pool);
	c->synic.siefp_page.page = pool_alloc_page(pool);
	return c->vp.assist_page.page && c->synic.simp_page.page && c->synic.siefp_page.page ?
	       HV_STATUS_SUCCESS : HV_STATUS_INSUFFICIENT_MEMORY;
}

static void child_pages_free(struct child_vp *c, struct pool *pool)
{
	pool_free_page(pool, c->vp.assist_page.page);
	pool_free_page(pool, c->synic.simp_page.page);
	pool_free_page(pool, c->synic.siefp_page.page);
	pool_free_page(pool, c);
}

/* Registers that INIT leaves alone and only power-on sets. */
static void child_power_on(struct child_vp *c)
{
	c->vp.explicit_suspend = true;		/* hv-abi.md 6.4: the driver clears it at the first dispatch */
	c->vp.waiting_for_sipi = c->vp.index != 0;
	c->vp.msrs.misc_enable = 1;		/* fast strings */
	c->vp.start = &c->start;
	c->vp.stats = c->vp.own_stats;
	c->vp.lapic = &c->lapic;
	c->vp.synic = &c->synic;
	lapic_init(&c->lapic, &c->vp);
	synic_init(&c->synic, &c->vp);
	vp_timers_init(&c->vp);
}

/* Caller holds the lock. */
hv_status_t vp_create(struct partition *p, uint32_t index)
{
	struct child_vp *c = pool_alloc_page(&p->pool);
	hv_status_t status;

	if (!c)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	c->vp.partition = p;
	c->vp.index = index;
	status = child_pages(c, &p->pool);
	if (status != HV_STATUS_SUCCESS)
		goto free_pages;
	child_power_on(c);
	status = vcpu_create(&c->vp);
	if (status != HV_STATUS_SUCCESS)
		goto free_pages;
	p->vps[index] = &c->vp;
	p->cpuid_epoch++;			/* topology leaves count VPs */
	return HV_STATUS_SUCCESS;
free_pages:
	child_pages_free(c, &p->pool);
	return status;
}

/* The caller has taken the VP out of the partition's table, so nobody finds it any more. */
void vp_destroy(struct vp *vp)
{
	struct partition *p = vp->partition;
	struct child_vp *c = container_of(vp, struct child_vp, vp);

	vp_timers_fini(vp);
	signal_forget(vp);
	spin_lock(&p->lock);
	gpa_overlay_hide(&p->gpa, &vp->assist_page);
	gpa_overlay_hide(&p->gpa, &c->synic.simp_page);
	gpa_overlay_hide(&p->gpa, &c->synic.siefp_page);
	spin_unlock(&p->lock);
	vp_unmap_state_pages(vp);
	vcpu_destroy(vp);
	child_pages_free(c, &p->pool);
}

/* One signal per BLOCKED-to-runnable transition (hv-abi.md 6.2). A running VP leaves the guest and looks again. */
void vp_kick(struct vp *vp)
{
	vp_look_again(vp);
	if (vp->running) {
		if (vp->lp != this_lp())
			lp_kick(vp->lp);
		return;
	}
	if (!vp->blocked || vp->explicit_suspend || vp->dispatch_suspend)
		return;
	vp->blocked = false;
	vp->root_signal_count++;
	signal_root(vp);
}

void vp_assert_interrupt(struct vp *vp, uint8_t vector)
{
	if (vp->lapic)
		lapic_post(vp->lapic, vector, false);
	else
		lp_send_interrupt(vp->lp, vector);
}

void vp_assert_init(struct vp *vp)
{
	vp->init_pending = true;
	vp->sipi_pending = false;
	vp_kick(vp);
}

void vp_assert_sipi(struct vp *vp, uint8_t vector)
{
	if (!vp->waiting_for_sipi && !vp->init_pending)
		return;
	vp->sipi_pending = true;
	vp->sipi_vector = vector;
	vp_kick(vp);
}

bool vp_assert_start(struct vp *vp, const struct hv_initial_vp_context *context)
{
	if (!vp->waiting_for_sipi || vp->start_pending)
		return false;
	*vp->start = *context;
	vp->start_pending = true;
	vp_kick(vp);
	return true;
}

void vp_assert_nmi(struct vp *vp)
{
	vp->nmi_pending = true;
	vp_kick(vp);
}

void vp_assert_extint(struct vp *vp, uint8_t vector)
{
	vp->extint_pending = true;
	vp->extint_vector = vector;
	vp_kick(vp);
}
