/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The job at the end of an upload: is the file what was sent (checksum), and a sound virtual disk? It came from outside, so it
 * is judged as hostile, alone, before anything else opens it. A bad one is removed. Formats of others are converted (upload_import.c).
 */
#include "uploads.h"

#include "upload_import.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES	(1u << 20)
#define NEEDS_IMPORT	1
#define NOT_THE_SAME	(-EBADMSG)	/* checksum; the other refusals are -EILSEQ */

struct upload_check {
	struct job_work job;
	struct upload_item *item;		/* busy: it stays */
	int fd;					/* of the file that was sent, or what was made of it */
	const char *foreign;			/* its format, if that is to be converted first; NULL: it is ours */
	struct upload_import *import;		/* meanwhile */
	struct upload_verdict verdict;
};

static int refuse(struct upload_check *c, int error, const char *text)
{
	snprintf(c->job.report, sizeof(c->job.report), "%s", text);
	return error;
}

/* --- on the thread --- */

static int hash_file(struct upload_check *c, unsigned char digest[32])
{
	uint64_t size = c->item->size_bytes, done = 0;
	unsigned char *buffer = malloc(READ_BYTES);
	mbedtls_sha256_context sha;
	int r = buffer ? 0 : -ENOMEM;

	mbedtls_sha256_init(&sha);
	if (r == 0 && mbedtls_sha256_starts(&sha, 0) != 0)
		r = -EIO;
	while (r == 0 && done < size) {
		ssize_t n = pread(c->fd, buffer, READ_BYTES, (off_t)done);

		if (n <= 0)
			r = n < 0 ? -errno : -EIO;
		else if (mbedtls_sha256_update(&sha, buffer, (size_t)n) != 0)
			r = -EIO;
		else if (atomic_load(&c->job.cancelled))
			r = -ECANCELED;
		done += n > 0 ? (uint64_t)n : 0;
		atomic_store(&c->job.percent, (unsigned int)(done * UPLOAD_IMPORT_FROM / size));
	}
	if (r == 0 && mbedtls_sha256_finish(&sha, digest) != 0)
		r = -EIO;
	mbedtls_sha256_free(&sha);
	free(buffer);
	return r;
}

static int check_sum(struct upload_check *c)
{
	char text[SHA256_TEXT_SIZE];
	unsigned char digest[32];
	int r = c->item->sha256[0] ? hash_file(c, digest) : 0;

	if (r < 0 || !c->item->sha256[0])
		return r;
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	if (strcmp(text, c->item->sha256) == 0)
		return 0;
	snprintf(c->job.report, sizeof(c->job.report), "The file's SHA-256 is %s, not what was announced; send it again.", text);
	return NOT_THE_SAME;
}

static int choose_format(struct upload_check *c)
{
	const char *said = c->item->format, *is = disk_format_guess(c->fd);

	c->verdict.format = DISK_FORMAT_VHDX;
	if (!said[0] && upload_foreign_format(c->fd, &c->foreign, c->job.report, sizeof(c->job.report)) < 0)
		return -EILSEQ;
	if (c->foreign)
		return 0;
	if (!said[0] && strcmp(is, "raw") == 0)
		return refuse(c, -EILSEQ, "The file is neither VHDX nor VHD; say format=raw if it is a disk sector by sector.");
	return word_find(disk_format_words, said[0] ? said : is, &c->verdict.format) ? 0 : -EINVAL;
}

static int check_image(struct upload_check *c)
{
	struct disk_findings found = { 0 };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int r;

	if (!out)
		return -ENOMEM;
	r = disk_check(disk_format_words[c->verdict.format], c->fd, false, &found, out);
	fclose(out);
	if (r == 0 && found.errors) {
		snprintf(c->job.report, sizeof(c->job.report), "The file is no sound %s disk: %.250s", disk_format_words[c->verdict.format],
			 text ? text : "");
		r = -EILSEQ;
	}
	free(text);
	return r;
}

/* Opened for writing, so that a log its last writer left is put in its place now. */
static int open_image(struct upload_check *c)
{
	const char *format = disk_format_words[c->verdict.format];
	int fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 3), r = fd < 0 ? -errno : 0;
	struct disk *d;

	if (r == 0)
		r = disk_open(format, fd, false, &d);
	if (r == -ENOLINK)
		return close(fd), refuse(c, -EILSEQ, "The file is a differencing disk, which is nothing without its parent; merge or convert it first.");
	if (r < 0) {
		snprintf(c->job.report, sizeof(c->job.report), "The file cannot be opened as a %s disk: %.250s", format, disk_error_text());
		if (fd >= 0)
			close(fd);
		return r == -ENOMEM || r == -ENOSPC || r == -EIO ? r : -EILSEQ;
	}
	c->verdict.size_bytes = d->size_bytes;
	c->verdict.kind = c->verdict.format == DISK_FORMAT_RAW ? DISK_FIXED : d->kind;
	return disk_close(d);
}

