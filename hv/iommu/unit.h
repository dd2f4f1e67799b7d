/* SPDX-License-Identifier: Apache-2.0 */
/* One IOMMU, and what AMD's and Intel's have in common: a list in an ACPI table, a ring of 16-byte commands, a log of refusals. */
#ifndef HV_IOMMU_UNIT_H
#define HV_IOMMU_UNIT_H

#include <hv/iommu.h>
#include <hv/pool.h>

#define IOMMU_RING	256u			/* commands, events: a page of 16-byte entries each */
#define IOMMU_DOMAIN	1ull			/* of all devices */

struct iommu_entry { uint64_t low, high; };	/* of a ring or a table */

struct acpi_remapping {				/* a block of IVRS or DMAR */
	uint8_t type, subtype;			/* DMAR: the low and high byte of one number; IVRS: type and flags */
	uint16_t length;
	uint8_t data[4];
	uint64_t base;
} __packed;

struct iommu_unit {				/* written at boot, the rest under the lock in iommu.c */
	char *regs;
	uint64_t base, pages;			/* registers */
	uint8_t flags;				/* of its block in IVRS */
	bool incoherent;			/* it does not see what is in the CPUs' caches */
	unsigned int levels, largest_level;	/* of the tables it walks: 4, or 3 for the first 512 GiB; of a leaf: 2 or 3 */
	uint64_t capabilities;
	struct iommu_entry *ring, *log;		/* log: AMD's events */
	uint32_t tail, log_head;		/* entries */
	volatile uint64_t *done;		/* the IOMMU writes the number of the last flush here */
	uint64_t flushes;
};

struct iommu_event { uint16_t device; unsigned int reason; uint64_t address; };

struct iommu_vendor {
	const char *table, *name;
	struct iommu_format format;
	uint32_t tail_register;
	bool (*is_unit)(const struct acpi_remapping *block);
	const char *(*missing)(struct iommu_unit *u);	/* reads the capabilities; NULL: it can be used */
	uint64_t devices_bytes;				/* of the table of all devices */
	void (*devices)(void *table, uint64_t tables, unsigned int levels);	/* fills it */
	void (*start)(struct iommu_unit *u, uint64_t devices);	/* off, whatever the firmware did, then on */
	struct iommu_entry (*flush)(const struct iommu_unit *u);	/* command: forget all translations */
	struct iommu_entry (*signal)(uint64_t where, uint64_t number);	/* command: then write this there */
	bool (*event)(struct iommu_unit *u, struct iommu_event *event);	/* the next one of the log */
};
extern const struct iommu_vendor iommu_amd, iommu_vtd;

void iommu_command(struct iommu_unit *u, struct iommu_entry command);
void iommu_commands_end(struct iommu_unit *u);	/* starts what is in the ring and waits until it is done */

/* Waits until (register & mask) == value; an IOMMU that never answers is a machine that cannot be trusted any more. */
void iommu_wait32(const struct iommu_unit *u, uint32_t reg, uint32_t mask, uint32_t value);

#endif
