/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webapi: the appliance's HTTPS and WebSocket server. Runs unprivileged; reaches VMs only through vmms.
 * Threads: this one ends TLS (tls/), one for HTTP, one for WebSockets, a few workers for what blocks.
 */
#include "auth/audit.h"
#include "auth/login_limit.h"
#include "auth/sessions.h"
#include "auth/tokens.h"
#include "auth/users.h"
#include "banner.h"
#include "http/http.h"
#include "http/idempotency.h"
#include "http/route.h"
#include "http/workers.h"
#include "partita/file.h"
#include "partita/log.h"
#include "sandbox.h"
#include "tls/front.h"
#include "upstream/vmms.h"
#include "ws/ws.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WORKERS		6
#define FILES_MAX	16384

static const struct option long_options[] = {
	{ "bind", required_argument, NULL, 'b' },
	{ "port", required_argument, NULL, 'p' },
	{ "state-dir", required_argument, NULL, 's' },
	{ "runtime-dir", required_argument, NULL, 'r' },
	{ "ui-dir", required_argument, NULL, 'u' },
	{ "list-routes", no_argument, NULL, 'l' },
	{ 0 }
};

static void print_route(void *unused, const struct route *route)
{
	(void)unused;
	printf("%s %s %s\n", route->method, route->path, route->query ? route->query : "");
}

static int usage(void)
{
	fprintf(stderr, "usage: webapi [--bind ADDRESS] [--port PORT] [--state-dir DIR] [--runtime-dir DIR] "
	                "[--ui-dir DIR] [--list-routes]\n");
	return -EINVAL;
}

/* 0: run; 1: done; negative: wrong options. */
static int parse_options(int argc, char **argv, struct webapi_options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		switch (c) {
		case 'b': o->bind = optarg; break;
		case 'p': o->port = atoi(optarg); break;
		case 's': o->state_dir = optarg; break;
		case 'r': o->runtime_dir = optarg; break;
		case 'u': o->ui_dir = optarg; break;
		case 'l': route_list(print_route, NULL); return 1;
		default: return usage();
		}
	}
	return optind == argc && o->port > 0 && o->port < 65536 ? 0 : usage();
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_state(struct webapi *api)
{
	int parent = open(api->options.state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (parent < 0)
		return -errno;
	api->state_fd = directory_open(parent, "webapi", 0700);
	close(parent);
	if (api->state_fd < 0)
		return api->state_fd;
	file_remove_temporaries(api->state_fd);
	return 0;
}

static int open_parts(struct webapi *api)
{
	char path[4096];
	int r = open_state(api);

	snprintf(path, sizeof(path), "%s/vmms.sock", api->options.runtime_dir);
	r = r ? r : users_open(api->state_fd, &api->users);
	r = r ? r : tokens_open(api->state_fd, &api->tokens);
	r = r ? r : sessions_open(api->state_fd, time, &api->sessions);
	r = r ? r : audit_open(api->state_fd, &api->audit);
	r = r ? r : login_limit_create(time, &api->login_limit);
	r = r ? r : idempotency_create(time, &api->idempotency);
	r = r ? r : vmms_create(path, &api->vmms);
	return r;
}

static int start_servers(struct webapi *api)
{
	int r = workers_start(WORKERS, &api->workers);

	r = r ? r : http_start(api, &api->http);
	return r ? r : ws_start(api, &api->ws);
}

/* Workers first: they finish what they have begun, and nothing is suspended when libmicrohttpd stops. */
static void stop_servers(struct webapi *api)
{
	workers_stop(api->workers);
	http_stop(api->http);
	ws_stop(api->ws);
	workers_destroy(api->workers);
}

static void close_parts(struct webapi *api)
{
	banner_close(api->banner);
	vmms_destroy(api->vmms);
	idempotency_destroy(api->idempotency);
	login_limit_destroy(api->login_limit);
	audit_close(api->audit);
	sessions_close(api->sessions);
	tokens_close(api->tokens);
	users_close(api->users);
	tls_store_close(api->tls);
}

static void on_http(void *api, int fd, const struct front_peer *peer)
{
	http_add(((struct webapi *)api)->http, fd, (const struct sockaddr *)&peer->address, peer->length);
}

static void on_websocket(void *api, int fd, const char *head, size_t length, const struct front_peer *peer)
{
	ws_open(api, fd, head, length, peer);
}

static void on_tick(void *api)
{
	static unsigned int seconds;

	if (seconds++ % 5 == 0)
		banner_refresh(((struct webapi *)api)->banner);
}

static int serve(struct webapi *api)
{
	static const struct front_handlers handlers = { on_http, on_websocket, on_tick };
	struct front *front = NULL;
	int r = front_create(api->options.bind, api->options.port, api->tls, &handlers, api, &front);

	if (r < 0) {
		log_error("cannot listen on %s port %d: %s", api->options.bind, api->options.port,
		          strerror(-r));
		return r;
	}
	r = sandbox_enter();
	if (r < 0)
		log_error("cannot enter the sandbox: %s", strerror(-r));
	else
		log_info("serving on port %d", api->options.port);
	r = r ? r : front_run(front);
	front_destroy(front);
	return r;
}

static void block_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	/* front.c takes them from a descriptor; threads inherit the mask. */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int main(int argc, char **argv)
{
	struct webapi api = {
		.state_fd = -1,
		.options = { .bind = "::", .port = 443, .state_dir = "/var/lib/partita", .runtime_dir = "/run/partita",
			     .ui_dir = "/usr/share/partita/ui" },
	};
	int r = parse_options(argc, argv, &api.options);

	if (r != 0)
		return r < 0 ? 2 : 0;
	umask(0027);
	block_signals();
	raise_file_limit();
	r = open_parts(&api);
	r = r ? r : tls_store_open(api.state_fd, &api.tls);
	r = r ? r : banner_open(&api, &api.banner);
	r = r ? r : start_servers(&api);
	if (r < 0)
		log_error("cannot start: %s", strerror(-r));
	r = r ? r : serve(&api);
	stop_servers(&api);
	close_parts(&api);
	return r < 0 ? 1 : 0;
}
