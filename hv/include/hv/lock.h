/* SPDX-License-Identifier: Apache-2.0 */
/* Ticket spin lock. hv never sleeps and is never interrupted while it holds one. */
#ifndef HV_LOCK_H
#define HV_LOCK_H

#include <stdint.h>

struct spinlock { volatile uint32_t next, serving; };

void spin_lock(struct spinlock *l);
void spin_unlock(struct spinlock *l);

#endif
