/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPA faults. A child's fault is the APIC page in xAPIC mode, a doorbell, a page the driver has to bring in (GPA intercept),
 * or a device of the VMM (unmapped GPA); which of the last two decides who handles it (hv-abi.md section 10).
 */
#include <abi/hv_message.h>
#include <hv/decode.h>
#include <hv/intercept.h>
#include <hv/lapic.h>
#include <hv/lp.h>
#include <hv/message.h>
#include <hv/partition.h>
#include <hv/port.h>
#include <hv/root.h>
#include <hv/string.h>
#include <hv/synic.h>

static unsigned int code_bits(struct vp *vp)
{
	union hv_register_value cs = { 0 };

	if (vcpu_in_long_mode(vp))
		return 64;
	vcpu_get_register(vp, HV_X64_REGISTER_CS, &cs);
	return cs.segment.attributes & BIT(14) ? 32 : 16;
}

static bool decode_current(struct vp *vp, struct move *m)
{
	uint8_t bytes[16];

	return decode_move(bytes, vp_fetch_instruction(vp, bytes), code_bits(vp), m);
}

static uint64_t move_source(struct vp *vp, const struct move *m)
{
	uint64_t value = (&vp->gprs.rax)[m->reg];

	if (m->is_immediate)
		return m->immediate;
	return m->high_byte ? value >> 8 & 0xff : value;
}

static uint64_t size_mask(unsigned int size)
{
	return size >= 8 ? ~0ull : (1ull << size * 8) - 1;
}

/* 32-bit results clear the upper half of the register, smaller ones leave the rest alone. */
static void move_result(struct vp *vp, const struct move *m, uint64_t value)
{
	uint64_t *reg = &(&vp->gprs.rax)[m->reg], mask = size_mask(m->reg_size);
	unsigned int shift = 64 - m->size * 8;

	value &= size_mask(m->size);
	if (m->sign_extend)
		value = (uint64_t)((int64_t)(value << shift) >> shift) & mask;
	if (m->high_byte)
		*reg = (*reg & ~0xff00ull) | value << 8;
	else
		*reg = m->reg_size == 4 ? value : (*reg & ~mask) | value;
}

static enum vp_next apic_page(struct vp *vp, const struct gpa_fault *fault)
{
	uint32_t offset = fault->gpa.addr & ~PAGE_MASK;
	enum lapic_result result = LAPIC_OK;
	uint8_t vector = 0;
	struct move m;

	if (fault->execute || !decode_current(vp, &m))
		return message_memory(vp, HVMSG_UNMAPPED_GPA, fault);
	spin_lock(&vp->partition->lock);
	if (m.write)
		result = lapic_mmio_write(vp->lapic, offset, (uint32_t)move_source(vp, &m), &vector);
	else
		move_result(vp, &m, lapic_mmio_read(vp->lapic, offset & ~3u) >> (offset & 3) * 8);
	synic_rescan(vp->synic);
	spin_unlock(&vp->partition->lock);
	vcpu_complete_instruction(vp, m.length);
	return result == LAPIC_EOI_INTERCEPT ? message_apic_eoi(vp, vector) : VP_RESUME;
}

/* True when the write rang a doorbell and is thereby done. */
static bool doorbell(struct vp *vp, const struct gpa_fault *fault)
{
	struct move m;

	if (!vp->partition->connections.pages || !fault->write || !decode_current(vp, &m) || !m.write ||
	    !doorbell_write(vp, fault->gpa, m.size, move_source(vp, &m)))
		return false;
	vcpu_complete_instruction(vp, m.length);
	return true;
}

static unsigned int fault_access(const struct gpa_fault *fault)
{
	return fault->execute ? GPA_EXECUTE : fault->write ? GPA_WRITE : GPA_READ;
}

enum vp_next intercept_gpa(struct vp *vp, const struct gpa_fault *fault)
{
	struct partition *p = vp->partition;
	enum gpa_state state;
	unsigned int access;
	bool apic;
	spa_t spa;

	vp->stats[STAT_MEMORY]++;
	if (partition_is_root(p))
		return root_gpa_fault(vp, fault);
	spin_lock(&p->lock);
	state = gpa_space_lookup(&p->gpa, fault->gpa, &spa, &access);
	apic = state != GPA_MAPPED && lapic_mmio_claims(vp->lapic, fault->gpa);
	spin_unlock(&p->lock);
	if (apic)
		return apic_page(vp, fault);
	if (state == GPA_MAPPED && (access & fault_access(fault)))
		return VP_RESUME;		/* was mapped meanwhile, or the TLB was behind */
	if (state != GPA_UNMAPPED)
		return message_memory(vp, HVMSG_GPA_INTERCEPT, fault);
	return doorbell(vp, fault) ? VP_RESUME : message_memory(vp, HVMSG_UNMAPPED_GPA, fault);
}
