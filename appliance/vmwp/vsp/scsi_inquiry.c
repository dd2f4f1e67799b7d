/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INQUIRY (SPC-3, 6.4) with the vital product data pages of disks and drives (SPC-3, 7.6; SBC-3, 6.5). Vendor and product
 * are the ones Hyper-V gives: Linux' and Windows' drivers know them.
 */
#include "vmwp/vsp/scsi_internal.h"

#include <string.h>

#define PERIPHERAL_DISK		0x00u
#define VERSION_SPC3		5
#define UNMAP_DESCRIPTORS_MAX	4095u		/* what a list of 65535 bytes has room for */
#define WRITE_SAME_BYTES_MAX	(8u << 20)
#define PAGE_MAX		128u

/* A page's bytes from offset 4 on; returns how many. */
struct vpd_page {
	uint8_t code;
	bool disk_only;
	uint32_t (*fill)(const struct scsi_unit *u, uint8_t *p);
};

static uint32_t vpd_list(const struct scsi_unit *u, uint8_t *p);

static uint32_t vpd_serial(const struct scsi_unit *u, uint8_t *p)
{
	uint32_t n = (uint32_t)strlen(u->serial);

	memcpy(p, u->serial, n);
	return n;
}

/* FNV-1a; two of them, differently seeded, make a name of 100 bits out of a serial text. */
static uint64_t hash_text(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 0x100000001b3ull;
	return h;
}

/* NAA 6: IEEE registered extended; the company id is Microsoft's, as guests' cluster software expects of this product. */
static void naa_put(const struct scsi_unit *u, uint8_t *p)
{
	uint64_t high = hash_text(0xcbf29ce484222325ull, u->serial), low = hash_text(0x9ae16a3b2f90404full, u->serial);

	scsi_put64(p, 6ull << 60 | 0x002248ull << 36 | (high & 0xfffffffffull));
	scsi_put64(p + 8, low);
}

static uint32_t vpd_identification(const struct scsi_unit *u, uint8_t *p)
{
	uint32_t serial = (uint32_t)strlen(u->serial);

	p[0] = 0x02;				/* ASCII, T10 vendor id */
	p[1] = 0x01;
	p[3] = (uint8_t)(8 + serial);
	memcpy(p + 4, u->kind->identity, 8);
	memcpy(p + 12, u->serial, serial);
	p += 12 + serial;
	p[0] = 0x01;				/* binary, NAA */
	p[1] = 0x03;
	p[3] = 16;
	naa_put(u, p + 4);
	return 12 + serial + 20;
}

static uint32_t vpd_block_limits(const struct scsi_unit *u, uint8_t *p)
{
	uint64_t block = u->block_bytes, granularity = u->medium->disk->block_bytes;

	p[0] = 0x01;				/* WSNZ: a WRITE SAME of zero blocks is not "all the rest" */
	scsi_put16(p + 2, u->medium->disk->physical_sector / block);
	scsi_put32(p + 4, SCSI_TRANSFER_MAX / block);
	scsi_put32(p + 8, SCSI_TRANSFER_MAX / block);
	scsi_put32(p + 16, UINT32_MAX);		/* blocks of one UNMAP */
	scsi_put32(p + 20, UNMAP_DESCRIPTORS_MAX);
	scsi_put32(p + 24, granularity > block ? granularity / block : 1);
	scsi_put64(p + 32, WRITE_SAME_BYTES_MAX / block);
	return 0x3c;
}

static uint32_t vpd_characteristics(const struct scsi_unit *u, uint8_t *p)
{
	(void)u;
	scsi_put16(p, 1);			/* does not rotate */
	return 0x3c;
}

/* LBPRZ stays 0: an unmapped block may keep its contents where unmapping gains nothing (storage/disk.h). */
static uint32_t vpd_provisioning(const struct scsi_unit *u, uint8_t *p)
{
	(void)u;
	p[1] = 0xe0;				/* UNMAP, WRITE SAME (16) and (10) unmap */
	p[2] = 0x02;				/* thin */
	return 4;
}

static const struct vpd_page pages[] = {
	{ 0x00, false, vpd_list },
	{ 0x80, false, vpd_serial },
	{ 0x83, false, vpd_identification },
	{ 0xb0, true, vpd_block_limits },
	{ 0xb1, true, vpd_characteristics },
	{ 0xb2, true, vpd_provisioning },
};
#define PAGES (sizeof(pages) / sizeof(pages[0]))

static bool page_is_for(const struct vpd_page *page, const struct scsi_unit *u)
{
	return !page->disk_only || u->kind->peripheral == PERIPHERAL_DISK;
}

static uint32_t vpd_list(const struct scsi_unit *u, uint8_t *p)
{
	uint32_t n = 0;

	for (size_t i = 0; i < PAGES; i++)
		if (page_is_for(&pages[i], u))
			p[n++] = pages[i].code;
	return n;
}

static void inquiry_vpd(struct scsi_unit *u, struct scsi_request *r)
{
	uint8_t data[4 + PAGE_MAX] = { u->kind->peripheral, r->cdb[2] };
	uint32_t n;

	for (size_t i = 0; i < PAGES; i++) {
		if (pages[i].code != r->cdb[2] || !page_is_for(&pages[i], u))
			continue;
		n = pages[i].fill(u, data + 4);
		scsi_put16(data + 2, n);
		scsi_answer(r, data, 4 + n, scsi_get16(r->cdb + 3));
		return;
	}
	scsi_fail(r, sense_bad_field);
}

void scsi_inquiry(struct scsi_unit *u, struct scsi_request *r)
{
	uint8_t data[36] = { u->kind->peripheral };

	if (r->cdb[1] & 1) {
		inquiry_vpd(u, r);
		return;
	}
	if (r->cdb[1] || r->cdb[2]) {		/* CMDDT is obsolete; a page code without EVPD means nothing */
		scsi_fail(r, sense_bad_field);
		return;
	}
	data[1] = u->kind->peripheral == PERIPHERAL_DISK ? 0 : 0x80;	/* removable */
	data[2] = VERSION_SPC3;
	data[3] = 0x02;				/* response data format */
	data[4] = sizeof(data) - 5;
	data[7] = 0x02;				/* command queuing */
	memcpy(data + 8, u->kind->identity, 28);
	scsi_answer(r, data, sizeof(data), scsi_get16(r->cdb + 3));
}
