/* SPDX-License-Identifier: Apache-2.0 */
/* What of a VHDX is there twice, and the log: judged before the disk is opened, and mended from the other copy. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/check.h"
#include "storage/image.h"
#include "storage/vhdx/vhdx.h"

static int check_headers(struct vhdx *v)
{
	bool repair = check_of(v->disk)->repair;
	unsigned int bad = !v->header_valid[1];
	int r = 0;

	if (v->header_valid[0] && v->header_valid[1])
		return 0;
	if (repair)
		r = vhdx_write_header(v);	/* the one that does not count is the damaged one */
	if (r == 0)
		check_note(v->disk, repair, "header %u at %llu: signature or checksum is wrong, the other one is good", bad + 1,
			   VHDX_HEADER_1 + bad * VHDX_HEADER_STEP);
	return r;
}

static bool table_is_good(const struct vhdx_region_table *t)
{
	return !memcmp(t->signature, "regi", 4) && le32toh(t->checksum) == vhdx_region_checksum(t);
}

static int mend_table(struct vhdx *v, struct vhdx_region_table t[2], unsigned int bad)
{
	bool repair = check_of(v->disk)->repair;
	int r = 0;

	if (repair)
		r = image_write(v->fd, VHDX_REGION_TABLE_1 + bad * VHDX_REGION_TABLE_SIZE, &t[!bad], sizeof(t[0]));
	if (r == 0)
		check_note(v->disk, repair, "region table %u at %llu: differs from the good one", bad + 1,
			   VHDX_REGION_TABLE_1 + bad * VHDX_REGION_TABLE_SIZE);
	return r;
}

/* Both bad: opening the disk says so. Both good and different: the first one counts. */
static int check_tables(struct vhdx *v)
{
	struct vhdx_region_table *t = malloc(2 * sizeof(*t));
	int r = t ? 0 : -ENOMEM;
	bool good[2] = { false, false };

	for (unsigned int i = 0; r == 0 && i < 2; i++) {
		r = vhdx_read(v, VHDX_REGION_TABLE_1 + i * VHDX_REGION_TABLE_SIZE, &t[i], sizeof(t[i]));
		good[i] = r == 0 && table_is_good(&t[i]);
	}
	if (r == 0 && (good[0] || good[1]) && memcmp(&t[0], &t[1], sizeof(t[0])))
		r = mend_table(v, t, good[0]);
	free(t);
	return r;
}

static int check_log(struct vhdx *v)
{
	bool repair = check_of(v->disk)->repair;
	int r = vhdx_log_read(v);

	if (r < 0 || vhdx_guid_is_zero(&v->header.log))
		return r;
	v->file_end = (v->file_end + MIB - 1) / MIB * MIB;
	if (repair)
		r = vhdx_log_replay(v);
	if (r == 0 && check_of(v->disk)->out)
		fprintf(check_of(v->disk)->out, "note: the log %s: the disk was not closed\n", repair ? "was replayed" : "is to be replayed");
	return r;
}

int vhdx_check(struct disk *d)
{
	struct vhdx v = { .disk = d, .fd = d->fd };
	int64_t size = image_size(d->fd);
	int r = size < 0 ? (int)size : 0;

	v.file_end = (uint64_t)size;
	if (r == 0)
		r = vhdx_read_headers(&v);
	if (r == 0)
		r = check_headers(&v);
	if (r == 0)
		r = check_log(&v);
	if (r == 0)
		r = check_tables(&v);
	vhdx_log_forget(&v);
	return r;
}
