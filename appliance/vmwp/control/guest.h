/* SPDX-License-Identifier: Apache-2.0 */
/* Control of what needs the guest's help: its services and its memory (guest.c, guest_requests.c). Event loop, no lock held. */
#ifndef VMWP_CONTROL_GUEST_H
#define VMWP_CONTROL_GUEST_H

#include "vmwp/control/control.h"

/* Adds "memory", "meters" and, while one runs, "fileCopy" to the answer of vmwp.GetStatus; "services" and "guest", too, unless it shall be brief. */
void guest_status(struct machine *m, bool brief, json_t *status);
/* What the guest is told of its host and itself; before the sandbox closes. */
void guest_introduce(struct machine *m);
int guest_shutdown(struct machine *m);		/* by its service, else by the power button: 0, -EBUSY */
int guest_set_services(struct machine *m, const json_t *services, struct problem *p);
int guest_set_memory(struct machine *m, uint64_t target_bytes, struct problem *p);
/* Hyper-V sockets (vsp/hvsock.h); both take fd in any case. 0 or negative errno */
int guest_listen_sockets(struct machine *m, int fd);
int guest_add_socket_service(struct machine *m, json_int_t port, int fd);
int guest_set_item(struct machine *m, const char *key, const json_t *value, struct problem *p);
int guest_cancel_copy(struct machine *m);	/* the one under way: 0, -EBUSY when there is none */

/* Rows for the table of methods; each answers when the guest has, however long that takes. context: the struct machine. */
void guest_on_freeze(struct ipc_request *r, struct machine *m);
void guest_on_thaw(struct ipc_request *r, struct machine *m);
void guest_on_copy(struct ipc_request *r, const json_t *parameters, struct machine *m);
void guest_on_set_addresses(struct ipc_request *r, const json_t *parameters, struct machine *m);

#endif
