/* SPDX-License-Identifier: Apache-2.0 */
/* partita-vdisk info, create, check, resize, compact, merge, map. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/tool/tool.h"

/* --- info --- */

static void report_disk(const struct disk *d, const char *path)
{
	static const uint8_t none[DISK_GUID_SIZE];
	uint8_t data[DISK_GUID_SIZE];
	struct stat st;
	char guid[37];

	report_text("path", path);
	report_text("format", d->format);
	report_text("type", kind_word(d->kind));
	report_number("sizeBytes", d->size_bytes);
	if (fstat(d->fd, &st) == 0) {
		report_number("fileBytes", (uint64_t)st.st_size);
		report_number("allocatedBytes", (uint64_t)st.st_blocks * 512);
	}
	report_number("blockBytes", d->block_bytes);
	report_number("logicalSectorBytes", d->logical_sector);
	report_number("physicalSectorBytes", d->physical_sector);
	guid_text(d->identity, guid);
	if (memcmp(d->identity, none, sizeof(none)))
		report_text("id", guid);
	if (disk_data_guid(d, data) == 0) {
		guid_text(data, guid);
		report_text("dataId", guid);
	}
}

int tool_info(const struct options *o, const char *name, const char *format)
{
	struct opened d;
	size_t i = 0;
	int r = tool_open(o, name, format, false, &d);

	if (r < 0)
		return tool_fail(o, name, r);
	report_begin(o);
	report_disk(d.disk, name);
	report_list_begin("parents");
	for (const struct disk *p = d.disk->parent; p; p = p->parent) {
		report_item_begin();
		report_disk(p, d.files.path[++i]);
		report_item_end();
	}
	report_list_end();
	report_end();
	return disk_close(d.disk) < 0;
}

int tool_made(const struct options *o, const char *name, const char *format)
{
	return o->json ? tool_info(o, name, format) : 0;
}

int command_info(const struct options *o)
{
	return tool_info(o, o->args[0], o->source_format);
}

/* --- create --- */

/* From the folder of `name` to `parent`, in the separators of Windows. */
static int relative_path(const char *name, const char *parent, char out[PATH_MAX])
{
	char from[PATH_MAX], copy[PATH_MAX];
	const char *slash = strrchr(name, '/');
	size_t same = 0, at = 0;

	snprintf(copy, sizeof(copy), "%.*s", slash ? (int)(slash - name + 1) : 1, slash ? name : ".");
	if (!realpath(copy, from))
		return -errno;
	strncat(from, "/", sizeof(from) - strlen(from) - 1);
	for (size_t i = 0; from[i] && from[i] == parent[i]; i++)
		if (from[i] == '/')
			same = i + 1;
	for (const char *p = from + same; (p = strchr(p, '/')); p++)
		at += (size_t)snprintf(out + at, PATH_MAX - at, "..\\");
	snprintf(out + at, PATH_MAX - at, "%s", parent + same);
	for (char *p = out; *p; p++)
		*p = *p == '/' ? '\\' : *p;
	return 0;
}

static int create_differencing(const struct options *o, struct disk_new *n)
{
	struct options look = *o;
	struct opened parent;
	char full[PATH_MAX], relative[PATH_MAX];
	int fd, r = tool_open(&look, o->parent, NULL, false, &parent);

	if (r < 0)
		return r;
	n->parent = parent.disk;
	n->kind = DISK_DIFFERENCING;
	n->format = o->format ? o->format : parent.disk->format;
	if (!realpath(o->parent, full))
		r = -errno;
	if (r == 0)
		r = relative_path(o->args[0], full, relative);
	n->parent_relative = relative;
	n->parent_absolute = full;
	if (r == 0)
		r = tool_create(o->args[0], n, &fd);
	if (r == 0)
		close(fd);
	disk_close(parent.disk);
	return r;
}

int command_create(const struct options *o)
{
	struct disk_new n = {
		.format = o->format ? o->format : "vhdx", .kind = o->kind, .size_bytes = o->size_bytes, .block_bytes = o->block_bytes,
		.logical_sector = o->logical_sector, .physical_sector = o->physical_sector,
	};
	int fd, r;

	if (o->parent && o->kind_given && o->kind != DISK_DIFFERENCING) {
		fprintf(stderr, "partita-vdisk: --parent is for --type differencing\n");
		return 2;
	}
	if (o->parent) {
		r = create_differencing(o, &n);
	} else {
		r = tool_create(o->args[0], &n, &fd);
		if (r == 0)
			close(fd);
	}
	return r < 0 ? tool_fail(o, o->args[0], r) : tool_made(o, o->args[0], n.format);
}

