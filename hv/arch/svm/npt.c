/* SPDX-License-Identifier: Apache-2.0 */
/* Nested page tables (AMD APM 2, 15.25): ordinary long-mode tables in which every access is a user access. */
#include <arch/x86/cpu.h>
#include <hv/gpa_space.h>
#include <arch/svm/npt.h>

#define NPT_PRESENT	BIT(0)
#define NPT_WRITE	BIT(1)
#define NPT_USER	BIT(2)
#define NPT_PWT		BIT(3)
#define NPT_PCD		BIT(4)
#define NPT_ACCESSED	BIT(5)
#define NPT_DIRTY	BIT(6)
#define NPT_LARGE	BIT(7)
#define NPT_NX		BIT(63)

/* NPT cannot say "not readable": an entry without GPA_READ is not present. */
static uint64_t npt_leaf(uint64_t spa, unsigned int access, bool uncached, unsigned int level)
{
	uint64_t entry = spa | NPT_USER;

	if (access & GPA_READ)
		entry |= NPT_PRESENT;
	if (access & GPA_WRITE)
		entry |= NPT_WRITE;
	if (!(access & GPA_EXECUTE))
		entry |= NPT_NX;
	if (uncached)
		entry |= NPT_PWT | NPT_PCD;
	return level > 1 ? entry | NPT_LARGE : entry;
}

static unsigned int npt_access(uint64_t entry)
{
	if (!(entry & NPT_PRESENT))
		return 0;
	return GPA_READ | (entry & NPT_WRITE ? GPA_WRITE : 0) | (entry & NPT_NX ? 0 : GPA_EXECUTE);
}

static struct npt_format svm_npt = {
	.table = NPT_PRESENT | NPT_WRITE | NPT_USER,
	.leaf = npt_leaf,
	.access = npt_access,
	.accessed = NPT_ACCESSED,
	.dirty = NPT_DIRTY,
	.largest_level = 2,
};
void npt_init(void)
{
	if (cpuid(0x80000001, 0).edx & BIT(26))
		svm_npt.largest_level = 3;
	npt_format = &svm_npt;
}
