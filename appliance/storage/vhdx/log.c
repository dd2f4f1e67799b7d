/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of a VHDX ([MS-VHDX] 2.3). Reading finds the active sequence and turns it into records, which are written to the
 * file (vhdx_log_replay) or laid over it when it is read-only (vhdx_read).
 * Writing keeps one entry active: by the time the next is written, the pages of the one before are durable in place.
 * An entry fills less than half of the log, so that a torn one never destroys the one before it.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/crc32c.h"
#include "storage/image.h"
#include "storage/vhdx/vhdx.h"

#define RECORD_BYTES_MAX	(64ull << 30)	/* of all records: a log clears regions and tables, not disks */
#define ENTRIES_MAX	(VHDX_LOG_MAX / VHDX_LOG_SECTOR)

/* --- finding the active sequence --- */

struct sequence {
	uint32_t first, head, next;	/* places in the log: of the first and last entry, and behind the last */
	uint64_t head_sequence;
	bool valid;			/* the head's tail is one of its entries */
};

static uint32_t log_length(const struct vhdx *v)
{
	return le32toh(v->header.log_length);
}

/* The log is in memory twice in a row: an entry that wraps around its end lies in one piece. */
static const struct vhdx_log_entry *entry_at(const struct vhdx *v, uint32_t at)
{
	return (const struct vhdx_log_entry *)(v->log + at);
}

static uint32_t descriptor_sectors(uint32_t count)
{
	uint64_t bytes = sizeof(struct vhdx_log_entry) + (uint64_t)count * sizeof(struct vhdx_log_descriptor);

	return (uint32_t)((bytes + VHDX_LOG_SECTOR - 1) / VHDX_LOG_SECTOR);
}

static bool entry_is_valid(const struct vhdx *v, uint32_t at)
{
	const struct vhdx_log_entry *e = entry_at(v, at);
	uint32_t length = le32toh(e->length), tail = le32toh(e->tail), count = le32toh(e->count);

	return !memcmp(e->signature, "loge", 4) && vhdx_guid_equal(&e->log, &v->header.log) &&
	       length % VHDX_LOG_SECTOR == 0 && length > 0 && length <= log_length(v) &&
	       tail % VHDX_LOG_SECTOR == 0 && tail < log_length(v) && e->sequence != 0 &&
	       count < ENTRIES_MAX * VHDX_LOG_SECTOR / sizeof(struct vhdx_log_descriptor) &&
	       descriptor_sectors(count) <= length / VHDX_LOG_SECTOR &&
	       crc32c_without(e, length, offsetof(struct vhdx_log_entry, checksum)) == le32toh(e->checksum);
}

/* The entries from `at` on whose sequence numbers count up by one. */
static struct sequence sequence_from(const struct vhdx *v, uint32_t at)
{
	struct sequence s = { .first = at, .next = at };
	uint64_t travelled = 0;

	while (travelled < log_length(v) && entry_is_valid(v, s.next)) {
		const struct vhdx_log_entry *e = entry_at(v, s.next);

		if (travelled && le64toh(e->sequence) != s.head_sequence + 1)
			break;
		if (le32toh(e->length) > log_length(v) - travelled)
			break;		/* it would overwrite the first */
		s.head = s.next;
		s.head_sequence = le64toh(e->sequence);
		travelled += le32toh(e->length);
		s.next = (s.next + le32toh(e->length)) % log_length(v);
	}
	return s;
}

static bool sequence_has(const struct vhdx *v, const struct sequence *s, uint32_t place)
{
	for (uint32_t at = s->first; ; at = (at + le32toh(entry_at(v, at)->length)) % log_length(v)) {
		if (at == place)
			return true;
		if (at == s->head)
			return false;
	}
}

/* [MS-VHDX] 2.3.2: of all valid sequences the one whose head has the highest number. */
static struct sequence active_sequence(const struct vhdx *v)
{
	struct sequence best = { .valid = false };
	uint32_t at = 0;

	for (;;) {
		struct sequence s = sequence_from(v, at);
		uint32_t next = s.head_sequence ? s.next : at + VHDX_LOG_SECTOR;

		if (s.head_sequence) {
			s.valid = sequence_has(v, &s, le32toh(entry_at(v, s.head)->tail));
			if (s.valid && s.head_sequence > best.head_sequence)
				best = s;
		}
		if (next <= at || next >= log_length(v))
			return best;
		at = next;
	}
}

