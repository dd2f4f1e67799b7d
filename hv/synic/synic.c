/* SPDX-License-Identifier: Apache-2.0 */
/* SynIC registers, message slots and event flags, for the root's VPs and children's alike; see synic.h. */
#include <abi/hv_status.h>
#include <hv/lapic.h>
#include <hv/bitmap256.h>
#include <hv/partition.h>
#include <hv/root.h>
#include <hv/string.h>
#include <hv/synic.h>
#include <hv/vp.h>
#include <hv/vp_timers.h>

#define PAGE_MSR_GPA(value)	((gpa_t){ (value) & PAGE_MASK })

static bool synic_is_root(const struct synic *s)
{
	return partition_is_root(s->vp->partition);
}

void synic_reset(struct synic *s)
{
	s->scontrol = 0;
	for (unsigned int i = 0; i < HV_SYNIC_SINT_COUNT; i++)
		s->sint[i] = HV_SINT_MASKED;
	memset(s->timers, 0, sizeof(s->timers));
	if (synic_is_root(s))
		return;
	gpa_overlay_hide(&s->vp->partition->gpa, &s->simp_page);
	gpa_overlay_hide(&s->vp->partition->gpa, &s->siefp_page);
	s->simp = s->siefp = 0;
	memset(s->messages, 0, PAGE_SIZE);
	memset(s->flags, 0, PAGE_SIZE);
}

void synic_init(struct synic *s, struct vp *vp)
{
	s->vp = vp;
	s->messages = s->simp_page.page;
	s->flags = s->siefp_page.page;
	synic_reset(s);
}

void synic_init_root(struct synic *s, struct vp *vp)
{
	spa_t simp = root_page_spa(ROOT_PAGE_SIMP, vp->index), siefp = root_page_spa(ROOT_PAGE_SIEFP, vp->index);
	spa_t sirbp = root_page_spa(ROOT_PAGE_SIRBP, vp->index);

	s->vp = vp;
	s->simp = simp.addr;			/* identity mapped: hv-abi.md 2.3 */
	s->siefp = siefp.addr;
	s->sirbp = sirbp.addr;
	s->messages = spa_to_virt(simp);
	s->flags = spa_to_virt(siefp);
	s->rings = spa_to_virt(sirbp);
	synic_reset(s);
}

/* Registers */

bool synic_read_msr(struct synic *s, uint32_t msr, uint64_t *value)
{
	if (msr >= HV_X64_MSR_SINT0 && msr <= HV_X64_MSR_SINT15) {
		*value = s->sint[msr - HV_X64_MSR_SINT0];
		return true;
	}
	switch (msr) {
	case HV_X64_MSR_SCONTROL:	*value = s->scontrol; return true;
	case HV_X64_MSR_SVERSION:	*value = HV_SYNIC_VERSION; return true;
	case HV_X64_MSR_SIEFP:		*value = s->siefp; return true;
	case HV_X64_MSR_SIMP:		*value = s->simp; return true;
	case HV_X64_MSR_SIRBP:		*value = s->sirbp; return true;
	case HV_X64_MSR_EOM:		*value = 0; return true;
	}
	return false;
}

/* Vectors with "auto EOI" get no ISR bit; any SINT that asks for it decides. */
static void auto_eoi_update(struct synic *s)
{
	if (!s->vp->lapic)
		return;
	memset(s->vp->lapic->auto_eoi, 0, sizeof(s->vp->lapic->auto_eoi));
	for (unsigned int i = 0; i < HV_SYNIC_SINT_COUNT; i++)
		if ((s->sint[i] & HV_SINT_AUTO_EOI) && !(s->sint[i] & HV_SINT_MASKED))
			bitmap256_set(s->vp->lapic->auto_eoi, s->sint[i] & HV_SINT_VECTOR);
}

static bool sint_write(struct synic *s, unsigned int sint, uint64_t value)
{
	if (!(value & (HV_SINT_MASKED | HV_SINT_POLLING)) && (value & HV_SINT_VECTOR) < 16)
		return false;			/* TLFS, HV_X64_MSR_SINTx */
	s->sint[sint] = value;
	auto_eoi_update(s);
	return true;
}

