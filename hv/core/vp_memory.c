/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hv's own look into guest memory: by GPA, by guest-virtual address, and the instruction at RIP. Every access translates
 * anew under the partition's lock, so a page that is being taken away is either still there or not touched.
 */
#include <abi/hv_hypercall.h>
#include <hv/partition.h>
#include <hv/string.h>
#include <hv/vp.h>

#define CR0_PE		BIT(0)
#define CR0_WP		BIT(16)
#define CR0_PG		BIT(31)
#define CR4_PSE		BIT(4)
#define CR4_PAE		BIT(5)
#define CR4_LA57	BIT(12)
#define EFER_LMA	BIT(10)
#define EFER_NXE	BIT(11)
#define PTE_PRESENT	BIT(0)
#define PTE_WRITE	BIT(1)
#define PTE_USER	BIT(2)
#define PTE_LARGE	BIT(7)
#define PTE_NX		BIT(63)
#define PTE_ADDRESS	0x000ffffffffff000ull

static size_t bytes_in_page(gpa_t gpa, size_t bytes)
{
	size_t left = PAGE_SIZE - (gpa.addr & ~PAGE_MASK);

	return bytes < left ? bytes : left;
}

bool partition_copy(struct partition *p, gpa_t gpa, void *buffer, size_t bytes, bool write)
{
	while (bytes) {
		size_t part = bytes_in_page(gpa, bytes);
		spa_t spa;

		if (gpa_space_translate(&p->gpa, gpa, write ? GPA_READ | GPA_WRITE : GPA_READ, &spa))
			return false;
		memcpy(write ? spa_to_virt(spa) : buffer, write ? buffer : spa_to_virt(spa), part);
		if (write && p->gpa.tracking)
			gpa_space_access_state(&p->gpa, gpa, HV_GPA_SET_DIRTY);
		buffer = (char *)buffer + part;
		gpa.addr += part;
		bytes -= part;
	}
	return true;
}

struct paging {
	uint64_t cr3, cr0, efer;
	unsigned int levels;		/* 2, 3, 4 or 5 */
	unsigned int entry_bytes;
	bool user;
};

static struct paging paging_mode(struct vp *vp, bool user)
{
	uint64_t cr4 = vp_register64(vp, HV_X64_REGISTER_CR4);
	struct paging m = {
		.cr3 = vp_register64(vp, HV_X64_REGISTER_CR3), .cr0 = vp_register64(vp, HV_X64_REGISTER_CR0),
		.efer = vp_register64(vp, HV_X64_REGISTER_EFER), .user = user, .entry_bytes = 8,
	};

	if (!(m.cr0 & CR0_PG))
		return m;
	if (m.efer & EFER_LMA)
		m.levels = cr4 & CR4_LA57 ? 5 : 4;
	else
		m.levels = cr4 & CR4_PAE ? 3 : 2;
	if (m.levels == 2)
		m.entry_bytes = 4;
	return m;
}

static uint64_t level_shift(const struct paging *m, unsigned int level)
{
	return PAGE_SHIFT + (level - 1) * (m->entry_bytes == 4 ? 10 : 9);
}

static gpa_t entry_gpa(const struct paging *m, uint64_t table, uint64_t gva, unsigned int level)
{
	uint64_t index = gva >> level_shift(m, level);

	if (m->levels == 3 && level == 3)		/* PAE: four pointers, 32-byte aligned */
		return (gpa_t){ (m->cr3 & 0xffffffe0) + (index & 3) * 8 };
	return (gpa_t){ table + (index & (m->entry_bytes == 4 ? 0x3ff : 0x1ff)) * m->entry_bytes };
}

static uint32_t check_rights(const struct paging *m, uint64_t rights, unsigned int flags)
{
	bool write_ok = (rights & PTE_WRITE) || (!m->user && !(m->cr0 & CR0_WP));

	if (flags & HV_TRANSLATE_PRIVILEGE_EXEMPT)
		return HV_TRANSLATE_SUCCESS;
	if ((m->user && !(rights & PTE_USER)) || ((flags & HV_TRANSLATE_WRITE) && !write_ok) ||
	    ((flags & HV_TRANSLATE_EXECUTE) && (rights & PTE_NX) && (m->efer & EFER_NXE)))
		return HV_TRANSLATE_PRIVILEGE_VIOLATION;
	return HV_TRANSLATE_SUCCESS;
}