/* --- from descriptors to records --- */

static int check_target(const struct vhdx *v, uint64_t offset, uint64_t bytes, uint64_t end)
{
	uint64_t log = le64toh(v->header.log_offset);

	if (offset % VHDX_LOG_SECTOR || bytes % VHDX_LOG_SECTOR || bytes == 0)
		return disk_fail(-EILSEQ, "log: descriptor for %llu bytes at %llu, not multiples of 4096",
				 (unsigned long long)bytes, (unsigned long long)offset);
	if (offset < VHDX_REGION_TABLE_1 || offset > end || bytes > end - offset)
		return disk_fail(-EILSEQ, "log: descriptor for %llu bytes at %llu, allowed is %llu to %llu",
				 (unsigned long long)bytes, (unsigned long long)offset, VHDX_REGION_TABLE_1, (unsigned long long)end);
	if (offset < log + log_length(v) && offset + bytes > log)
		return disk_fail(-EILSEQ, "log: descriptor at %llu is for the log itself", (unsigned long long)offset);
	return 0;
}

/* The sector as it shall be in the file. The data sector lacks the bytes that the descriptor carries. */
static int restore_sector(const struct vhdx_log_descriptor *d, const struct vhdx_log_data *from, uint8_t *to)
{
	uint64_t sequence = le64toh(d->sequence);

	if (memcmp(from->signature, "data", 4) || le32toh(from->sequence_high) != sequence >> 32 ||
	    le32toh(from->sequence_low) != (uint32_t)sequence)
		return disk_fail(-EILSEQ, "log: the data sector for offset %llu is not of entry %llu",
				 (unsigned long long)le64toh(d->offset), (unsigned long long)sequence);
	memcpy(to, &d->leading, 8);
	memcpy(to + 8, from->data, sizeof(from->data));
	memcpy(to + VHDX_LOG_SECTOR - 4, &d->trailing, 4);
	return 0;
}

static int add_record(struct vhdx *v, const struct vhdx_log_descriptor *d, const uint8_t *data, uint64_t end)
{
	struct vhdx_record *record = &v->records[v->record_count];

	record->offset = le64toh(d->offset);
	record->bytes = data ? VHDX_LOG_SECTOR : le64toh(d->leading);
	record->data = data;
	v->record_count++;
	v->record_bytes += record->bytes > RECORD_BYTES_MAX ? RECORD_BYTES_MAX : record->bytes;
	if (v->record_bytes > RECORD_BYTES_MAX)
		return disk_fail(-EILSEQ, "log: entries for more than %llu bytes", RECORD_BYTES_MAX);
	return check_target(v, record->offset, record->bytes, end);
}

static int read_entry(struct vhdx *v, uint32_t at, uint8_t **sectors)
{
	const struct vhdx_log_entry *e = entry_at(v, at);
	const struct vhdx_log_descriptor *d = (const struct vhdx_log_descriptor *)(e + 1);
	const struct vhdx_log_data *data = (const struct vhdx_log_data *)(v->log + at) + descriptor_sectors(le32toh(e->count));
	const struct vhdx_log_data *end = (const struct vhdx_log_data *)(v->log + at + le32toh(e->length));
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < le32toh(e->count); i++, d++) {
		bool is_data = !memcmp(d->signature, "desc", 4);

		if ((!is_data && memcmp(d->signature, "zero", 4)) || d->sequence != e->sequence || (is_data && data >= end))
			return disk_fail(-EILSEQ, "log: descriptor %u of entry %llu has a wrong signature, number or no data", i,
					 (unsigned long long)le64toh(e->sequence));
		if (is_data)
			r = restore_sector(d, data++, *sectors);
		if (r == 0)
			r = add_record(v, d, is_data ? *sectors : NULL, v->file_end);
		*sectors += is_data ? VHDX_LOG_SECTOR : 0;
	}
	return r;
}

static int check_sizes(struct vhdx *v, const struct vhdx_log_entry *e)
{
	uint64_t flushed = le64toh(e->flushed_size), last = le64toh(e->last_size);
	int64_t size = image_size(v->fd);

	if (size < 0)
		return (int)size;
	if (flushed > (uint64_t)size)
		return disk_fail(-EILSEQ, "log: the file had %llu bytes when the log was written, it has %lld: it was cut off",
				 (unsigned long long)flushed, (long long)size);
	if (last > VHDX_FILE_MAX)
		return disk_fail(-EILSEQ, "log: file size %llu is above %llu", (unsigned long long)last, VHDX_FILE_MAX);
	if (last > v->file_end)
		v->file_end = last;
	return 0;
}

