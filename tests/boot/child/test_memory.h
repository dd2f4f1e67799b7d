/* SPDX-License-Identifier: Apache-2.0 */
/* What the memory test's two sides agree on. */
#ifndef CHILD_TEST_MEMORY_H
#define CHILD_TEST_MEMORY_H

#include "shared.h"

enum {
	ASK_TRACK = ASK_TEST,	/* on or off: dirty page tracking */
	ASK_DIRTY,		/* first scratch page, count (up to 64): bit per dirty page, which is then clean */
	ASK_ACCESSED,		/* the same for accessed */
	ASK_TRANSLATE,		/* GVA: result code << 56 | GPA page */
};

#endif
