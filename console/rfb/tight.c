/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tight encoding (the RFB community specification, "Tight Encoding"): one colour, a palette, JPEG for what
 * looks like a photograph and the client allowed loss, else plain pixels through zlib.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <setjmp.h>

#include "rfb/encode.h"

enum tight_control { TIGHT_BASIC_FILTER = 0x40, TIGHT_FILL = 0x80, TIGHT_JPEG = 0x90 };	/* zlib stream 0 throughout */
#define FILTER_PALETTE		1u
#define PALETTE_MOST		96u	/* anti-aliased text on a plain ground has fewer; JPEG would smear it */
#define STREAM			1
#define COMPRESS_LEAST		12u	/* shorter data goes uncompressed */
#define JPEG_PIXELS_LEAST	4096u

/* 3 bytes R, G, B when the client's pixels are 8 bits each in 32, whatever their order. */
static bool tpixel_is_rgb(const struct pixel_format *f)
{
	return f->bits == 32 && f->depth == 24 && f->red_max == 255 && f->green_max == 255 && f->blue_max == 255;
}

static uint8_t *tpixels_put(const struct pixel_format *f, uint8_t *to, const uint32_t *xrgb, uint32_t count)
{
	if (!tpixel_is_rgb(f))
		return pixels_put(f, f->bits / 8u, to, xrgb, count);
	for (uint32_t i = 0; i < count; i++) {
		*to++ = (uint8_t)(xrgb[i] >> 16);
		*to++ = (uint8_t)(xrgb[i] >> 8);
		*to++ = (uint8_t)xrgb[i];
	}
	return to;
}