/* From the entry that the head calls its tail up to the head. */
static int read_sequence(struct vhdx *v, const struct sequence *s)
{
	const struct vhdx_log_entry *head = entry_at(v, s->head);
	uint8_t *sectors = v->log_sectors;
	int r = check_sizes(v, head);

	for (uint32_t at = le32toh(head->tail); r == 0; at = (at + le32toh(entry_at(v, at)->length)) % log_length(v)) {
		r = read_entry(v, at, &sectors);
		if (at == s->head)
			break;
	}
	return r;
}

static int load_log(struct vhdx *v)
{
	size_t length = log_length(v);
	int r;

	/* A descriptor is 32 bytes of the log, and data sectors are no more than the log has. */
	v->log = malloc(2 * length);
	v->log_sectors = malloc(length);
	v->records = calloc(length / sizeof(struct vhdx_log_descriptor), sizeof(v->records[0]));
	if (!v->log || !v->log_sectors || !v->records)
		return -ENOMEM;
	r = image_read(v->fd, le64toh(v->header.log_offset), v->log, length);
	if (r == 0)
		memcpy(v->log + length, v->log, length);
	return r;
}

int vhdx_log_read(struct vhdx *v)
{
	struct sequence s;
	int r;

	if (vhdx_guid_is_zero(&v->header.log))
		return 0;
	r = load_log(v);
	if (r < 0)
		return r;
	s = active_sequence(v);
	if (!s.valid)	/* some writers announce the log before its first entry: nothing was logged yet */
		return 0;
	v->log_sequence = s.head_sequence + 1;
	return read_sequence(v, &s);
}

void vhdx_log_forget(struct vhdx *v)
{
	free(v->log);
	free(v->log_sectors);
	free(v->records);
	v->log = v->log_sectors = NULL;
	v->records = NULL;
	v->record_count = 0;
	v->record_bytes = 0;
}

static int write_records(struct vhdx *v)
{
	int64_t size = image_size(v->fd);
	int r = size < 0 ? (int)size : 0;

	if (r == 0 && (uint64_t)size < v->file_end)
		r = image_set_size(v->fd, v->file_end);
	for (size_t i = 0; r == 0 && i < v->record_count; i++) {
		const struct vhdx_record *record = &v->records[i];

		r = record->data ? image_write(v->fd, record->offset, record->data, record->bytes)
				 : image_zero(v->fd, record->offset, record->bytes);
	}
	return r ? r : image_sync(v->fd);
}

int vhdx_log_replay(struct vhdx *v)
{
	int r;

	vhdx_guid_new(&v->header.file_write);
	r = vhdx_write_header(v);
	if (r == 0)
		r = write_records(v);
	if (r < 0)
		return r;
	vhdx_log_forget(v);
	return vhdx_log_empty(v);
}

/* --- reading through the log --- */

static void lay_over(const struct vhdx_record *record, uint64_t offset, uint8_t *to, size_t bytes)
{
	uint64_t from = record->offset > offset ? record->offset : offset;
	uint64_t end = record->offset + record->bytes < offset + bytes ? record->offset + record->bytes : offset + bytes;

	if (from >= end)
		return;
	if (record->data)
		memcpy(to + (from - offset), record->data + (from - record->offset), end - from);
	else
		memset(to + (from - offset), 0, end - from);
}

/* What is beyond the end of the file, but not beyond the one that the log gives it, is zeros. */
static int read_file(const struct vhdx *v, uint64_t offset, void *to, size_t bytes)
{
	int64_t size = image_size(v->fd);
	uint64_t there;

	if (size < 0)
		return (int)size;
	there = (uint64_t)size > offset ? (uint64_t)size - offset : 0;
	if (there >= bytes || offset + bytes > v->file_end)
		return image_read(v->fd, offset, to, bytes);
	memset((char *)to + there, 0, bytes - there);
	return there ? image_read(v->fd, offset, to, there) : 0;
}

