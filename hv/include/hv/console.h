/* SPDX-License-Identifier: Apache-2.0 */
/* What hv says, and to whom: serial port COM1 for developers, the screen only for messages that end the boot. */
#ifndef HV_CONSOLE_H
#define HV_CONSOLE_H

#include <stdarg.h>
#include <hv/types.h>

enum log_level { LOG_ERROR, LOG_INFO, LOG_DEBUG };

extern enum log_level console_level;		/* set by the hv option loglevel=, 0 to 2 */

void hv_log(enum log_level level, const char *format, ...) __printf(2, 3);
void console_write(const char *text, size_t length);	/* serial, as it is */
int hv_vsnprintf(char *buffer, size_t size, const char *format, va_list args);	/* %s %d %u %x %p, l and ll; %0Nx: N digits */

#endif
