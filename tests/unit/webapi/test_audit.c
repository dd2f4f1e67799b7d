/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: newest first, whatever is in the file. */
#include "tests.h"

#include "auth/audit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void write_entry(struct audit *a, const char *path, int status)
{
	struct request *req = request_create(NULL, path);
	struct reply rep = { .status = status };

	request_set_method(req, "POST");
	strcpy(req->who.username, "alice");
	strcpy(req->address, "10.0.0.1");
	audit_write(a, req, &rep);
	request_destroy(req);
}

static void entries_come_newest_first_and_no_more_than_asked_for(void **state)
{
	struct audit *a = NULL;
	json_t *list;
	char path[16];

	(void)state;
	audit_open(test_directory(), &a);
	list = audit_newest(a, 10);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		write_entry(a, path, 200 + i);
	}
	list = audit_newest(a, 3);
	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "path")), "/4");
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 2), "path")), "/2");
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "user")), "alice");
	json_decref(list);
	audit_close(a);
}

static void a_torn_line_hides_no_other(void **state)
{
	int dir = test_directory(), fd = openat(dir, "audit.log", O_WRONLY | O_CREAT, 0600);
	static const char torn[] = "{\"path\":\"/0\"}\n{\"path\":\n\n";
	struct audit *a = NULL;
	json_t *list;

	(void)state;
	assert_int_equal(write(fd, torn, strlen(torn)), strlen(torn));
	close(fd);
	audit_open(dir, &a);
	write_entry(a, "/1", 200);
	list = audit_newest(a, 10);
	assert_int_equal(json_array_size(list), 2);
	json_decref(list);
	audit_close(a);
}

int test_audit_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_newest_first_and_no_more_than_asked_for),
		cmocka_unit_test(a_torn_line_hides_no_other),
	};

	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
