/* SPDX-License-Identifier: Apache-2.0 */
/* Only carries the guest: see guest_exceptions.c. */
#include "vmm.h"

const struct test test_exceptions = { .name = "exceptions", .guest = GUEST_EXCEPTIONS, .vps = 1 };
