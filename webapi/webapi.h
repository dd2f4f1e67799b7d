/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of webapi share: the options and one pointer to each part. Made by main.c before any
 * thread starts and not changed afterwards; each part guards its own state.
 */
#ifndef WEBAPI_H
#define WEBAPI_H

struct audit;
struct banner;
struct http_server;
struct idempotency;
struct login_limit;
struct sessions;
struct tls_store;
struct tokens;
struct users;
struct vmms;
struct workers;
struct ws_server;

struct webapi_options {
	const char *bind;		/* address to listen on, "::" serves IPv4 too */
	int port;
	const char *state_dir;		/* ours is its folder webapi/ */
	const char *runtime_dir;	/* holds vmms.sock and banner */
	const char *ui_dir;
};

struct webapi {
	int state_fd;			/* our folder in the state directory */
	struct webapi_options options;
	struct users *users;
	struct tokens *tokens;
	struct sessions *sessions;
	struct login_limit *login_limit;
	struct audit *audit;
	struct banner *banner;
	struct tls_store *tls;
	struct idempotency *idempotency;
	struct vmms *vmms;
	struct workers *workers;
	struct http_server *http;
	struct ws_server *ws;
};

#endif
