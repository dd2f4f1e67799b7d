/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: the vmwp.* methods of docs/processes.md. Event loop's thread. */
#ifndef VMWP_CONTROL_CONTROL_H
#define VMWP_CONTROL_CONTROL_H

#include "partita/ipc.h"
#include "partita/problem.h"
#include "vmwp/machine.h"

struct control;

/* Takes listen_fd. `sandbox` is called once, after Configure and before its answer: from then on nothing new is opened. */
int control_create(sd_event *loop, int listen_fd, struct machine *m, int (*sandbox)(void), struct control **out);
void control_destroy(struct control *c);	/* accepts NULL */

/* configure.c: reads and checks "vm"; descriptors it names leave the message. 0, or -EINVAL and *p. */
int configure_parse(json_t *vm, struct ipc_message *message, struct vm_config *config, struct problem *p);
int controller_parse(const json_t *controller, struct vm_place *place, struct problem *p);

/* A drive as in Configure and AttachDisk; its descriptors are the caller's, also when it failed. */
int disk_parse(const json_t *value, struct ipc_message *message, struct vm_disk *d, struct problem *p);

/* drives.c: 0, or negative and *p; detaching answers by itself. */
int drive_attach(struct machine *m, const json_t *parameters, struct ipc_message *message, struct problem *p);
void drive_detach(struct ipc_request *r, const json_t *parameters, struct machine *m);

/* merge.c: both answer by themselves. */
struct merge;
void merge_start(struct ipc_request *r, const json_t *parameters, struct machine *m, struct merge **merges);
void merge_cancel(struct ipc_request *r, const json_t *parameters, struct merge *merges);
void merges_end(struct merge **merges);		/* stops them, and waits */

/* network.c: 0, or negative and *p. Attaching takes the message's first descriptor, a tap. */
int network_adapter_attach(struct machine *m, const json_t *parameters, struct ipc_message *message, struct problem *p);
int network_adapter_update(struct machine *m, const json_t *parameters, struct problem *p);
int network_adapter_detach(struct machine *m, const json_t *parameters, struct problem *p);

#endif