static bool is_leaf(const struct paging *m, uint64_t entry, unsigned int level)
{
	return level == 1 || ((entry & PTE_LARGE) && (level == 2 || (level == 3 && m->levels >= 4)));
}

static void walk_tables(struct vp *vp, const struct paging *m, uint64_t gva, unsigned int flags, struct gva_walk *walk)
{
	uint64_t rights = PTE_WRITE | PTE_USER, table = m->cr3 & PTE_ADDRESS, offset;

	for (unsigned int level = m->levels;; level--) {
		uint64_t entry = 0;

		if (!partition_read(vp->partition, entry_gpa(m, table, gva, level), &entry, m->entry_bytes)) {
			walk->result = HV_TRANSLATE_GPA_UNMAPPED;
			return;
		}
		if (!(entry & PTE_PRESENT)) {
			walk->result = HV_TRANSLATE_PAGE_NOT_PRESENT;
			return;
		}
		if (!(m->levels == 3 && level == 3))	/* PAE pointers carry no rights */
			rights = ((rights & entry) & (PTE_WRITE | PTE_USER)) | ((rights | entry) & PTE_NX);
		offset = (1ull << level_shift(m, level)) - 1;
		if (is_leaf(m, entry, level)) {
			walk->gpa.addr = (entry & PTE_ADDRESS & ~offset) | (gva & offset);
			walk->result = check_rights(m, rights, flags);
			return;
		}
		table = entry & PTE_ADDRESS;
	}
}

static uint32_t check_gpa(struct vp *vp, gpa_t gpa, unsigned int flags)
{
	unsigned int access;
	spa_t spa;

	if (gpa_space_lookup(&vp->partition->gpa, gpa, &spa, &access) == GPA_UNMAPPED)
		return HV_TRANSLATE_GPA_UNMAPPED;
	if (!(access & GPA_READ))			/* of what is marked "no access", too */
		return HV_TRANSLATE_GPA_NO_READ;
	return (flags & HV_TRANSLATE_WRITE) && !(access & GPA_WRITE) ? HV_TRANSLATE_GPA_NO_WRITE : HV_TRANSLATE_SUCCESS;
}

/* HvCallTranslateVirtualAddress; also how hv fetches instructions. */
void vp_translate_gva(struct vp *vp, uint64_t gva, unsigned int flags, struct gva_walk *walk)
{
	struct paging m = paging_mode(vp, vcpu_cpl(vp) == 3);

	*walk = (struct gva_walk){ HV_TRANSLATE_SUCCESS, { gva } };
	if (m.levels)
		walk_tables(vp, &m, m.levels < 4 ? gva & 0xffffffff : gva, flags, walk);
	if (walk->result == HV_TRANSLATE_SUCCESS)
		walk->result = check_gpa(vp, walk->gpa, flags);
}

static uint64_t linear_rip(struct vp *vp)
{
	union hv_register_value cs = { 0 };

	vcpu_get_register(vp, HV_X64_REGISTER_CS, &cs);
	return vcpu_in_long_mode(vp) ? vcpu_rip(vp) : (cs.segment.base + vcpu_rip(vp)) & 0xffffffff;
}

unsigned int vp_fetch_instruction(struct vp *vp, uint8_t bytes[16])
{
	unsigned int have = vcpu_instruction_bytes(vp, bytes);
	uint64_t rip = linear_rip(vp);
	struct gva_walk walk;

	if (have)
		return have;
	spin_lock(&vp->partition->lock);
	while (have < 16) {
		size_t part = bytes_in_page((gpa_t){ rip + have }, 16 - have);

		vp_translate_gva(vp, rip + have, HV_TRANSLATE_READ | HV_TRANSLATE_PRIVILEGE_EXEMPT, &walk);
		if (walk.result != HV_TRANSLATE_SUCCESS ||
		    !partition_read(vp->partition, walk.gpa, bytes + have, part))
			break;
		have += part;
	}
	spin_unlock(&vp->partition->lock);
	return have;
}