static int check_size(struct upload_check *c)
{
	if (c->verdict.format == DISK_FORMAT_RAW && c->item->size_bytes % 512 != 0)
		return refuse(c, -EILSEQ, "A raw disk is a multiple of 512 bytes long, and this file is not.");
	if (c->verdict.size_bytes < DISK_SIZE_MIN || c->verdict.size_bytes > DISK_SIZE_MAX)
		return refuse(c, -EILSEQ, "The disk in the file is smaller than 1 MiB or larger than 64 TiB.");
	return fsync(c->fd) < 0 ? -errno : 0;
}

static int check_sent(struct upload_check *c)
{
	int r = check_sum(c);

	return r ? r : choose_format(c);
}

static int check_disk(struct upload_check *c)
{
	int r = check_image(c);

	if (r == 0)
		r = open_image(c);
	return r ? r : check_size(c);
}

/* A foreign image is judged as sent, converted by somebody else, and then the result is judged. */
static int check_run(struct job_work *job)
{
	struct upload_check *c = (struct upload_check *)job;
	int r = c->verdict.imported ? 0 : check_sent(c);

	if (r == 0 && c->foreign && !c->verdict.imported)
		return NEEDS_IMPORT;
	return r ? r : check_disk(c);
}

/* --- on the loop --- */

static int become_disk(struct upload_check *c)
{
	struct vmms *v = c->job.vmms;
	struct upload_item *u = c->item;
	struct disk_item *d;
	int r = upload_accept(v, u, &c->verdict);

	if (r < 0)
		return r;
	d = disk_item_load(v, u->id);
	upload_discard(v, u);
	c->item = NULL;
	if (!d)
		return -EIO;
	event_add(v, "disk.created", SEVERITY_INFO, object_ref("disk", d->id, d->name), NULL, "Disk %s was uploaded.", d->name);
	return 0;
}

/* Bad or not wanted: it is removed. After an error of ours it stays, and is looked at again at the next start. */
static void check_end(struct upload_check *c, int result)
{
	struct job_work *job = &c->job;

	c->item->busy = false;
	if (result == 0)
		result = become_disk(c);
	if (c->item && (result == NOT_THE_SAME || result == -EILSEQ || result == -ECANCELED))
		upload_discard(job->vmms, c->item);
	job_work_end(job, result, result == NOT_THE_SAME ? "checksum_mismatch" : result == -EILSEQ ? "disk_invalid"
				: result == -ENOSPC	 ? "no_space"	       : "disk_job_failed");
	close(c->fd);
	free(c);
}

static void on_imported(void *data, int result, int fd)
{
	struct upload_check *c = data;

	c->import = NULL;
	if (result == 0) {
		close(c->fd);
		c->fd = fd;
		c->verdict.imported = true;
		result = job_work_again(&c->job);
	}
	if (result < 0)
		check_end(c, result);
}

static void check_done(struct job_work *job, int result)
{
	struct upload_check *c = (struct upload_check *)job;

	if (result == NEEDS_IMPORT)
		result = upload_import_start(job, c->item, c->fd, c->foreign, on_imported, c, &c->import);
	if (!c->import)
		check_end(c, result);
}

static void check_cancel(struct job_work *job)
{
	struct upload_check *c = (struct upload_check *)job;

	if (c->import)
		upload_import_stop(c->import);
}

int upload_check_start(struct vmms *v, struct upload_item *u, struct job **job)
{
	struct upload_check *c = calloc(1, sizeof(*c));
	char name[64];
	int r;

	if (!c)
		return -ENOMEM;
	*c = (struct upload_check){ .job = { .run = check_run, .done = check_done, .cancel = check_cancel }, .item = u };
	upload_part_name(u, name, sizeof(name));
	c->fd = openat(v->uploads_dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	r = c->fd < 0 ? -errno : 0;
	u->busy = true;
	if (r == 0)
		r = job_work_start(v, &c->job, "upload.check", u->id, u->name, true, job);
	if (r == 0)
		return 0;
	u->busy = false;
	if (c->fd >= 0)
		close(c->fd);
	free(c);
	return r;
}
