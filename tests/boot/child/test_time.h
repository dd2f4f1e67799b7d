/* SPDX-License-Identifier: Apache-2.0 */
/* What the time test's two sides agree on. */
#ifndef CHILD_TEST_TIME_H
#define CHILD_TEST_TIME_H

#include "shared.h"

enum {
	ASK_FREEZE = ASK_TEST,	/* time stands still for so many ms */
	ASK_SET_TSC,		/* the guest's TSC is set */
};
#define SET_TSC_TO	0x123456789ull

#endif
