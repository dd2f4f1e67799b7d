/* SPDX-License-Identifier: Apache-2.0 */
/* A child partition on the machine of tests/unit/hv: made, given memory, and taken down again whatever it did. */
#ifndef FUZZ_CHILD_H
#define FUZZ_CHILD_H

#include "tests/unit/hv/fake.h"

#define CHILD_RAM_GPFN	0x900ull	/* the root's frames that are the child's memory from GPA 0 on */
#define CHILD_PAGES	32u

extern uint64_t child;			/* its id */

void child_create(struct vp *vps[2]);
void child_destroy(uint64_t id);	/* this one, or any other */
void child_deposits_are_back(void);	/* every page that the root gave is its own again */

#endif
