/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that asks workers how they are: once a second each, for the balancer, the meters and the guest's own words. */
#ifndef VMMS_STATUS_H
#define VMMS_STATUS_H

#include "vm.h"

int status_open(struct vmms *v);
void status_close(struct vmms *v);

#endif
