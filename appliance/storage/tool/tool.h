/* SPDX-License-Identifier: Apache-2.0 */
/* partita-vdisk: what its files share. */
#ifndef VDISK_TOOL_H
#define VDISK_TOOL_H

#include "storage/chain_files.h"
#include "storage/manage.h"

struct options {
	const char *args[3];
	int arg_count;
	const char *format, *source_format, *parent, *within, *row;
	enum disk_kind kind;
	bool kind_given, json, repair, shrink, direct, progress;
	uint64_t size_bytes, count, depth;
	uint32_t block_bytes, logical_sector, physical_sector;
};

/* An open disk, with all it needs. */
struct opened {
	struct chain_files files;
	struct disk *disk;
};

/* options.c */
int options_parse(int argc, char **argv, struct options *o);	/* complains itself; -EINVAL */
int parse_size(const char *text, uint64_t *bytes);		/* 10, 10K, 10M, 10G, 10T */

/* open.c */
int tool_open(const struct options *o, const char *name, const char *format, bool writable, struct opened *out);
int tool_chain(const struct options *o, const char *name, const char *format, size_t writable, struct chain_files *out);
int tool_create(const char *name, const struct disk_new *n, int *fd);		/* removes the file when it fails */
int tool_fail(const struct options *o, const char *what, int error);		/* says why; 1 for exit() */
int tool_info(const struct options *o, const char *name, const char *format);	/* what `info` says of a disk; exit status */
int tool_made(const struct options *o, const char *name, const char *format);	/* for programs the same of what was made; people see it worked */
const struct disk_progress *tool_progress(const struct options *o);
const char *kind_word(enum disk_kind kind);
void guid_text(const uint8_t guid[DISK_GUID_SIZE], char text[37]);

/* report.c: one line per field, or one JSON object */
void report_begin(const struct options *o);
void report_text(const char *name, const char *value);
void report_number(const char *name, uint64_t value);
void report_real(const char *name, double value);
void report_flag(const char *name, bool value);
void report_list_begin(const char *name);
void report_item_begin(void);
void report_item_end(void);
void report_list_end(void);
void report_end(void);

/* the commands: exit status */
int command_create(const struct options *o);
int command_info(const struct options *o);
int command_check(const struct options *o);
int command_convert(const struct options *o);
int command_resize(const struct options *o);
int command_compact(const struct options *o);
int command_merge(const struct options *o);
int command_map(const struct options *o);
int command_bench(const struct options *o);

#endif
