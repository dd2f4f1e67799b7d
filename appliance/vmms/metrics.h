/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What host and VMs take: the last counters of each, and series of means in three steps (rings.c). The series outlive the service
 * (metrics_files.c), but not the host's boot.
 */
#ifndef VMMS_METRICS_H
#define VMMS_METRICS_H

#include "vm.h"

int metrics_open(struct vmms *v);			/* after the VMs; what an earlier service has left */
void metrics_note(struct vm *vm, const json_t *meters);	/* "meters" of vmwp.GetStatus; may be NULL */
void metrics_round(struct vmms *v);			/* once a second: takes a sample for every step of two */
void metrics_forget(struct vm *vm);			/* the VM is deleted */
void metrics_close(struct vmms *v);

/* "metrics" of the methods; range as in the API, NULL: minutes. */
json_t *metrics_of_vm(const struct vm *vm, const char *range);
json_t *metrics_of_host(const struct vmms *v, const char *range);
json_t *meters_of_host(const struct vmms *v);
json_t *meters_of_vm(const struct vm *vm);

#endif
