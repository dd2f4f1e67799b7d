/* SPDX-License-Identifier: Apache-2.0 */
/* What the spinning test's two sides share, in scratch page 40. */
#ifndef CHILD_TEST_SPIN_H
#define CHILD_TEST_SPIN_H

#include "shared.h"

#define SPIN_CONTROL	(SCRATCH + 40u * 4096u)
#define SPIN_TICK	100000u		/* 10 ms */
struct spin_control { uint32_t stop, ticks, expected; };

#endif
