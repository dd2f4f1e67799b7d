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
extern const struct method_row vm_method_rows[], library_method_rows[], other_method_rows[], console_method_rows[], network_method_rows[];

struct later { struct ipc_request *request; };	/* NULL once the client has gone */
struct later *later_new(struct ipc_request *r);	/* NULL: no memory, and the request has been answered so */
struct ipc_request *later_end(struct later *l);	/* frees it; the request to answer, or NULL */

const char *text_of(const json_t *parameters, const char *name);	/* "" when absent */
struct vm *vm_of(struct vmms *v, struct ipc_request *r, const json_t *parameters);	/* or NULL, answered 404 */
bool etag_matches(struct ipc_request *r, const json_t *parameters, const char *etag);	/* false: answered 412 */

#endif
