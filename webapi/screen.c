/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the memfd row by row with pread(2): a worker that shrinks it gives a short read, where a mapping
 * would give SIGBUS. Scaling averages every source pixel that falls into a target pixel.
 */
#include "screen.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_MAX_PIXELS	8192

struct scaler {
	const struct screen *screen;
	uint32_t width, height;		/* of the picture */
	uint8_t *line;			/* one source row */
	uint32_t *sum;			/* three per target pixel */
	uint8_t *out;			/* one target row, RGB */
};

static int read_line(const struct scaler *s, uint32_t y)
{
	size_t size = (size_t)s->screen->width * 4;
	ssize_t n = pread(s->screen->fd, s->line, size, (off_t)s->screen->stride * y);

	return n == (ssize_t)size ? 0 : -EIO;
}

static uint32_t first_source(uint32_t target, uint32_t from, uint32_t to)
{
	return (uint32_t)((uint64_t)target * from / to);
}

static void add_line(const struct scaler *s)
{
	for (uint32_t x = 0, source = 0; x < s->width; x++) {
		uint32_t end = first_source(x + 1, s->screen->width, s->width);

		for (; source < end; source++)
			for (int c = 0; c < 3; c++)
				s->sum[x * 3 + (uint32_t)c] +=
				    s->line[source * 4 + 2 - (uint32_t)c]; /* bytes are B, G, R, X */
	}
}

static int make_row(const struct scaler *s, uint32_t y)
{
	uint32_t from = first_source(y, s->screen->height, s->height),
	         to = first_source(y + 1, s->screen->height, s->height);

	memset(s->sum, 0, (size_t)s->width * 3 * sizeof(*s->sum));
	for (uint32_t row = from; row < to; row++) {
		if (read_line(s, row) < 0)
			return -EIO;
		add_line(s);
	}
	for (uint32_t x = 0; x < s->width; x++) {
		uint32_t columns = first_source(x + 1, s->screen->width, s->width) -
		                   first_source(x, s->screen->width, s->width);

		for (uint32_t c = 0; c < 3; c++)
			s->out[x * 3 + c] = (uint8_t)(s->sum[x * 3 + c] / (columns * (to - from)));
	}
	return 0;
}

/* libpng reports errors by longjmp: nothing here owns what would leak. */
static int write_png(const struct scaler *s, FILE *file)
{
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	volatile int r = -ENOMEM;

	if (info && setjmp(png_jmpbuf(png)) == 0) {
		png_init_io(png, file);
		png_set_compression_level(png, 1);
		png_set_IHDR(png, info, s->width, s->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
		             PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
		png_write_info(png, info);
		r = 0;
		for (uint32_t y = 0; y < s->height && r == 0; y++) {
			r = make_row(s, y);
			png_write_row(png, s->out);
		}
		png_write_end(png, info);
	}
	png_destroy_write_struct(&png, &info);
	return r;
}

static int scaler_init(struct scaler *s, uint32_t max_width)
{
	const struct screen *screen = s->screen;

	if (screen->width == 0 || screen->height == 0 || screen->width > SIZE_MAX_PIXELS ||
	    screen->height > SIZE_MAX_PIXELS || screen->stride < screen->width * 4)
		return -EINVAL;
	s->width = max_width && max_width < screen->width ? max_width : screen->width;
	s->height = (uint32_t)((uint64_t)screen->height * s->width / screen->width);
	s->height = s->height ? s->height : 1;
	s->line = malloc((size_t)screen->width * 4);
	s->sum = calloc((size_t)s->width * 3, sizeof(*s->sum));
	s->out = malloc((size_t)s->width * 3);
	return s->line && s->sum && s->out ? 0 : -ENOMEM;
}

int screen_to_png(const struct screen *screen, uint32_t max_width, char **png, size_t *size)
{
	struct scaler s = { .screen = screen };
	char *data = NULL;
	FILE *file = NULL;
	int r = scaler_init(&s, max_width);

	if (r < 0)
		goto out;
	file = open_memstream(&data, size);
	r = file ? write_png(&s, file) : -ENOMEM;
	if (file && fclose(file) != 0)
		r = -ENOMEM;
	if (r == 0) {
		*png = data;
		data = NULL;
	}
out:
	free(data);
	free(s.line);
	free(s.sum);
	free(s.out);
	return r;
}
