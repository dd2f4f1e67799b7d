/* SPDX-License-Identifier: Apache-2.0 */
/* Screenshots, read back with libpng's own reader. */
#include "tests.h"

#include "screen.h"

#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Left half red, right half blue. */
static struct screen make_screen(uint32_t width, uint32_t height)
{
	struct screen s = { .fd = memfd_create("screen", MFD_CLOEXEC), .width = width, .height = height, .stride = width * 4 + 64 };
	uint8_t *row = calloc(1, s.stride);

	for (uint32_t x = 0; x < width; x++)
		row[x * 4 + (x < width / 2 ? 2 : 0)] = 0xff;
	for (uint32_t y = 0; y < height; y++)
		assert_int_equal(write(s.fd, row, s.stride), s.stride);
	free(row);
	return s;
}

static void check_picture(const char *data, size_t size, uint32_t width, uint32_t height)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	uint8_t *pixels;

	assert_true(png_image_begin_read_from_memory(&image, data, size));
	assert_int_equal(image.width, width);
	assert_int_equal(image.height, height);
	image.format = PNG_FORMAT_RGB;
	pixels = malloc(PNG_IMAGE_SIZE(image));
	assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
	for (uint32_t y = 0; y < height; y++) {
		assert_memory_equal(pixels + (size_t)y * width * 3, "\xff\0\0", 3);
		assert_memory_equal(pixels + ((size_t)y + 1) * width * 3 - 3, "\0\0\xff", 3);
	}
	free(pixels);
}

static void a_screen_becomes_a_picture_of_the_size_asked_for(void **state)
{
	static const struct {
		uint32_t width, height, asked, want_width, want_height;
	} cases[] = {
		{ 640, 480, 0, 640, 480 }, { 640, 480, 100, 100, 75 }, { 640, 480, 4096, 640, 480 }, { 721, 401, 320, 320, 177 }, { 800, 2, 16, 16, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct screen s = make_screen(cases[i].width, cases[i].height);
		char *png = NULL;
		size_t size = 0;

		assert_int_equal(screen_to_png(&s, cases[i].asked, &png, &size), 0);
		check_picture(png, size, cases[i].want_width, cases[i].want_height);
		free(png);
		close(s.fd);
	}
}

static void a_screen_that_lies_about_its_size_is_refused(void **state)
{
	struct screen s = make_screen(64, 48);
	char *png = NULL;
	size_t size = 0;

	(void)state;
	s.height = 49;			/* a row more than the memfd holds */
	assert_int_equal(screen_to_png(&s, 0, &png, &size), -EIO);
	s.height = 100000;
	assert_int_equal(screen_to_png(&s, 0, &png, &size), -EINVAL);
	s.height = 48;
	s.stride = 64;
	assert_int_equal(screen_to_png(&s, 0, &png, &size), -EINVAL);
	s.width = 0;
	assert_int_equal(screen_to_png(&s, 0, &png, &size), -EINVAL);
	assert_null(png);
	close(s.fd);
}

int test_screen_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_screen_becomes_a_picture_of_the_size_asked_for),
		cmocka_unit_test(a_screen_that_lies_about_its_size_is_refused),
	};

	return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
