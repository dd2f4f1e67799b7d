/* SPDX-License-Identifier: Apache-2.0 */
/* What the isolation test's two sides agree on. */
#ifndef CHILD_TEST_ISOLATION_H
#define CHILD_TEST_ISOLATION_H

#include "shared.h"

#define READ_ONLY_GPA	0x10000000u	/* two pages of the VMM's that the guest may read */
#define READ_ONLY_WORD	0x600df00du
#define COUNTED_CPUIDS	200u

enum {
	ASK_FAULTS = ASK_TEST,		/* memory messages so far; argument: the GPA the last one must have had */
	ASK_UNMAP,			/* the read-only pages go away */
	ASK_COUNTER,			/* a counter of this VP's statistics: the letters of its name are at argument 0 */
	ASK_PORT_READS,			/* ports the VMM was asked for */
};

#endif
