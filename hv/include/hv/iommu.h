/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices' access to memory, where the platform has an IOMMU. It walks the root's own nested page tables, so what the root
 * cannot reach no device can: hv's image, its heap, deposited pages, the IOMMU's registers. There is no second table that
 * could differ. Interrupt remapping stays off: a device's interrupts go where the root sends them, as without an IOMMU.
 */
#ifndef HV_IOMMU_H
#define HV_IOMMU_H

#include <hv/types.h>

/* What an IOMMU that walks nested page tables wants in their entries, besides what the CPU reads there. */
struct iommu_format {
	uint64_t read, write;			/* per right that the entry gives */
	uint64_t level;				/* in a table's entry, times the level that it leads to */
	unsigned int largest_level;		/* of a leaf, as in struct npt_format */
};

/* Boot, in this order: an ACPI table, of any kind; memory, before the boot heap is given away; when the root is mapped. */
void iommu_read_acpi(const void *table, uint64_t size_at_most);
const struct iommu_format *iommu_prepare(void);	/* for the root's GPA space; NULL: no IOMMU that hv can use */
void iommu_start(void);

/* No device holds a translation any more that was changed before the call. gpa_space_flush() calls it for the root. */
void iommu_flush(void);

/* Says what devices were kept from, at most every 100 ms: after each of the root's exits. */
void iommu_report(void);

#endif
