/* SPDX-License-Identifier: Apache-2.0 */
/* See partita/file.h. Never follows a symbolic link in the last component. */
#include "partita/file.h"

#include "partita/guid.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

int file_write(int dir_fd, const char *name, const void *data, size_t size, mode_t mode)
{
	char guid[GUID_TEXT_SIZE], temporary[sizeof(FILE_TEMPORARY_PREFIX) + GUID_TEXT_SIZE];
	int fd, r = guid_new(guid);

	if (r < 0)
		return r;
	snprintf(temporary, sizeof(temporary), FILE_TEMPORARY_PREFIX "%s", guid);
	fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	r = write_all(fd, data, size);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir_fd, temporary, 0);
	else if (fsync(dir_fd) < 0)
		r = -errno;
	return r;
}

static int read_all(int fd, char *data, size_t size, size_t *got)
{
	*got = 0;
	while (*got < size) {
		ssize_t n = read(fd, data + *got, size - *got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return 0;
}

int file_read(int dir_fd, const char *name, size_t size_max, char **data, size_t *size)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char *buffer = NULL;
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) < 0                ? -errno
	    : !S_ISREG(st.st_mode)            ? -EINVAL
	    : (uint64_t)st.st_size > size_max ? -EFBIG
	                                      : 0;
	if (r < 0)
		goto out;
	buffer = malloc((size_t)st.st_size + 1);
	r = buffer ? read_all(fd, buffer, (size_t)st.st_size, size) : -ENOMEM;
	if (r < 0)
		goto out;
	buffer[*size] = 0;
	*data = buffer;
	buffer = NULL;
out:
	free(buffer);
	close(fd);
	return r;
}

int file_remove(int dir_fd, const char *name)
{
	if (unlinkat(dir_fd, name, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	return fsync(dir_fd) < 0 ? -errno : 0;
}

int file_write_json(int dir_fd, const char *name, const json_t *value, mode_t mode)
{
	char *text = json_dumps(value, JSON_INDENT(2));
	int r = text ? file_write(dir_fd, name, text, strlen(text), mode) : -ENOMEM;

	free(text);
	return r;
}

int file_read_json(int dir_fd, const char *name, size_t size_max, json_t **value)
{
	char *text = NULL;
	size_t size;
	json_t *parsed;
	int r = file_read(dir_fd, name, size_max, &text, &size);

	if (r < 0)
		return r;
	parsed = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	if (!json_is_object(parsed)) {
		json_decref(parsed);
		return -EBADMSG;
	}
	*value = parsed;
	return 0;
}

int file_remove_temporaries(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int removed = 0;

	if (!dir)
		return -errno;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		if (strncmp(e->d_name, FILE_TEMPORARY_PREFIX, strlen(FILE_TEMPORARY_PREFIX)) == 0 &&
		    unlinkat(dir_fd, e->d_name, 0) == 0)
			removed++;
	closedir(dir);
	return removed;
}

int directory_open(int dir_fd, const char *name, mode_t mode)
{
	int fd;

	if (mkdirat(dir_fd, name, mode) == 0) {
		if (dir_fd != AT_FDCWD)
			fsync(dir_fd);
	} else if (errno != EEXIST) {
		return -errno;
	}
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
