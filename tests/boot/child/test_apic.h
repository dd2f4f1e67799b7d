/* SPDX-License-Identifier: Apache-2.0 */
/* What the APIC test's two sides agree on. */
#ifndef CHILD_TEST_APIC_H
#define CHILD_TEST_APIC_H

#include "shared.h"

enum { ASK_CRASHED = ASK_TEST };	/* how often CRASH_CTL was written; the parameters are checked by the VMM */

#define CRASH_PARAMETER(n)	(0x1111000000000000ull + (n))

#endif