int vhdx_read(const struct vhdx *v, uint64_t offset, void *to, size_t bytes)
{
	int r = read_file(v, offset, to, bytes);

	for (size_t i = 0; r == 0 && i < v->record_count; i++)
		lay_over(&v->records[i], offset, to, bytes);
	return r;
}

/* --- writing --- */

unsigned int vhdx_log_capacity(const struct vhdx *v)
{
	unsigned int half = log_length(v) / VHDX_LOG_SECTOR / 2;

	while (half && half + descriptor_sectors(half) >= log_length(v) / VHDX_LOG_SECTOR / 2)
		half--;
	return half;
}

static void fill_descriptor(const struct sparse_page *page, uint64_t sequence, struct vhdx_log_descriptor *d,
			    struct vhdx_log_data *data)
{
	memcpy(d->signature, "desc", 4);
	memcpy(&d->leading, page->data, 8);
	memcpy(&d->trailing, page->data + VHDX_LOG_SECTOR - 4, 4);
	d->offset = htole64(page->file_offset);
	d->sequence = htole64(sequence);
	memcpy(data->signature, "data", 4);
	data->sequence_high = htole32((uint32_t)(sequence >> 32));
	memcpy(data->data, page->data + 8, sizeof(data->data));
	data->sequence_low = htole32((uint32_t)sequence);
}

static void fill_entry(const struct vhdx *v, const struct sparse_page *pages, unsigned int count, uint32_t length,
		       uint64_t file_bytes, struct vhdx_log_entry *e)
{
	struct vhdx_log_descriptor *d = (struct vhdx_log_descriptor *)(e + 1);
	struct vhdx_log_data *data = (struct vhdx_log_data *)e + descriptor_sectors(count);

	*e = (struct vhdx_log_entry) {
		.signature = "loge", .length = htole32(length), .tail = htole32(v->log_at),
		.sequence = htole64(v->log_sequence), .count = htole32(count), .log = v->header.log,
		.flushed_size = htole64(file_bytes), .last_size = htole64(file_bytes),
	};
	for (unsigned int i = 0; i < count; i++)
		fill_descriptor(&pages[i], v->log_sequence, d + i, data + i);
	e->checksum = htole32(crc32c_without(e, length, offsetof(struct vhdx_log_entry, checksum)));
}

static int write_wrapping(struct vhdx *v, const uint8_t *entry, uint32_t length)
{
	uint64_t log = le64toh(v->header.log_offset);
	uint32_t before = log_length(v) - v->log_at < length ? log_length(v) - v->log_at : length;
	int r = image_write(v->fd, log + v->log_at, entry, before);

	if (r == 0 && before < length)
		r = image_write(v->fd, log, entry + before, length - before);
	return r ? r : image_sync(v->fd);
}

static int append(struct vhdx *v, const struct sparse_page *pages, unsigned int count)
{
	uint32_t length = (descriptor_sectors(count) + count) * VHDX_LOG_SECTOR;
	int64_t size = image_size(v->fd);
	uint8_t *entry;
	int r;

	if (size < 0)
		return (int)size;
	entry = aligned_alloc(VHDX_LOG_SECTOR, length);
	if (!entry)
		return -ENOMEM;
	memset(entry, 0, length);
	fill_entry(v, pages, count, length, (uint64_t)size, (struct vhdx_log_entry *)entry);
	r = write_wrapping(v, entry, length);
	free(entry);
	if (r < 0)
		return r;
	v->log_at = (v->log_at + length) % log_length(v);
	v->log_sequence++;
	return 0;
}

int vhdx_log_announce(struct vhdx *v)
{
	int r;

	vhdx_guid_new(&v->header.log);
	v->log_at = 0;
	v->log_sequence++;
	r = append(v, NULL, 0);
	return r ? r : vhdx_write_header(v);
}

int vhdx_log_empty(struct vhdx *v)
{
	int r = image_sync(v->fd);

	if (r < 0)
		return r;
	v->header.log = (struct vhdx_guid) { { 0 } };
	return vhdx_write_header(v);
}

int vhdx_log_write(struct vhdx *v, const struct sparse_page *pages, unsigned int count)
{
	int r = append(v, pages, count);

	for (unsigned int i = 0; r == 0 && i < count; i++)
		r = image_write(v->fd, pages[i].file_offset, pages[i].data, VHDX_LOG_SECTOR);
	return r;
}
