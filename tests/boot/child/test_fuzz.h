/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzing guest's two sides agree on. */
#ifndef CHILD_TEST_FUZZ_H
#define CHILD_TEST_FUZZ_H

#define FUZZ_ROUNDS	20000u
#ifndef FUZZ_SEED
#define FUZZ_SEED	0x5eedull
#endif

#endif
