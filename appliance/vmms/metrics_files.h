/* SPDX-License-Identifier: Apache-2.0 */
/* The series of host and VMs over a restart of the service: a file each, by name (a VM's id, or "host"). Lost ones are only begun anew. */
#ifndef VMMS_METRICS_FILES_H
#define VMMS_METRICS_FILES_H

#include "rings.h"
#include "vmms.h"

void metrics_files_open(struct vmms *v);
void metrics_files_close(struct vmms *v);
void metrics_file_write(const struct vmms *v, const char *name, const struct rings *rings);
struct rings *metrics_file_read(const struct vmms *v, const char *name);	/* NULL: none */
void metrics_file_remove(const struct vmms *v, const char *name);

#endif
