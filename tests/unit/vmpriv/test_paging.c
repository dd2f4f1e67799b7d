/* SPDX-License-Identifier: Apache-2.0 */
/* Which files become paging files, and what they look like then. Run as root: they change hands. */
#include "paging.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define OWNER	65534u
#define BYTES	(64u << 10)

static char folder[] = "/tmp/paging-XXXXXX";

static int file_of(const char *name, uid_t owner, off_t size)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(fchown(fd, owner, owner), 0);
	return fd;
}

static void a_good_file_becomes_roots_alone_with_the_kernels_header(void **state)
{
	uint8_t header[PAGING_HEADER_BYTES];
	uint32_t words[3];
	struct stat st;
	int fd = file_of("good", OWNER, BYTES + PAGING_HEADER_BYTES);

	(void)state;
	assert_int_equal(paging_prepare(fd, OWNER, BYTES), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(pread(fd, header, sizeof(header), 0), sizeof(header));
	memcpy(words, header + 1024, sizeof(words));
	assert_int_equal(words[0], 1);
	assert_int_equal(words[1], BYTES / 4096);
	assert_int_equal(words[2], 0);
	assert_memory_equal(header + sizeof(header) - 10, "SWAPSPACE2", 10);
	assert_int_equal(paging_prepare(fd, OWNER, BYTES), 0);	/* again, after a vmpriv that died in between */
	close(fd);
}

static const struct { const char *rule; uid_t owner; off_t size; uint64_t bytes; } refused[] = {
	{ "a file of somebody else's",		1, BYTES + PAGING_HEADER_BYTES, BYTES },
	{ "a file that is too short",		OWNER, BYTES, BYTES },
	{ "a file that is too long",		OWNER, BYTES + 2 * PAGING_HEADER_BYTES, BYTES },
	{ "an amount that is no whole pages",	OWNER, BYTES + 1 + PAGING_HEADER_BYTES, BYTES + 1 },
};

static void other_files_are_refused_and_stay_as_they_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		int fd = file_of("bad", refused[i].owner, refused[i].size);
		uint8_t byte = 1;
		struct stat st;

		if (paging_prepare(fd, OWNER, refused[i].bytes) != -EINVAL)
			fail_msg("%s was taken", refused[i].rule);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_uid, refused[i].owner);
		assert_int_equal(pread(fd, &byte, 1, 1024), 1);
		assert_int_equal(byte, 0);
		close(fd);
	}
}

static void what_has_two_names_or_is_no_file_is_refused(void **state)
{
	char path[64], other[64];
	int fd = file_of("two", OWNER, BYTES + PAGING_HEADER_BYTES), dir;

	(void)state;
	snprintf(path, sizeof(path), "%s/two", folder);
	snprintf(other, sizeof(other), "%s/names", folder);
	assert_int_equal(link(path, other), 0);
	assert_int_equal(paging_prepare(fd, OWNER, BYTES), -EINVAL);
	close(fd);
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(paging_prepare(dir, 0, BYTES), -EINVAL);
	close(dir);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_becomes_roots_alone_with_the_kernels_header),
		cmocka_unit_test(other_files_are_refused_and_stay_as_they_are),
		cmocka_unit_test(what_has_two_names_or_is_no_file_is_refused),
	};

	return cmocka_run_group_tests_name("paging files", tests, make_folder, drop_folder);
}
