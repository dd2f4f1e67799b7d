/* SPDX-License-Identifier: Apache-2.0 */
/* partita-vdisk convert: between our formats; what else qemu-img can read is imported through a raw file beside the target. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/tool/tool.h"

static bool is_ours(const char *format)
{
	return !format || !strcmp(format, "raw") || !strcmp(format, "vhd") || !strcmp(format, "vhdx") || !strcmp(format, "iso");
}

static int run_qemu_img(const char *format, const char *from, const char *to)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (child == 0) {
		execlp("qemu-img", "qemu-img", "convert", "-f", format, "-O", "raw", from, to, (char *)NULL);
		fprintf(stderr, "partita-vdisk: format %s is imported by qemu-img, which cannot be run: %s\n", format, strerror(errno));
		_exit(127);
	}
	if (waitpid(child, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOTSUP;
}

static int copy_to_new(const struct options *o, struct disk *from)
{
	struct disk_new n = {
		.format = o->format ? o->format : "vhdx", .kind = o->kind, .block_bytes = o->block_bytes,
		.logical_sector = o->logical_sector ? o->logical_sector : from->logical_sector, .physical_sector = o->physical_sector,
	};
	struct disk *to;
	int fd, r;

	if (!strcmp(n.format, "vhd") && from->logical_sector == 512)
		n.logical_sector = 0;
	if (n.logical_sector != 4096)
		n.logical_sector = 0;
	/* An ISO, or a file of another tool, may end within a sector of the new disk. */
	n.size_bytes = (from->size_bytes + (n.logical_sector ? n.logical_sector : 512) - 1) / (n.logical_sector ? n.logical_sector : 512) *
		       (n.logical_sector ? n.logical_sector : 512);
	r = tool_create(o->args[1], &n, &fd);
	if (r < 0)
		return r;
	r = disk_open(n.format, fd, false, &to);
	if (r < 0) {
		close(fd);
	} else {
		int end;

		r = disk_copy(from, to, tool_progress(o));
		end = disk_close(to);
		r = r ? r : end;
	}
	if (r < 0)
		unlink(o->args[1]);
	return r;
}

int command_convert(const struct options *o)
{
	char raw[PATH_MAX];
	struct opened from;
	bool import = !is_ours(o->source_format);
	int r = 0;

	if (o->kind == DISK_DIFFERENCING) {
		fprintf(stderr, "partita-vdisk: convert makes disks of their own: --type fixed or dynamic\n");
		return 2;
	}
	if (import) {
		if (snprintf(raw, sizeof(raw), "%s.import-%d", o->args[1], (int)getpid()) >= (int)sizeof(raw))
			return tool_fail(o, o->args[1], -ENAMETOOLONG);
		r = run_qemu_img(o->source_format, o->args[0], raw);
	}
	if (r == 0)
		r = tool_open(o, import ? raw : o->args[0], import ? "raw" : o->source_format, false, &from);
	if (r == 0) {
		r = copy_to_new(o, from.disk);
		disk_close(from.disk);
	}
	if (import)
		unlink(raw);
	return r < 0 ? tool_fail(o, o->args[0], r) : tool_made(o, o->args[1], o->format ? o->format : "vhdx");
}
