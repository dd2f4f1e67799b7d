/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/hypercalls.md comes from the dispatch table: `make hypercalls-doc` writes it with this program ("print"), and without an
 * argument it is the unit test that the file is current. The names come from abi/hv_hypercall.h (rules.mk).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <abi/hv_cpuid.h>
#include <hv/hypercall.h>

#define DOCUMENT	"docs/hypercalls.md"

static const struct { unsigned int code; const char *name; } names[] = {
#include "hypercall_names.h"
};
static const char *const kinds[] = {
	[HC_SIMPLE] = "simple", [HC_SIMPLE_VAR] = "simple, variable header", [HC_REP] = "rep", [HC_REP_VAR] = "rep, variable header",
};
static const struct { uint64_t privilege; const char *name; } privileges[] = {
	{ HV_PRIV_POST_MESSAGES, "PostMessages" }, { HV_PRIV_SIGNAL_EVENTS, "SignalEvents" },
	{ HV_PRIV_ACCESS_VP_REGISTERS, "AccessVpRegisters" }, { HV_PRIV_START_VP, "StartVirtualProcessor" },
};

/* GET_VP_REGISTERS is HvCallGetVpRegisters in the specification. */
static void print_name(FILE *to, const char *name)
{
	bool upper = true;

	fputs("HvCall", to);
	for (; *name; name++) {
		if (*name != '_')
			fputc(upper ? *name : tolower((unsigned char)*name), to);
		upper = *name == '_';
	}
}

static const char *privilege_name(uint64_t privilege)
{
	for (size_t i = 0; i < sizeof(privileges) / sizeof(privileges[0]); i++)
		if (privileges[i].privilege == privilege)
			return privileges[i].name;
	return privilege ? "?" : "";
}

static void print_row(FILE *to, unsigned int code, const char *name, const struct hc_row *row)
{
	fprintf(to, "| 0x%04x | ", code);
	print_name(to, name);
	if (!row->handler) {
		fprintf(to, " | not offered | | | | | |\n");
		return;
	}
	fprintf(to, " | %s | %s | %s | %u + %u | %u + %u | %s |\n", row->missing ? "partial" : "done", kinds[row->kind],
		row->who == HC_ROOT ? "root" : "root, child", row->in, row->rep_in, row->out, row->rep_out,
		row->missing ? row->missing : privilege_name(row->privilege));
}

static void print_document(FILE *to)
{
	unsigned int done = 0, partial = 0, none = 0;

	fprintf(to, "# Hypercalls\n\nGenerated from the dispatch table (`hv/hypercall/table.c`) by `make hypercalls-doc`; a unit test "
		"fails when this file is not what the table\nsays. Sizes are bytes: fixed block + each rep. A code that is not "
		"listed, or not offered, ends with `HV_STATUS_INVALID_HYPERCALL_CODE`,\nor with a hypercall intercept if the "
		"child's VMM installed one.\n\n| code | call | status | kind | for | input | output | missing, or privilege |\n"
		"| --- | --- | --- | --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct hc_row *row = &hc_table[names[i].code];

		print_row(to, names[i].code, names[i].name, row);
		if (!row->handler)
			none++;
		else if (row->missing)
			partial++;
		else
			done++;
	}
	fprintf(to, "\n%u done, %u partial, %u known and not offered.\n", done, partial, none);
}

static void the_document_is_what_the_table_says(void **state)
{
	static char found[65536];
	char *wanted = NULL;
	size_t size = 0, got;
	FILE *memory = open_memstream(&wanted, &size), *file = fopen(DOCUMENT, "r");

	(void)state;
	assert_non_null(file);
	print_document(memory);
	fclose(memory);
	got = fread(found, 1, sizeof(found) - 1, file);
	fclose(file);
	assert_int_equal(got, size);
	assert_string_equal(found, wanted);
	free(wanted);
}

/* A row nobody has named would be missing from the document. */
static void every_row_has_a_name(void **state)
{
	unsigned int rows = 0, named = 0;

	(void)state;
	for (unsigned int code = 0; code < HVCALL_CODE_MAX; code++)
		rows += hc_table[code].handler != NULL;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		named += hc_table[names[i].code].handler != NULL;
	assert_int_equal(named, rows);
}

int main(int count, char **arguments)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_is_what_the_table_says), cmocka_unit_test(every_row_has_a_name),
	};

	if (count > 1 && !strcmp(arguments[1], "print")) {
		print_document(stdout);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
