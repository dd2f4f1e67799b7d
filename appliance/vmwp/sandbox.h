/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker gives up. */
#ifndef VMWP_SANDBOX_H
#define VMWP_SANDBOX_H

int sandbox_close_process(void);	/* at start: not dumpable, no new privileges, no core file */
unsigned int sandbox_calls(void);	/* how many system calls are left */
int sandbox_enter(void);		/* after Configure: the system call filter, for every thread; 0 or negative errno */

#endif
