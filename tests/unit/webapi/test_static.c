/* SPDX-License-Identifier: Apache-2.0 */
/* Which file a path means, and that none outside the folder can be meant. */
#include "tests.h"

#include "http/static.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int make_ui(void)
{
	int dir = test_directory();

	mkdirat(dir, "assets", 0755);
	put(dir, "index.html", "page");
	put(dir, "index.html.gz", "page, gzip");
	put(dir, "assets/app-Ab12.js", "script");
	put(dir, "assets/app-Ab12.js.br", "script, brotli");
	put(dir, "assets/app-Ab12.js.gz", "script, gzip");
	assert_int_equal(symlinkat("/etc/passwd", dir, "link.txt"), 0);
	return dir;
}

static const struct {
	const char *path, *accept, *accept_encoding;
	const char *type, *encoding, *cache;	/* type NULL: no such file */
	uint64_t size;
} cases[] = {
	{ "/", "text/html", NULL, "text/html; charset=utf-8", NULL, "no-cache", 4 },
	{ "/", "text/html", "gzip, br", "text/html; charset=utf-8", "gzip", "no-cache", 10 },
	{ "/vms/x", "text/html,*/*", NULL, "text/html; charset=utf-8", NULL, "no-cache", 4 },
	{ "/vms/x", "application/json", NULL, NULL, NULL, NULL, 0 },
	{ "/vms/x.js", "text/html", NULL, NULL, NULL, NULL, 0 },
	{ "/assets/app-Ab12.js", "*/*", NULL, "text/javascript; charset=utf-8", NULL, "public, max-age=31536000, immutable", 6 },
	{ "/assets/app-Ab12.js", "*/*", "gzip, deflate, br", "text/javascript; charset=utf-8", "br", "public, max-age=31536000, immutable", 14 },
	{ "/assets/app-Ab12.js", "*/*", "gzip;q=1.0, br;q=0", "text/javascript; charset=utf-8", "gzip", "public, max-age=31536000, immutable", 12 },
	{ "/assets/app-Ab12.js", "*/*", "brx, xgzip", "text/javascript; charset=utf-8", NULL, "public, max-age=31536000, immutable", 6 },
	{ "/assets", "*/*", NULL, NULL, NULL, NULL, 0 },
	{ "/link.txt", "*/*", NULL, NULL, NULL, NULL, 0 },
	{ "/../../../../etc/passwd", "*/*", NULL, NULL, NULL, NULL, 0 },
	{ "//etc/passwd", "*/*", NULL, NULL, NULL, NULL, 0 },
	{ "/assets/../../../../etc/passwd", "*/*", NULL, NULL, NULL, NULL, 0 },
};

static void each_path_means_its_file_or_none(void **state)
{
	int dir = make_ui();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request *req = request_create(NULL, cases[i].path);
		struct static_file file;

		request_set_header(req, "Accept", cases[i].accept);
		if (cases[i].accept_encoding)
			request_set_header(req, "Accept-Encoding", cases[i].accept_encoding);
		if ((static_open(dir, req, &file) == 0) != (cases[i].type != NULL))
			fail_msg("%s", cases[i].path);
		if (cases[i].type) {
			assert_string_equal(file.content_type, cases[i].type);
			assert_string_equal(file.encoding ? file.encoding : "", cases[i].encoding ? cases[i].encoding : "");
			assert_string_equal(file.cache, cases[i].cache);
			assert_int_equal(file.size, cases[i].size);
			close(file.fd);
		}
		request_destroy(req);
	}
}

static void the_page_is_sent_again_only_when_its_content_changed(void **state)
{
	struct request *req = request_create(NULL, "/");
	struct static_file file;
	int dir = make_ui();

	(void)state;
	assert_int_equal(static_open(dir, req, &file), 0);
	close(file.fd);
	request_set_header(req, "If-None-Match", file.etag);
	assert_int_equal(static_open(dir, req, &file), 0);
	assert_true(file.not_modified);
	put(dir, "index.html", "PAGE");		/* of the same size, in the same second */
	assert_int_equal(static_open(dir, req, &file), 0);
	assert_false(file.not_modified);
	close(file.fd);
	request_destroy(req);
}

int test_static_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_path_means_its_file_or_none),
		cmocka_unit_test(the_page_is_sent_again_only_when_its_content_changed),
	};

	return cmocka_run_group_tests_name("static files", tests, NULL, NULL);
}
