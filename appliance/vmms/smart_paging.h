/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Smart Paging: a VM that restarts while memory is short boots with startup memory that is partly a file on a volume. Only dynamic
 * memory whose minimum is below its startup; only at a restart; until the guest has given back so much, or the host has it.
 */
#ifndef VMMS_SMART_PAGING_H
#define VMMS_SMART_PAGING_H

#include "vm.h"

int smart_paging_open(struct vmms *v);		/* after the VMs: finds the files that an earlier vmms left */
void smart_paging_close(struct vmms *v);
void smart_paging_recover(struct vmms *v);	/* which workers run is known: files of others are given up */
/* Bytes that the file would have, for a VM that needs its startup memory while `free` is there; 0: this cannot help. */
uint64_t smart_paging_needs(const struct vm *vm, uint64_t free);
/* The worker runs, and its guest must not touch all of its memory before done(): 0, or negative errno and *p filled. */
typedef void smart_paging_done(struct vm *vm, int result, const char *why);
int smart_paging_begin(struct vm *vm, uint64_t bytes, smart_paging_done *done, struct problem *p);
uint64_t smart_paging_bytes(const struct vm *vm);	/* of its memory that is not the host's now; 0: none */
bool smart_paging_is_late(const struct vm *vm);	/* for ten minutes already */
void smart_paging_grant(struct vm *vm, uint64_t bytes);	/* so much more of it is the host's */
void smart_paging_round(struct vmms *v);	/* once a second: gives it back, removes files */
void smart_paging_stop(struct vm *vm);		/* its worker has ended */

#endif
