/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the disk and the ISO library do alike at start: a folder of data files, each with its description <uuid>.json beside it.
 * Descriptions are read; data files of our own making that have none were left by a crash and are removed.
 */
#include "library.h"

#include "partita/file.h"
#include "partita/guid.h"
#include "partita/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_data_file(const struct library_folder *f, const char *name, char id[GUID_TEXT_SIZE])
{
	if (!guid_from_file_name(name, id))
		return false;
	for (size_t i = 0; i < LIBRARY_ENDINGS; i++)
		if (f->endings[i] && strcmp(strchr(name, '.'), f->endings[i]) == 0)
			return true;
	return false;
}

static void remove_if_undescribed(const struct library_folder *f, const char *name)
{
	char id[GUID_TEXT_SIZE], description[64];

	if (!is_data_file(f, name, id))
		return;
	snprintf(description, sizeof(description), "%s.json", id);
	if (faccessat(f->dir, description, F_OK, 0) == 0)
		return;
	log_warning("%s/%s has no description: left by a crash, removed", f->name, name);
	unlinkat(f->dir, name, 0);
}

int library_scan(struct vmms *v, const struct library_folder *f)
{
	int fd = dup(f->dir);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		int error = -errno;

		if (fd >= 0)
			close(fd);
		return error;
	}
	file_remove_temporaries(f->dir);
	rewinddir(dir);
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		const char *dot = strrchr(e->d_name, '.');

		if (e->d_name[0] != '.' && dot && strcmp(dot, ".json") == 0)
			f->load_description(v, e->d_name);
		else
			remove_if_undescribed(f, e->d_name);
	}
	closedir(dir);
	return 0;
}