/* The root's pages stay where hv put them; only their enable bit is the root's to write. */
static bool page_write(struct synic *s, uint64_t *msr, struct gpa_overlay *overlay, uint64_t value)
{
	struct gpa_space *gpa = &s->vp->partition->gpa;

	if (synic_is_root(s)) {
		*msr = (*msr & PAGE_MASK) | (value & HV_MSR_PAGE_ENABLE);
		return true;
	}
	if (!(value & HV_MSR_PAGE_ENABLE))
		gpa_overlay_hide(gpa, overlay);
	else if (!overlay->active || overlay->gpa.addr != PAGE_MSR_GPA(value).addr)
		if (gpa_overlay_show(gpa, overlay, PAGE_MSR_GPA(value)) != HV_STATUS_SUCCESS)
			return false;
	*msr = value;
	return true;
}

static bool register_write(struct synic *s, uint32_t msr, uint64_t value)
{
	if (msr >= HV_X64_MSR_SINT0 && msr <= HV_X64_MSR_SINT15)
		return sint_write(s, msr - HV_X64_MSR_SINT0, value);
	switch (msr) {
	case HV_X64_MSR_SCONTROL:	s->scontrol = value; return true;
	case HV_X64_MSR_SIEFP:		return page_write(s, &s->siefp, &s->siefp_page, value);
	case HV_X64_MSR_SIMP:		return page_write(s, &s->simp, &s->simp_page, value);
	case HV_X64_MSR_SIRBP:		return synic_is_root(s) && page_write(s, &s->sirbp, NULL, value);
	case HV_X64_MSR_EOM:		synic_rescan(s); return true;
	}
	return false;
}

bool synic_write_msr(struct synic *s, uint32_t msr, uint64_t value)
{
	bool ok = register_write(s, msr, value);

	if (synic_is_root(s) && msr != HV_X64_MSR_EOM)
		signal_leave(s);
	return ok;
}

/* Messages and flags */

static bool messages_enabled(const struct synic *s)
{
	return (s->scontrol & 1) && (s->simp & HV_MSR_PAGE_ENABLE);
}

static void sint_interrupt(struct synic *s, unsigned int sint)
{
	if (s->sint[sint] & (HV_SINT_MASKED | HV_SINT_POLLING))
		return;
	s->vp->stats[STAT_SYNTHETIC_INTERRUPTS]++;
	vp_assert_interrupt(s->vp, s->sint[sint] & HV_SINT_VECTOR);
}

/*
 * A slot is the guest's while its type is not 0. If it is busy, the "pending" flag asks for an EOM; the guest may have
 * emptied it between the two looks, then the EOM would not come, so look again.
 */
static bool slot_take(struct hv_message *slot)
{
	volatile uint32_t *type = &slot->header.message_type;

	if (*type == HVMSG_NONE)
		return true;
	slot->header.message_flags |= HV_MESSAGE_FLAG_PENDING;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return *type == HVMSG_NONE;
}

hv_status_t synic_post(struct synic *s, unsigned int sint, const struct hv_message *message)
{
	struct hv_message *slot = &s->messages->sint[sint];

	if (!messages_enabled(s))
		return HV_STATUS_INVALID_SYNIC_STATE;
	if (!slot_take(slot))
		return HV_STATUS_INSUFFICIENT_BUFFERS;
	memcpy(slot->payload, message->payload, sizeof(slot->payload));
	slot->header.payload_size = message->header.payload_size;
	slot->header.message_flags = message->header.message_flags;
	slot->header.sender = message->header.sender;
	__atomic_store_n(&slot->header.message_type, message->header.message_type, __ATOMIC_RELEASE);
	sint_interrupt(s, sint);
	return HV_STATUS_SUCCESS;
}

hv_status_t synic_signal(struct synic *s, unsigned int sint, unsigned int flag, bool *newly)
{
	uint32_t *word = &s->flags->sint[sint][flag / 32], bit = 1u << flag % 32;

	if (!(s->scontrol & 1) || !(s->siefp & HV_MSR_PAGE_ENABLE) || (s->sint[sint] & HV_SINT_MASKED))
		return HV_STATUS_INVALID_SYNIC_STATE;
	*newly = !(__atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST) & bit);
	if (*newly)
		sint_interrupt(s, sint);
	return HV_STATUS_SUCCESS;
}

uint16_t synic_deliverable(struct synic *s, uint16_t wanted)
{
	uint16_t ready = 0;

	for (unsigned int i = 0; i < HV_SYNIC_SINT_COUNT && messages_enabled(s); i++)
		if ((wanted >> i & 1) && !(s->sint[i] & HV_SINT_MASKED) && slot_take(&s->messages->sint[i]))
			ready |= 1u << i;
	return ready;
}

void synic_rescan(struct synic *s)
{
	if (synic_is_root(s))
		signal_rescan(s);
	else
		stimer_retry(s);
}
