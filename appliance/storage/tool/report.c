/* SPDX-License-Identifier: Apache-2.0 */
/* What a command found: "name: value" lines for people, or one JSON object (RFC 8259) for programs. */
#include <stdio.h>

#include "storage/tool/tool.h"

static bool json, first, in_item;

static void name_out(const char *name)
{
	if (json)
		printf("%s\"%s\": ", first ? "" : ", ", name);
	else
		printf("%s%s: ", in_item ? (first ? "  " : ", ") : "", name);
	first = false;
}

static void value_end(void)
{
	if (!json && !in_item)
		putchar('\n');
}

void report_begin(const struct options *o)
{
	json = o->json;
	first = true;
	in_item = false;
	if (json)
		putchar('{');
}

void report_end(void)
{
	if (json)
		puts("}");
}

void report_text(const char *name, const char *value)
{
	name_out(name);
	if (json)
		putchar('"');
	for (const unsigned char *p = (const unsigned char *)value; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			printf(json ? "\\u%04x" : "?", *p);
		else if (json && (*p == '"' || *p == '\\'))
			printf("\\%c", *p);
		else
			putchar(*p);
	if (json)
		putchar('"');
	value_end();
}

void report_number(const char *name, uint64_t value)
{
	name_out(name);
	printf("%llu", (unsigned long long)value);
	value_end();
}

void report_real(const char *name, double value)
{
	name_out(name);
	printf("%.3f", value);
	value_end();
}

void report_flag(const char *name, bool value)
{
	name_out(name);
	fputs(value ? "true" : "false", stdout);
	value_end();
}

void report_list_begin(const char *name)
{
	name_out(name);
	puts(json ? "[" : "");
	first = true;
}

void report_item_begin(void)
{
	if (json)
		fputs(first ? "{" : ",\n{", stdout);
	first = true;
	in_item = true;
}

void report_item_end(void)
{
	fputs(json ? "}" : "\n", stdout);
	first = false;
	in_item = false;
}

void report_list_end(void)
{
	if (json)
		fputs("]", stdout);
	first = false;
}
