/* SPDX-License-Identifier: Apache-2.0 */
/* partita-vdisk: makes, inspects and manages virtual disks from the command line, with the library that vmms and vmwp use. */
#include <stdio.h>
#include <string.h>

#include "storage/tool/tool.h"

static const struct command {
	const char *name;
	int least, most;		/* arguments */
	int (*run)(const struct options *o);
	const char *usage;
} commands[] = {
	{ "create",  1, 1, command_create,  "FILE --size N [--format F] [--type T] [--parent FILE] [--block-size N]\n"
					    "          [--logical-sector N] [--physical-sector N]" },
	{ "info",    1, 1, command_info,    "FILE" },
	{ "check",   1, 1, command_check,   "FILE [--repair]" },
	{ "convert", 2, 2, command_convert, "FROM TO [--source-format F] [--format F] [--type T] [--block-size N] [--logical-sector N]" },
	{ "resize",  2, 2, command_resize,  "FILE N [--shrink]           --shrink: what lies behind the new end is lost" },
	{ "compact", 1, 1, command_compact, "FILE" },
	{ "merge",   1, 1, command_merge,   "FILE                        into its parent; FILE stays, and is not needed any more" },
	{ "map",     1, 1, command_map,     "FILE" },
	{ "bench",   1, 1, command_bench,   "FILE [--count N] [--depth N] [--direct] [--row NAME]    destroys what is in FILE" },
};

static int usage(void)
{
	fputs("usage: partita-vdisk COMMAND ... [--json] [--source-format F] [--within FOLDER] [--progress]\n", stderr);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stderr, "  %-8s%s\n", commands[i].name, commands[i].usage);
	fputs("formats: vhdx (default), vhd, raw; import by convert: what qemu-img knows. types: dynamic (default), fixed, differencing.\n"
	      "sizes: bytes, or with K, M, G, T. Parents are looked for below --within (default: everywhere).\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct options o;

	if (argc < 2)
		return usage();
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		if (options_parse(argc - 1, argv + 1, &o) < 0)
			return 2;
		if (o.arg_count < commands[i].least || o.arg_count > commands[i].most)
			return usage();
		return commands[i].run(&o);
	}
	fprintf(stderr, "partita-vdisk: no command is called \"%s\"\n", argv[1]);
	return usage();
}
