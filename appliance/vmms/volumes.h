/* SPDX-License-Identifier: Apache-2.0 */
/* The volume that holds the state directory: its size, and from when on it counts as low. */
#ifndef VMMS_VOLUMES_H
#define VMMS_VOLUMES_H

#include "vmms.h"

int volumes_open(struct vmms *v);
void volumes_close(struct vmms *v);
bool volume_is_known(const struct vmms *v, const char *id);
/* Less of it free than this is worth an alarm (alarms.c) and a warning in its health. */
unsigned int volume_warning_percent(const struct vmms *v);

#endif
