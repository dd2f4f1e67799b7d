/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of partita-vdisk. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/tool/tool.h"

enum { OPT_FORMAT = 256, OPT_SOURCE_FORMAT, OPT_TYPE, OPT_SIZE, OPT_PARENT, OPT_BLOCK, OPT_LOGICAL, OPT_PHYSICAL, OPT_JSON,
       OPT_REPAIR, OPT_SHRINK, OPT_DIRECT, OPT_COUNT, OPT_DEPTH, OPT_WITHIN, OPT_PROGRESS, OPT_ROW };

static const struct option long_options[] = {
	{ "format", 1, NULL, OPT_FORMAT }, { "source-format", 1, NULL, OPT_SOURCE_FORMAT }, { "type", 1, NULL, OPT_TYPE },
	{ "size", 1, NULL, OPT_SIZE }, { "parent", 1, NULL, OPT_PARENT }, { "block-size", 1, NULL, OPT_BLOCK },
	{ "logical-sector", 1, NULL, OPT_LOGICAL }, { "physical-sector", 1, NULL, OPT_PHYSICAL }, { "json", 0, NULL, OPT_JSON },
	{ "repair", 0, NULL, OPT_REPAIR }, { "shrink", 0, NULL, OPT_SHRINK }, { "direct", 0, NULL, OPT_DIRECT },
	{ "count", 1, NULL, OPT_COUNT }, { "depth", 1, NULL, OPT_DEPTH }, { "within", 1, NULL, OPT_WITHIN },
	{ "progress", 0, NULL, OPT_PROGRESS }, { "row", 1, NULL, OPT_ROW }, { NULL, 0, NULL, 0 },
};

static const char *const kind_words[] = { [DISK_FIXED] = "fixed", [DISK_DYNAMIC] = "dynamic", [DISK_DIFFERENCING] = "differencing" };

const char *kind_word(enum disk_kind kind)
{
	return kind_words[kind];
}

int parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	char *end;
	unsigned int shift = 0;

	errno = 0;
	*bytes = strtoull(text, &end, 10);
	if (errno || end == text || text[0] == '-')
		return -EINVAL;
	if (*end) {
		const char *unit = strchr(units, *end);

		if (!unit || end[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (shift && *bytes >> (64 - shift))
		return -EINVAL;
	*bytes <<= shift;
	return 0;
}

static int set_size(const char *name, const char *text, uint64_t max, uint64_t *to)
{
	if (parse_size(text, to) == 0 && *to <= max)
		return 0;
	fprintf(stderr, "partita-vdisk: --%s: \"%s\" is no size up to %llu\n", name, text, (unsigned long long)max);
	return -EINVAL;
}

static int set_size32(const char *name, const char *text, uint32_t *to)
{
	uint64_t wide;
	int r = set_size(name, text, UINT32_MAX, &wide);

	if (r == 0)
		*to = (uint32_t)wide;
	return r;
}

static int set_kind(const char *text, struct options *o)
{
	o->kind_given = true;
	for (size_t i = 0; i < sizeof(kind_words) / sizeof(kind_words[0]); i++)
		if (!strcmp(text, kind_words[i])) {
			o->kind = (enum disk_kind)i;
			return 0;
		}
	fprintf(stderr, "partita-vdisk: --type: \"%s\" is none of fixed, dynamic, differencing\n", text);
	return -EINVAL;
}

static int set_option(int option, struct options *o)
{
	switch (option) {
	case OPT_FORMAT:	o->format = optarg; return 0;
	case OPT_SOURCE_FORMAT:	o->source_format = optarg; return 0;
	case OPT_TYPE:		return set_kind(optarg, o);
	case OPT_SIZE:		return set_size("size", optarg, UINT64_MAX, &o->size_bytes);
	case OPT_PARENT:	o->parent = optarg; return 0;
	case OPT_BLOCK:		return set_size32("block-size", optarg, &o->block_bytes);
	case OPT_LOGICAL:	return set_size32("logical-sector", optarg, &o->logical_sector);
	case OPT_PHYSICAL:	return set_size32("physical-sector", optarg, &o->physical_sector);
	case OPT_COUNT:		return set_size("count", optarg, 100000000, &o->count);
	case OPT_DEPTH:		return set_size("depth", optarg, 1024, &o->depth);
	case OPT_WITHIN:	o->within = optarg; return 0;
	case OPT_JSON:		o->json = true; return 0;
	case OPT_REPAIR:	o->repair = true; return 0;
	case OPT_SHRINK:	o->shrink = true; return 0;
	case OPT_DIRECT:	o->direct = true; return 0;
	case OPT_PROGRESS:	o->progress = true; return 0;
	case OPT_ROW:		o->row = optarg; return 0;
	default:		return -EINVAL;		/* getopt_long() has complained */
	}
}

int options_parse(int argc, char **argv, struct options *o)
{
	int option;

	*o = (struct options) { .kind = DISK_DYNAMIC, .count = 50000, .depth = 32 };
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (set_option(option, o) < 0)
			return -EINVAL;
	for (; optind < argc && o->arg_count < 3; optind++)
		o->args[o->arg_count++] = argv[optind];
	return 0;
}
