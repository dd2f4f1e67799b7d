/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that a console still needs once it has its descriptors. Anything else kills it. */
#ifndef CONSOLE_SANDBOX_H
#define CONSOLE_SANDBOX_H

int sandbox_enter(void);	/* 0 or negative errno */

#endif
