/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See metrics_files.h. They are in the runtime directory: it ends with the host's boot, as the clock does by which the series go. Written
 * aside and renamed, without a sync: only the death of the service is to be survived.
 */
#include "metrics_files.h"

#include "partita/file.h"
#include "partita/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER		"metrics"
#define NEW_FILE	FILE_TEMPORARY_PREFIX "metrics"

void metrics_files_open(struct vmms *v)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/" FOLDER, v->options.runtime_dir);
	v->metrics_dir = directory_open(AT_FDCWD, path, 0700);
	if (v->metrics_dir < 0)
		log_warning("%s: %s; metrics end with the service", path, strerror(-v->metrics_dir));
}

void metrics_files_close(struct vmms *v)
{
	if (v->metrics_dir >= 0)
		close(v->metrics_dir);
	v->metrics_dir = -1;
}

void metrics_file_write(const struct vmms *v, const char *name, const struct rings *rings)
{
	void *bytes = v->metrics_dir >= 0 ? malloc(rings_size()) : NULL;
	int fd = bytes ? openat(v->metrics_dir, NEW_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;

	if (fd >= 0) {
		rings_pack(rings, bytes);
		if (write(fd, bytes, rings_size()) == (ssize_t)rings_size())
			(void)renameat(v->metrics_dir, NEW_FILE, v->metrics_dir, name);
		close(fd);
	}
	free(bytes);
}

struct rings *metrics_file_read(const struct vmms *v, const char *name)
{
	struct rings *r = NULL;
	char *bytes = NULL;
	size_t size;

	if (v->metrics_dir >= 0 && file_read(v->metrics_dir, name, rings_size(), &bytes, &size) == 0)
		r = rings_unpack(bytes, size);
	free(bytes);
	return r;
}

void metrics_file_remove(const struct vmms *v, const char *name)
{
	if (v->metrics_dir >= 0)
		(void)unlinkat(v->metrics_dir, name, 0);
}
