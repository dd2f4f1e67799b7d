/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text on a screen nobody else draws on any more, in VGA text mode or dot by dot on a framebuffer of 24 or 32 bits.
 * It starts at the top, wraps, and stops at the bottom: the first lines matter.
 */
#include <arch/x86/machine.h>
#include <hv/string.h>
#include <lib/font.h>
#include <lib/screen.h>

#define VGA_TEXT	0xb8000
#define VGA_COLUMNS	80u
#define VGA_ROWS	25u
#define VGA_WHITE	0x0f00
#define DOT		2u			/* pixels per font dot, each way */
#define CELL_WIDTH	((FONT_COLUMNS + 1) * DOT)
#define CELL_HEIGHT	((FONT_ROWS + 2) * DOT)
#define MAPPED_EARLY	(4ull << 30)		/* what the boot page tables show at DIRECT_MAP */

static struct framebuffer framebuffer;
static unsigned int row, column;
static bool cleared;

void screen_use_framebuffer(const struct framebuffer *fb)
{
	framebuffer = *fb;
}

static bool framebuffer_usable(void)
{
	return (framebuffer.bits_per_pixel == 24 || framebuffer.bits_per_pixel == 32) &&
	       framebuffer.address + (uint64_t)framebuffer.pitch * framebuffer.height <= MAPPED_EARLY;
}

static void pixels_fill(unsigned int x, unsigned int y, unsigned int n, uint8_t level)
{
	unsigned int bytes = framebuffer.bits_per_pixel / 8;

	memset((char *)(DIRECT_MAP + framebuffer.address) + (uint64_t)y * framebuffer.pitch + x * bytes, level, n * bytes);
}

static void framebuffer_put(char c)
{
	const uint8_t *glyph = font[c >= FONT_FIRST && c <= FONT_LAST ? c - FONT_FIRST : '?' - FONT_FIRST];

	for (unsigned int y = 0; y < FONT_ROWS * DOT; y++)
		for (unsigned int x = 0; x < FONT_COLUMNS; x++)
			if (glyph[x] >> (y / DOT) & 1)
				pixels_fill(column * CELL_WIDTH + x * DOT, row * CELL_HEIGHT + y, DOT, 0xff);
}

static void vga_put(char c)
{
	((volatile uint16_t *)(DIRECT_MAP + VGA_TEXT))[row * VGA_COLUMNS + column] = VGA_WHITE | (uint8_t)c;
}

static void clear(void)
{
	cleared = true;
	if (framebuffer.address)
		for (unsigned int y = 0; y < framebuffer.height; y++)
			pixels_fill(0, y, framebuffer.width, 0);
	else
		for (row = 0; row < VGA_ROWS; row++)
			for (column = 0; column < VGA_COLUMNS; column++)
				vga_put(' ');
	row = column = 0;
}

static void put(char c)
{
	unsigned int columns = framebuffer.address ? framebuffer.width / CELL_WIDTH : VGA_COLUMNS;
	unsigned int rows = framebuffer.address ? framebuffer.height / CELL_HEIGHT : VGA_ROWS;

	if (c == '\n' || column == columns) {
		row++;
		column = 0;
	}
	if (c == '\n' || row >= rows)
		return;
	if (framebuffer.address)
		framebuffer_put(c);
	else
		vga_put(c);
	column++;
}

void screen_write(const char *text, size_t length)
{
	if (framebuffer.address && !framebuffer_usable())
		return;
	if (!cleared)
		clear();
	for (size_t i = 0; i < length; i++)
		put(text[i]);
}
