/* SPDX-License-Identifier: Apache-2.0 */
/* See chain_files.h. The kernel does the confining: openat2() with RESOLVE_BENEATH. */
#include "storage/chain_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "storage/formats.h"

static int open_beneath(int folder, const char *path, bool writable, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)((writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | flags),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, folder, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static void to_our_separators(char *path)
{
	for (; *path; path++)
		if (*path == '\\')
			*path = '/';
}

/* `relative` as seen from the folder that the child is in. */
static int join(const char *child, const char *relative, char out[CHAIN_PATH_MAX])
{
	const char *slash = strrchr(child, '/');
	size_t folder = slash ? (size_t)(slash - child) + 1 : 0, length = strlen(relative);

	if (folder + length >= CHAIN_PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(out, child, folder);
	memcpy(out + folder, relative, length + 1);
	return 0;
}

static int add(struct chain_files *c, int folder, size_t writable, int flags)
{
	const char *path = c->path[c->count];
	int fd = open_beneath(folder, path, c->count < writable, flags);

	if (fd == -EXDEV)
		return disk_fail(fd, "image %zu of the chain, \"%.160s\", is outside of the folder", c->count, path);
	if (fd < 0)
		return disk_fail(fd, "image %zu of the chain, \"%.160s\": %s", c->count, path, strerror(-fd));
	c->source[c->count++].fd = fd;
	return 0;
}

/* The relative path, else the absolute one without its leading slash: it may be meant from the folder's root. */
static int add_parent(struct chain_files *c, int folder, size_t writable, int flags, struct disk_parent *where)
{
	const struct disk_source *child = &c->source[c->count - 1];
	int r = -ENOENT;

	c->source[c->count].format = child->format;
	to_our_separators(where->relative);
	if (where->relative[0]) {
		r = join(c->path[c->count - 1], where->relative, c->path[c->count]);
		r = r ? r : add(c, folder, writable, flags);
	}
	if (r == -ENOENT && where->absolute[0] == '/') {
		snprintf(c->path[c->count], CHAIN_PATH_MAX, "%s", where->absolute + 1);
		r = add(c, folder, writable, flags);
	}
	if (r == -ENOENT && !where->relative[0] && where->absolute[0] != '/')
		disk_fail(r, "image %zu of the chain: no path to its parent that could be followed (\"%.160s\")", c->count - 1,
			  where->absolute);
	return r;
}

static int open_all(struct chain_files *c, int folder, const char *format, size_t writable, int flags)
{
	struct disk_parent where;
	int r = add(c, folder, writable, flags);

	if (r < 0)
		return r;
	c->source[0].format = format ? format : disk_format_guess(c->source[0].fd);
	while ((r = disk_parent_locator(c->source[c->count - 1].format, c->source[c->count - 1].fd, &where)) == 0) {
		if (c->count == DISK_CHAIN_MAX)
			return disk_fail(-ELOOP, "the chain has more than %d images", DISK_CHAIN_MAX);
		r = add_parent(c, folder, writable, flags, &where);
		if (r < 0)
			return r;
	}
	return r == -ENOENT ? 0 : r;
}

int chain_files_open(int folder, const char *name, const char *format, size_t writable, int flags, struct chain_files *out)
{
	int r;

	out->count = 0;
	if (snprintf(out->path[0], CHAIN_PATH_MAX, "%s", name) >= CHAIN_PATH_MAX)
		return -ENAMETOOLONG;
	r = open_all(out, folder, format, writable, flags);
	if (r < 0)
		chain_files_close(out);
	return r;
}

void chain_files_close(struct chain_files *c)
{
	while (c->count)
		close(c->source[--c->count].fd);
}
