/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and making files for partita-vdisk's commands, and saying what went wrong. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/tool/tool.h"

/* The name as seen from --within, or from the root of the file system. */
static int name_within(const struct options *o, const char *name, char full[PATH_MAX], const char **inside)
{
	char folder[PATH_MAX] = "/";
	size_t length;

	if (!realpath(name, full) || (o->within && !realpath(o->within, folder)))
		return -errno;
	length = strcmp(folder, "/") ? strlen(folder) : 0;
	if (strncmp(full, folder, length) || full[length] != '/')
		return -EXDEV;
	*inside = full + length + 1;
	return 0;
}

int tool_chain(const struct options *o, const char *name, const char *format, size_t writable, struct chain_files *out)
{
	char full[PATH_MAX];
	const char *inside = NULL;
	int folder, r = name_within(o, name, full, &inside);

	if (r < 0)
		return r;
	folder = open(o->within ? o->within : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	r = chain_files_open(folder, inside, format, writable, o->direct ? O_DIRECT : 0, out);
	close(folder);
	return r;
}

int tool_open(const struct options *o, const char *name, const char *format, bool writable, struct opened *out)
{
	int r = tool_chain(o, name, format, writable, &out->files);

	if (r < 0)
		return r;
	r = disk_open_chain(out->files.source, out->files.count, !writable, &out->disk);
	if (r < 0)
		chain_files_close(&out->files);
	return r;
}

int tool_create(const char *name, const struct disk_new *n, int *fd)
{
	int r;

	*fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (*fd < 0)
		return -errno;
	r = disk_create_image(*fd, n);
	if (r < 0) {
		close(*fd);
		unlink(name);
	}
	return r;
}

int tool_fail(const struct options *o, const char *what, int error)
{
	const char *why = disk_error_text()[0] ? disk_error_text() : strerror(-error);

	if (o->json) {
		report_begin(o);
		report_text("error", why);
		report_number("errno", (uint64_t)-error);
		report_end();
	}
	fprintf(stderr, "partita-vdisk: %s: %s\n", what, why);
	return 1;
}

static bool show_progress(void *context, uint64_t done, uint64_t total)
{
	int *shown = context, percent = total ? (int)(done * 100 / total) : 100;

	if (percent != *shown)
		fprintf(stderr, "%d %%\n", percent);
	*shown = percent;
	return false;
}

const struct disk_progress *tool_progress(const struct options *o)
{
	static int shown = -1;
	static const struct disk_progress progress = { show_progress, &shown };

	return o->progress ? &progress : NULL;
}

void guid_text(const uint8_t g[DISK_GUID_SIZE], char text[37])
{
	snprintf(text, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", g[0], g[1], g[2], g[3], g[4],
		 g[5], g[6], g[7], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}
