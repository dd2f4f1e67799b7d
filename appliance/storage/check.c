/* SPDX-License-Identifier: Apache-2.0 */
/* disk_check() of manage.h. */
#include "storage/check.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "storage/formats.h"

struct check *check_of(const struct disk *d)
{
	return d->shared ? d->shared->check : NULL;
}

static void say(const struct check *c, const char *what, const char *text)
{
	if (c->out)
		fprintf(c->out, "%s: %s\n", what, text);
}

bool check_found(struct disk *d)
{
	struct check *c = check_of(d);

	if (!c)
		return false;
	c->findings->errors++;
	if (c->repair)
		c->findings->repaired++;
	say(c, c->repair ? "repaired" : "error", disk_error_text());
	return true;
}

void check_note(struct disk *d, bool repaired, const char *format, ...)
{
	struct check *c = check_of(d);
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	c->findings->errors++;
	c->findings->repaired += repaired;
	say(c, repaired ? "repaired" : "error", text);
}

void check_usage(struct disk *d, uint64_t used, uint64_t file_bytes)
{
	struct check *c = check_of(d);
	char text[100];

	if (!c || used >= file_bytes)
		return;
	c->findings->leaks++;
	snprintf(text, sizeof(text), "%llu of the file's %llu bytes are used by nothing", (unsigned long long)(file_bytes - used),
		 (unsigned long long)file_bytes);
	say(c, "leak", text);
}

/* Opens it without its parent; what was noted on the way is written by the commit. */
static int check_open(struct disk *d)
{
	struct sparse *s;
	int r = d->ops->check ? d->ops->check(d) : 0;

	if (r == 0)
		r = d->ops->open(d);
	if (r < 0)
		return r;
	s = d->ops->engine ? d->ops->engine(d) : NULL;
	if (s && !d->read_only && d->shared->check->findings->repaired)
		r = d->ops->prepare(d, 0, true);
	if (r == 0 && s && !d->read_only)
		r = d->ops->commit(d);
	if (d->ops->close)
		d->ops->close(d);
	return r;
}

int disk_check(const char *format, int fd, bool repair, struct disk_findings *f, FILE *out)
{
	struct check c = { f, out, repair };
	struct disk_shared shared = { .check = &c };
	struct disk d = {
		.fd = fd, .read_only = !repair, .kind = DISK_FIXED, .logical_sector = DISK_SECTOR, .physical_sector = DISK_SECTOR,
		.shared = &shared,
	};
	int r;

	disk_fail_clear();
	*f = (struct disk_findings) { 0 };
	d.ops = disk_format_find(format);
	if (!d.ops)
		return -ENOTSUP;
	d.format = d.ops->format;
	r = check_open(&d);
	if (r != -EILSEQ && r != -ENOTSUP && r != -EFBIG)
		return r;
	f->errors++;
	say(&c, "error", disk_error_text());
	return 0;
}
