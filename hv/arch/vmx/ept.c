/* SPDX-License-Identifier: Apache-2.0 */
/* EPT entries (Intel SDM 3, 29.3.2): rights in bits 2:0, the memory type in every leaf. */
#include <arch/vmx/vmx.h>
#include <hv/partition.h>

#define EPT_READ	BIT(0)
#define EPT_WRITE	BIT(1)
#define EPT_EXECUTE	BIT(2)
#define EPT_WRITE_BACK	(6ull << 3)		/* uncached is 0 */
#define EPT_LARGE	BIT(7)
#define EPT_ACCESSED	BIT(8)
#define EPT_DIRTY	BIT(9)
#define EPTP_FOUR_LEVELS (3ull << 3)
#define EPTP_WRITE_BACK	6ull
#define EPTP_DIRTY	BIT(6)

#define CAP_LARGE_1G	BIT(17)
#define CAP_DIRTY	BIT(21)

/* The CPU cannot say "not readable" of what may be written: an entry without GPA_READ is not present. */
static uint64_t ept_leaf(uint64_t spa, unsigned int access, bool uncached, unsigned int level)
{
	uint64_t entry = spa | (uncached ? 0 : EPT_WRITE_BACK) | (level > 1 ? EPT_LARGE : 0);

	if (!(access & GPA_READ))
		return entry;
	return entry | EPT_READ | (access & GPA_WRITE ? EPT_WRITE : 0) | (access & GPA_EXECUTE ? EPT_EXECUTE : 0);
}

static unsigned int ept_access(uint64_t entry)
{
	return (entry & EPT_READ ? GPA_READ : 0) | (entry & EPT_WRITE ? GPA_WRITE : 0) | (entry & EPT_EXECUTE ? GPA_EXECUTE : 0);
}

static struct npt_format ept_format = {
	.table = EPT_READ | EPT_WRITE | EPT_EXECUTE,
	.leaf = ept_leaf,
	.access = ept_access,
	.largest_level = 2,
};

void ept_init(void)
{
	uint64_t caps = rdmsr(MSR_VMX_EPT_VPID);

	if (caps & CAP_LARGE_1G)
		ept_format.largest_level = 3;
	if (caps & CAP_DIRTY) {
		ept_format.accessed = EPT_ACCESSED;
		ept_format.dirty = EPT_DIRTY;
	}
	npt_format = &ept_format;
}

uint64_t ept_pointer(const struct vp *vp)
{
	return vp->partition->gpa.root.addr | EPTP_FOUR_LEVELS | EPTP_WRITE_BACK | (ept_format.dirty ? EPTP_DIRTY : 0);
}
