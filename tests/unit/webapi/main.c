/* SPDX-License-Identifier: Apache-2.0 */
/* Runs every group of webapi's unit tests. */
#include "tests.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

time_t test_clock = 1000000;

time_t test_now(time_t *unused)
{
	(void)unused;
	return test_clock;
}

static char directories[64][32];
static unsigned int directory_count;

static void remove_directories(void)
{
	char command[64];

	while (directory_count--) {
		snprintf(command, sizeof(command), "rm -rf %s", directories[directory_count]);
		if (system(command) != 0)
			fprintf(stderr, "left behind: %s\n", directories[directory_count]);
	}
}

int test_directory(void)
{
	char *name = directories[directory_count];

	if (directory_count == ARRAY_SIZE(directories) - 1)
		return -1;
	if (directory_count == 0)
		atexit(remove_directories);
	snprintf(name, sizeof(directories[0]), "/tmp/webapi-test-XXXXXX");
	if (!mkdtemp(name))
		return -1;
	directory_count++;
	return open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int main(void)
{
	static int (*const groups[])(void) = {
		test_head_group, test_request_group, test_range_group, test_selection_group, test_route_group, test_body_group, test_field_group,
		test_sessions_group, test_users_group, test_login_limit_group, test_idempotency_group, test_screen_group,
		test_gate_group, test_audit_group, test_static_group,
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		failed += groups[i]();
	return failed != 0;
}
