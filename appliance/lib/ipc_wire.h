/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a message socket: bytes in, whole messages out, and a queue of messages that the peer has not read yet.
 * Used by ipc_client.c, ipc_async.c and ipc_server.c only; everyone else includes partita/ipc.h.
 */
#ifndef LIB_IPC_WIRE_H
#define LIB_IPC_WIRE_H

#include "partita/ipc.h"

#define IPC_BURST	16		/* messages taken from one peer before others get their turn */
#define IPC_QUEUE_MAX	(4u << 20)	/* bytes a peer may leave unread before it is told -EAGAIN */

struct ipc_out;				/* a message on its way out, with its own copies of the descriptors */

struct ipc_wire {
	int fd;				/* owned, non-blocking */
	char *rx;
	size_t rx_start, rx_len, rx_size;	/* rx_len bytes from rx_start on are not yet taken */
	int rx_fds[IPC_FDS_MAX];	/* they belong to the last message that has bytes in rx */
	size_t rx_fd_count;
	struct ipc_out *out, **out_tail;
	size_t out_bytes;
};

int ipc_wire_init(struct ipc_wire *w, int fd);	/* takes fd on success */
void ipc_wire_fini(struct ipc_wire *w);

/*
 * Takes the next whole message. 1: *m is filled; 0: no whole message yet; negative: the peer broke a rule (-EBADMSG,
 * -EMSGSIZE) or is gone (-ESHUTDOWN). Reads from the socket only while it holds no whole message.
 */
int ipc_wire_receive(struct ipc_wire *w, struct ipc_message *m);

/* Sends or queues; fds stay the caller's. -EAGAIN: too much is unread; -EMSGSIZE; -EPIPE. `body` is borrowed. */
int ipc_wire_send(struct ipc_wire *w, const json_t *body, const int *fds, size_t fd_count);
int ipc_wire_flush(struct ipc_wire *w);		/* 0: nothing left; -EAGAIN: more to write; or the error */
bool ipc_wire_has_output(const struct ipc_wire *w);

json_t *ipc_call_body(const char *method, json_t *parameters, bool more);	/* consumes parameters */
/* Turns a reply into its "parameters": 0, -EREMOTE (error kept whole), -EBADMSG. *continues may be NULL. */
int ipc_reply_open(struct ipc_message *m, bool *continues);

#endif
