/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NUL-terminated JSON messages with descriptors over Unix stream sockets: the one way Partita's processes talk
 * (docs/processes.md, "Messages"). Built on Jansson and sd-event. A peer that breaks a rule is disconnected.
 */
#ifndef PARTITA_IPC_H
#define PARTITA_IPC_H

#include <jansson.h>
#include <stddef.h>
#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#define IPC_MESSAGE_MAX	(1u << 20)
#define IPC_FDS_MAX	16

struct ipc_message {			/* owned by its receiver; ipc_message_clear() frees what was not taken */
	json_t *body;
	int fds[IPC_FDS_MAX];
	size_t fd_count;
};
void ipc_message_clear(struct ipc_message *m);	/* accepts a zeroed message */
int ipc_message_take_fd(struct ipc_message *m, size_t index);	/* caller owns it; -EBADF when absent or taken */

/* --- client: blocking calls --- */
struct ipc_client;
int ipc_connect(const char *path, struct ipc_client **out);		/* 0 or negative errno */
int ipc_connect_fd(const char *path);					/* a connected socket, or negative errno */
int ipc_client_from_fd(int fd, struct ipc_client **out);		/* takes fd */
void ipc_disconnect(struct ipc_client *c);				/* accepts NULL */
int ipc_client_fd(const struct ipc_client *c);
/*
 * Sends method(parameters) with fds (still the caller's) and waits up to timeout_ms for the reply. `parameters` is consumed.
 * 0: reply->body is the reply's "parameters". -EREMOTE: the peer answered an error; reply->body is the whole error message.
 */
int ipc_call(struct ipc_client *c, const char *method, json_t *parameters, const int *fds, size_t fd_count,
	     int timeout_ms, struct ipc_message *reply);
/* Starts a stream ("more"); then ipc_next() gives each reply's "parameters". -ESHUTDOWN when the peer closed. */
int ipc_call_stream(struct ipc_client *c, const char *method, json_t *parameters);
int ipc_next(struct ipc_client *c, int timeout_ms, struct ipc_message *reply);	/* -ETIMEDOUT; timeout 0 = don't wait */

/*
 * --- client on an sd_event loop: for daemons that must not wait ---
 * `done` gets the reply's "parameters" (result 0), the whole error message (-EREMOTE), or NULL and why there is no reply
 * (-ESHUTDOWN, -ETIMEDOUT, …); after such an end `lost` is called once and the owner closes. Closing inside a callback is
 * fine; calls still open when the owner closes are forgotten, not called. The message stays ipc_async's: take what you keep.
 */
struct ipc_async;
typedef void ipc_async_reply(struct ipc_message *reply, int result, bool continues, void *data);
int ipc_async_from_fd(sd_event *loop, int fd, void (*lost)(struct ipc_async *a, int reason, void *data), void *data,
		      struct ipc_async **out);					/* takes fd */
/* timeout_ms < 0 starts a stream ("more"), which has no deadline; then nothing else may be called on this connection. */
int ipc_async_call(struct ipc_async *a, const char *method, json_t *parameters, const int *fds, size_t fd_count,
		   int timeout_ms, ipc_async_reply *done, void *data);
void ipc_async_drain(struct ipc_async *a);				/* delivers what has already arrived; accepts NULL */
void ipc_async_close(struct ipc_async *a);				/* accepts NULL */

/* --- server: callbacks on an sd_event loop --- */
struct ipc_server;
struct ipc_request;			/* one call being answered; lives until answered or its peer is gone */
struct ipc_method {
	const char *name;		/* "vmms.GetVm" */
	void (*handle)(struct ipc_request *r, json_t *parameters, void *context);	/* parameters: borrowed object, never NULL */
};
/* `methods` ends with a row whose name is NULL. `permit` judges the peer's uid (NULL: anyone). listen_fd is taken. */
int ipc_serve(sd_event *loop, int listen_fd, const struct ipc_method *methods, bool (*permit)(uid_t uid, void *context),
	      void *context, struct ipc_server **out);
int ipc_serve_path(sd_event *loop, const char *path, mode_t mode, const struct ipc_method *methods,
		   bool (*permit)(uid_t uid, void *context), void *context, struct ipc_server **out);
int ipc_listen(const char *path, mode_t mode);		/* a listening socket, or negative errno; replaces a stale one */
void ipc_server_stop(struct ipc_server *s);	/* accepts NULL; pending requests die */

struct ipc_message *ipc_request_message(struct ipc_request *r);	/* to take descriptors */
const char *ipc_request_method(const struct ipc_request *r);
uid_t ipc_request_uid(const struct ipc_request *r);
bool ipc_request_wants_more(const struct ipc_request *r);
/* Called when the peer goes away before the answer (streams); may be NULL. */
void ipc_request_on_gone(struct ipc_request *r, void (*gone)(struct ipc_request *r, void *data), void *data);

/* Each ends the request (r is gone), except ipc_notify. `parameters` is consumed (NULL means {}); fds stay the caller's. */
void ipc_reply(struct ipc_request *r, json_t *parameters);
void ipc_reply_fds(struct ipc_request *r, json_t *parameters, const int *fds, size_t fd_count);
int ipc_notify(struct ipc_request *r, json_t *parameters);	/* a "continues" reply; -EAGAIN: the peer does not read, drop it */
void ipc_fail(struct ipc_request *r, int status, const char *code, const char *field, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
void ipc_fail_with(struct ipc_request *r, const char *code, json_t *parameters);	/* hands on an error as it came */

#endif