/* At most 22 bits, 7 at a time. */
static size_t put_compact(uint8_t *to, size_t length)
{
	size_t n = 0;

	to[n++] = (uint8_t)((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
	if (length > 0x7f)
		to[n++] = (uint8_t)((length >> 7 & 0x7f) | (length > 0x3fff ? 0x80 : 0));
	if (length > 0x3fff)
		to[n++] = (uint8_t)(length >> 14);
	return n;
}

/* The length goes before data whose length is known only after: compress aside, then copy. */
static void put_data(struct encoder *e, const uint8_t *plain, size_t count)
{
	struct rfb_out aside = { 0 }, *out = e->out;
	uint8_t length[3];

	if (count < COMPRESS_LEAST) {
		out_bytes(out, plain, count);
		return;
	}
	e->out = &aside;
	encoder_deflate(e, STREAM, plain, count);
	e->out = out;
	out->failed |= aside.failed;
	if (!out->failed) {
		out_bytes(out, length, put_compact(length, aside.count));
		out_bytes(out, aside.bytes, aside.count);
	}
	out_free(&aside);
}

static void put_fill(struct encoder *e, uint32_t colour)
{
	uint8_t pixel[4];

	out_u8(e->out, TIGHT_FILL);
	out_bytes(e->out, pixel, (size_t)(tpixels_put(&e->format, pixel, &colour, 1) - pixel));
}

/* Two colours take a bit each, rows padded to bytes; more take a byte. */
static uint8_t *put_indices(const uint32_t *row, uint32_t width, const uint32_t *palette, unsigned int count, uint8_t *to)
{
	uint8_t last = 0;

	for (uint32_t x = 0; count > 2 && x < width; x++)
		*to++ = palette_index(palette, row[x], &last);
	for (uint32_t x = 0; count == 2 && x < width; x += 8) {
		uint8_t byte = 0;

		for (uint32_t i = x; i < x + 8 && i < width; i++)
			byte |= (uint8_t)(palette_index(palette, row[i], &last) << (7 - (i - x)));
		*to++ = byte;
	}
	return to;
}

static void put_palette(struct encoder *e, struct rect r, const uint32_t *palette, unsigned int count, uint8_t *scratch)
{
	uint8_t colours[PALETTE_MOST * 4], *to = scratch;

	out_u8(e->out, TIGHT_BASIC_FILTER);
	out_u8(e->out, FILTER_PALETTE);
	out_u8(e->out, (uint8_t)(count - 1));
	out_bytes(e->out, colours, (size_t)(tpixels_put(&e->format, colours, palette, count) - colours));
	for (uint32_t y = 0; y < r.height; y++)
		to = put_indices(encoder_row(e, r, y), r.width, palette, count, to);
	put_data(e, scratch, (size_t)(to - scratch));
}

static void put_plain(struct encoder *e, struct rect r, uint8_t *scratch)
{
	uint8_t *to = scratch;

	out_u8(e->out, 0);
	for (uint32_t y = 0; y < r.height; y++)
		to = tpixels_put(&e->format, to, encoder_row(e, r, y), r.width);
	put_data(e, scratch, (size_t)(to - scratch));
}

/* --- JPEG --- */

struct jpeg_failure { struct jpeg_error_mgr manager; jmp_buf back; };

static void jpeg_failed(j_common_ptr jpeg)
{
	longjmp(((struct jpeg_failure *)jpeg->err)->back, 1);
}

static void jpeg_quiet(j_common_ptr jpeg)
{
	(void)jpeg;
}

static void jpeg_setup(struct jpeg_compress_struct *jpeg, const struct encoder *e, struct rect r)
{
	jpeg->image_width = r.width;
	jpeg->image_height = r.height;
	jpeg->input_components = 4;
	jpeg->in_color_space = JCS_EXT_BGRX;
	jpeg_set_defaults(jpeg);
	jpeg_set_quality(jpeg, 20 + e->quality * 8, TRUE);
	/* full colour resolution: coloured text stays legible */
	jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor = 1;
	jpeg->dct_method = JDCT_IFAST;
}

/* The picture in *bytes (to be freed) or false. */
static bool jpeg_make(const struct encoder *e, struct rect r, unsigned char **bytes, unsigned long *count)
{
	struct jpeg_compress_struct jpeg = { 0 };
	struct jpeg_failure failure;

	jpeg.err = jpeg_std_error(&failure.manager);
	failure.manager.error_exit = jpeg_failed;
	failure.manager.output_message = jpeg_quiet;
	if (setjmp(failure.back)) {
		jpeg_destroy_compress(&jpeg);
		return false;
	}
	jpeg_create_compress(&jpeg);
	jpeg_mem_dest(&jpeg, bytes, count);
	jpeg_setup(&jpeg, e, r);
	jpeg_start_compress(&jpeg, TRUE);
	for (uint32_t y = 0; y < r.height; y++) {
		JSAMPROW row = (JSAMPROW)(uintptr_t)encoder_row(e, r, y);

		jpeg_write_scanlines(&jpeg, &row, 1);
	}
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	return true;
}

static bool put_jpeg(struct encoder *e, struct rect r)
{
	unsigned char *bytes = NULL;
	unsigned long count = 0;
	bool made = jpeg_make(e, r, &bytes, &count) && count < 1u << 22;
	uint8_t length[3];

	if (made) {
		out_u8(e->out, TIGHT_JPEG);
		out_bytes(e->out, length, put_compact(length, count));
		out_bytes(e->out, bytes, count);
	}
	free(bytes);
	return made;
}

static bool jpeg_is_wanted(const struct encoder *e, struct rect r)
{
	return e->quality >= 0 && e->format.bits >= 16 && r.width * r.height >= JPEG_PIXELS_LEAST;
}

static void tight_rect(struct encoder *e, struct rect r)
{
	uint32_t palette[PALETTE_MOST];
	unsigned int count = encoder_palette(e, r, palette, PALETTE_MOST);
	uint8_t *scratch;

	if (count == 1) {
		put_fill(e, palette[0]);
		return;
	}
	if (count > PALETTE_MOST && jpeg_is_wanted(e, r) && put_jpeg(e, r))
		return;
	scratch = malloc((size_t)r.width * r.height * 4);
	if (!scratch)
		e->out->failed = true;
	else if (count > PALETTE_MOST)
		put_plain(e, r, scratch);
	else
		put_palette(e, r, palette, count, scratch);
	free(scratch);
}

/*
 * Small rectangles, so that a picture beside text does not turn the text into JPEG. Clients rely on at most
 * 2048 pixels of width.
 */
const struct encoding encoding_tight = { .number = 7, .most_pixels = 16384, .most_width = 2048, .rect = tight_rect };
