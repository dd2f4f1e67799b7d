/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MODE SENSE and MODE SELECT of disks (SPC-3, 6.7 to 6.10; SBC-3, 6.4): the caching page, where the guest may switch the
 * write cache off (every write is then forced to the disk), and the control page, where it may change nothing.
 */
#include "vmwp/vsp/scsi_internal.h"

#include <string.h>

enum { PAGE_CACHING = 0x08, PAGE_CONTROL = 0x0a, PAGE_ALL = 0x3f };
enum { CURRENT_VALUES, CHANGEABLE_VALUES, DEFAULT_VALUES, SAVED_VALUES };
#define CACHING_BYTES	20u
#define CONTROL_BYTES	12u
#define WCE		0x04u		/* byte 2 of the caching page */
#define DPOFUA		0x10u		/* device-specific parameter: FUA is honoured */
#define WRITE_PROTECT	0x80u
#define PARAMETERS_MAX	256u

static uint32_t put_caching(const struct scsi_unit *u, unsigned int control, uint8_t *p)
{
	bool cache = control == CURRENT_VALUES ? u->write_cache : true;		/* changeable and default: on */

	p[0] = PAGE_CACHING;
	p[1] = CACHING_BYTES - 2;
	p[2] = cache ? WCE : 0;
	return CACHING_BYTES;
}

static uint32_t put_control(unsigned int control, uint8_t *p)
{
	p[0] = PAGE_CONTROL;
	p[1] = CONTROL_BYTES - 2;
	if (control != CHANGEABLE_VALUES) {
		p[3] = 0x10;			/* commands may be reordered */
		p[8] = p[9] = 0xff;		/* busy timeout: unlimited */
	}
	return CONTROL_BYTES;
}

void scsi_mode_sense(struct scsi_unit *u, struct scsi_request *r)
{
	bool ten = r->cdb[0] == 0x5a;
	unsigned int page = r->cdb[2] & 0x3f, control = r->cdb[2] >> 6, subpage = r->cdb[3];
	uint8_t data[64] = { 0 };
	uint32_t n = ten ? 8 : 4;

	if (control == SAVED_VALUES) {
		scsi_fail(r, sense_saving_unsupported);
		return;
	}
	if ((page != PAGE_CACHING && page != PAGE_CONTROL && page != PAGE_ALL) ||
	    (subpage != 0 && !(page == PAGE_ALL && subpage == 0xff))) {
		scsi_fail(r, sense_bad_field);
		return;
	}
	if (page != PAGE_CONTROL)
		n += put_caching(u, control, data + n);
	if (page != PAGE_CACHING)
		n += put_control(control, data + n);
	data[ten ? 3 : 2] = (uint8_t)(DPOFUA | (u->medium->disk->read_only ? WRITE_PROTECT : 0));
	if (ten)
		scsi_put16(data, n - 2);
	else
		data[0] = (uint8_t)(n - 1);
	scsi_answer(r, data, n, ten ? scsi_get16(r->cdb + 7) : r->cdb[4]);
}

/* One page of the list, `left` bytes long with all that follows: its length, 0 when it asks for what cannot be. */
static uint32_t select_page(const struct scsi_unit *u, const uint8_t *p, uint32_t left, bool *cache)
{
	uint8_t want[CACHING_BYTES] = { 0 };
	uint32_t bytes = 0;

	if (left < 2)
		return 0;
	if (p[0] == PAGE_CACHING)
		bytes = put_caching(u, CURRENT_VALUES, want);
	else if (p[0] == PAGE_CONTROL)
		bytes = put_control(CURRENT_VALUES, want);
	if (bytes == 0 || left < bytes)
		return 0;
	if (p[0] == PAGE_CACHING) {
		*cache = p[2] & WCE;
		want[2] = (uint8_t)(*cache ? WCE : 0);	/* the one bit that may differ */
	}
	return memcmp(p, want, bytes) == 0 ? bytes : 0;
}

static bool select_pages(const struct scsi_unit *u, const uint8_t *list, uint32_t bytes, bool *cache)
{
	for (uint32_t at = 0; at < bytes;) {
		uint32_t n = select_page(u, list + at, bytes - at, cache);

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

/* Nothing is pending on what the cache covered: it is written before the cache is told to be off. */
static void cache_is_off(struct scsi_request *r, int result)
{
	if (result == 0)
		r->unit->write_cache = false;
	scsi_end(r, result);
}

static void select_cache(struct scsi_unit *u, struct scsi_request *r, bool cache)
{
	if (!cache && u->write_cache) {
		scsi_submit(r, DISK_FLUSH, 0, NULL, 0, 0, cache_is_off);
		return;
	}
	u->write_cache = cache;
	scsi_good(r);
}

void scsi_mode_select(struct scsi_unit *u, struct scsi_request *r)
{
	bool ten = r->cdb[0] == 0x55, cache = u->write_cache;
	uint32_t bytes = ten ? scsi_get16(r->cdb + 7) : r->cdb[4], header = ten ? 8 : 4, descriptors;
	uint8_t list[PARAMETERS_MAX];

	if ((r->cdb[1] & 0x01) || !(r->cdb[1] & 0x10)) {	/* save pages; a vendor's page format */
		scsi_fail(r, sense_bad_field);
		return;
	}
	if (bytes == 0) {
		scsi_good(r);
		return;
	}
	if (bytes < header || bytes > sizeof(list) || scsi_take(r, list, bytes) < 0) {
		scsi_fail(r, sense_bad_length);
		return;
	}
	descriptors = ten ? scsi_get16(list + 6) : list[3];
	if (descriptors > bytes - header)
		scsi_fail(r, sense_bad_length);
	else if (descriptors != 0 || !select_pages(u, list + header, bytes - header, &cache))
		scsi_fail(r, sense_bad_parameter);
	else
		select_cache(u, r, cache);
}
