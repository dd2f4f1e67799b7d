/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The methods clients call. A handler gets parameters whose names and types its table row has checked. A request that is
 * answered later is held by `struct later`, which survives the client going away.
 */
#ifndef VMMS_METHODS_H
#define VMMS_METHODS_H

#include "vm.h"

struct method_row {
	const char *name, *parameters;		/* partita/parameters.h */
	void (*run)(struct vmms *v, struct ipc_request *r, const json_t *parameters);
};

extern const struct ipc_method vmms_methods[];
extern const struct method_row vm_method_rows[], library_method_rows[], other_method_rows[], console_method_rows[], network_method_rows[], drive_method_rows[], metrics_method_rows[], guest_method_rows[], upload_method_rows[], volume_method_rows[];

struct later { struct ipc_request *request; };	/* NULL once the client has gone */
struct later *later_new(struct ipc_request *r);	/* NULL: no memory, and the request has been answered so */
struct ipc_request *later_end(struct later *l);	/* frees it; the request to answer, or NULL */

const char *text_of(const json_t *parameters, const char *name);	/* "" when absent */
struct vm *vm_of(struct vmms *v, struct ipc_request *r, const json_t *parameters);	/* or NULL, answered 404 */
bool etag_matches(struct ipc_request *r, const json_t *parameters, const char *etag);	/* false: answered 412 */

/* methods_vm.c */
void reply_vm(struct ipc_request *r, const struct vm *vm);
/* Makes the disks that `c` still needs, then creates the VM; or, with a target, gives it the last drive of `c`. */
void build_start(struct vmms *v, struct ipc_request *r, const struct vm_config *c, struct vm *target, struct problem *p);

/* methods_drives.c: the drive becomes the VM's, running or off. Takes `later`, whose client is answered. */
void drive_join(struct vm *vm, struct later *later, struct drive *d);

#endif
