/* SPDX-License-Identifier: Apache-2.0 */
/* What the processors test's two sides agree on. */
#ifndef CHILD_TEST_PROCESSORS_H
#define CHILD_TEST_PROCESSORS_H

#include "shared.h"

enum {
	ASK_RUNNING_RIP = ASK_TEST,	/* status of reading VP 1's RIP while it spins */
	ASK_RUNNING_SUSPEND,		/* and of its EXPLICIT_SUSPEND */
	ASK_STOP_VP2,			/* VP 2 halts for good: its thread ends */
};

#endif
