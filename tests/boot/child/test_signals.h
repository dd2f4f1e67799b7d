/* SPDX-License-Identifier: Apache-2.0 */
/* What the signal window test's two sides agree on. */
#ifndef CHILD_TEST_SIGNALS_H
#define CHILD_TEST_SIGNALS_H

#include "shared.h"

#define CONNECTION_DOORBELL	0x2005u
#define CONNECTION_FLAG0	0x2006u		/* its doorbell rings for flag 0 only */
#define CONNECTION_PING		0x2007u		/* a thread of the VMM answers each with a signal */
#define PINGS			200u
#define FLAG_PONG		9u

enum {
	ASK_INTERCEPTS = ASK_TEST,	/* hypercall intercepts so far */
	ASK_RUNG,			/* connection: how often its eventfd was signalled since asked last */
	ASK_DISCONNECT,			/* connection: its doorbell is taken away */
	ASK_PINGS,			/* PINGS have come back: the VMM's thread ends and says how many it saw */
};

#endif