/* --- check --- */

int command_check(const struct options *o)
{
	struct disk_findings f;
	int fd = open(o->args[0], (o->repair ? O_RDWR : O_RDONLY) | O_CLOEXEC), r;

	if (fd < 0)
		return tool_fail(o, o->args[0], -errno);
	r = disk_check(o->source_format ? o->source_format : disk_format_guess(fd), fd, o->repair, &f, o->json ? stderr : stdout);
	close(fd);
	if (r < 0)
		return tool_fail(o, o->args[0], r);
	report_begin(o);
	report_number("errors", f.errors);
	report_number("repaired", f.repaired);
	report_number("leaks", f.leaks);
	report_end();
	return f.errors > f.repaired ? 3 : 0;
}

/* --- resize, compact, merge --- */

int command_resize(const struct options *o)
{
	struct opened d;
	uint64_t size, tail;
	int r;

	if (parse_size(o->args[1], &size) < 0) {
		fprintf(stderr, "partita-vdisk: \"%s\" is no size\n", o->args[1]);
		return 2;
	}
	r = tool_open(o, o->args[0], o->source_format, true, &d);
	if (r < 0)
		return tool_fail(o, o->args[0], r);
	tail = (size + d.disk->logical_sector - 1) / d.disk->logical_sector * d.disk->logical_sector;
	if (size < d.disk->size_bytes && !o->shrink) {
		fprintf(stderr, "partita-vdisk: %s has %llu bytes: shrinking loses what is behind the new end; --shrink does it\n",
			o->args[0], (unsigned long long)d.disk->size_bytes);
		disk_close(d.disk);
		return 2;
	}
	if (tail < d.disk->size_bytes)
		r = disk_zero(d.disk, tail, d.disk->size_bytes - tail, true);
	if (r == 0)
		r = disk_resize(d.disk, size);
	if (r < 0)
		tool_fail(o, o->args[0], r);
	return disk_close(d.disk) < 0 || r < 0 || tool_made(o, o->args[0], o->source_format);
}

int command_compact(const struct options *o)
{
	struct opened d;
	struct stat before, after;
	int r = tool_open(o, o->args[0], o->source_format, true, &d);

	if (r < 0)
		return tool_fail(o, o->args[0], r);
	fstat(d.disk->fd, &before);
	r = disk_compact(d.disk, tool_progress(o));
	fstat(d.disk->fd, &after);
	if (r < 0)
		tool_fail(o, o->args[0], r);
	if (r == 0) {
		report_begin(o);
		report_number("fileBytesBefore", (uint64_t)before.st_size);
		report_number("fileBytes", (uint64_t)after.st_size);
		report_end();
	}
	return disk_close(d.disk) < 0 || r < 0;
}

int command_merge(const struct options *o)
{
	struct chain_files files;
	struct disk *child, *parent;
	int r = tool_chain(o, o->args[0], o->source_format, 2, &files), end;

	if (r < 0)
		return tool_fail(o, o->args[0], r);
	r = disk_open_for_merge(files.source, files.count, &child, &parent);
	if (r < 0) {
		chain_files_close(&files);
		return tool_fail(o, o->args[0], r);
	}
	r = disk_merge(child, parent, tool_progress(o));
	if (r < 0)
		tool_fail(o, o->args[0], r);
	end = disk_merge_end(child, parent, r == 0);
	if (r == 0 && end < 0)
		return tool_fail(o, o->args[0], end);
	if (r == 0 && o->json) {
		report_begin(o);
		report_text("parent", files.path[1]);
		report_end();
	}
	return r < 0;
}

/* --- map --- */

int command_map(const struct options *o)
{
	struct disk_range range = { 0 };
	struct opened d;
	int r = tool_open(o, o->args[0], o->source_format, false, &d);

	if (r < 0)
		return tool_fail(o, o->args[0], r);
	report_begin(o);
	report_list_begin("ranges");
	for (uint64_t at = 0; r == 0 && at < d.disk->size_bytes; at += range.bytes) {
		r = disk_map(d.disk, at, &range);
		if (r < 0)
			break;
		report_item_begin();
		report_number("start", range.offset);
		report_number("length", range.bytes);
		report_flag("zero", range.depth < 0);
		if (range.depth >= 0) {
			report_number("depth", (uint64_t)range.depth);
			report_number("offset", range.file_offset);
		}
		report_item_end();
	}
	report_list_end();
	report_end();
	disk_close(d.disk);
	return r < 0 ? tool_fail(o, o->args[0], r) : 0;
}
