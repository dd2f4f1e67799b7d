/* SPDX-License-Identifier: Apache-2.0 */
/* What the SynIC test's two sides agree on. */
#ifndef CHILD_TEST_SYNIC_H
#define CHILD_TEST_SYNIC_H

#include "shared.h"

#define CONNECTION_KNOWN	4
#define CONNECTION_BUSY		6
#define SIGNAL_NEWLY		0x10000ull	/* ORed to the status of a signal that was new */

enum {
	ASK_POSTED = ASK_TEST,	/* how many good messages the VMM got */
	ASK_SIGNALLED,		/* last connection | flag << 32 */
	ASK_POST,		/* SINT, number: PostMessageDirect to the VP that asks; the status */
	ASK_POST_LATER,
	ASK_POST_VP1,
	ASK_SIGNAL,		/* SINT, flag: SignalEventDirect; status and SIGNAL_NEWLY */
	ASK_SIGNAL_VP1,
	ASK_NOTIFY,		/* SINT: tell the VMM when it is deliverable; it then posts what it kept */
	ASK_NOTIFIED,		/* the SINTs it was told of since it was asked last */
};

#endif
