/* SPDX-License-Identifier: Apache-2.0 */
/* The screen, for messages that end the boot: VGA text mode, or the linear framebuffer the firmware left. */
#ifndef HV_LIB_SCREEN_H
#define HV_LIB_SCREEN_H

#include <hv/types.h>

struct framebuffer {
	uint64_t address;
	uint32_t pitch, width, height;
	uint8_t bits_per_pixel;
};

void screen_use_framebuffer(const struct framebuffer *fb);	/* without this call: VGA text at 0xB8000 */
void screen_write(const char *text, size_t length);

#endif
