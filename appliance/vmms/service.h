/* SPDX-License-Identifier: Apache-2.0 */
/* The whole service, for main() and for tests. */
#ifndef VMMS_SERVICE_H
#define VMMS_SERVICE_H

#include "vmms.h"

/* v->options and v->loop are set, the directories are -1; after a failure service_close() too. */
int service_open(struct vmms *v);
void service_close(struct vmms *v);		/* workers keep running */

#endif
