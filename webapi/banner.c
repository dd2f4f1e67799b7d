/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one-time password is kept readable in the state folder until it is changed: it has to be shown again
 * after a power cycle before the first login, and it opens nothing but the change of itself.
 */
#include "banner.h"

#include "auth/password.h"
#include "auth/secret.h"
#include "auth/users.h"
#include "partita/file.h"
#include "partita/log.h"
#include "tls/store.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME		"banner"
#define PASSWORD_FILE		"one-time-password"
#define PASSWORD_GROUPS		4

struct banner {
	pthread_mutex_t lock;		/* guards written and the file */
	struct webapi *api;
	int runtime_fd;
	char *written;			/* what the file holds; NULL: not written yet */
};

static int make_administrator(struct webapi *api)
{
	char password[PASSWORD_GROUPS * 5];
	struct user user = { .username = BANNER_ADMIN, .role = ROLE_ADMINISTRATOR, .password_change_required = true };
	int r = secret_readable(password, PASSWORD_GROUPS);

	/* The file comes first: an account whose password nobody knows would lock everybody out. */
	r = r ? r : file_write(api->state_fd, PASSWORD_FILE, password, strlen(password), 0600);
	r = r ? r : password_hash(password, user.hash);
	r = r ? r : users_add(api->users, &user);
	explicit_bzero(password, sizeof(password));
	explicit_bzero(&user, sizeof(user));
	return r;
}

/*
 * Ranks an interface address for a person to type: IPv4 before IPv6, nothing that only this machine or link
 * knows.
 */
static int address_rank(const struct ifaddrs *i)
{
	const struct sockaddr_in6 *six = (const void *)i->ifa_addr;

	if (!i->ifa_addr || (i->ifa_flags & IFF_LOOPBACK) || !(i->ifa_flags & IFF_UP))
		return 0;
	if (i->ifa_addr->sa_family == AF_INET)
		return 2;
	return i->ifa_addr->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr) ? 1 : 0;
}

static void host_text(char *out, size_t size)
{
	struct ifaddrs *list = NULL;
	char text[INET6_ADDRSTRLEN];
	int best = 0;

	gethostname(out, size);
	if (getifaddrs(&list) < 0)
		return;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		if (address_rank(i) <= best)
			continue;
		best = address_rank(i);
		if (best == 2)
			inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr,
			          text, sizeof(text));
		else
			inet_ntop(AF_INET6,
			          &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr, text,
			          sizeof(text));
		snprintf(out, size, best == 2 ? "%s" : "[%s]", text);
	}
	freeifaddrs(list);
}

static char *compose(const struct banner *b)
{
	char host[256] = "", port[16] = "", *text = NULL, *password = NULL;
	struct tls_context *tls = tls_store_get(b->api->tls);
	size_t size;

	host_text(host, sizeof(host) - 1);
	if (b->api->options.port != 443)
		snprintf(port, sizeof(port), ":%d", b->api->options.port);
	if (file_read(b->api->state_fd, PASSWORD_FILE, 256, &password, &size) < 0)
		password = NULL;
	if (asprintf(&text, "url=https://%s%s/\nfingerprint=%s\nadmin-user=%s\n%s%s%s", host, port,
	             tls->certificate->fingerprint, BANNER_ADMIN, password ? "admin-password=" : "",
	             password ? password : "", password ? "\n" : "") < 0)
		text = NULL;
	tls_store_put(b->api->tls, tls);
	free(password);
	return text;
}

void banner_refresh(struct banner *b)
{
	char *text;
	int r = 0;

	pthread_mutex_lock(&b->lock);
	text = compose(b);
	if (text && !(b->written && strcmp(b->written, text) == 0)) {
		r = file_write(b->runtime_fd, FILE_NAME, text, strlen(text), 0640);
		free(b->written);
		b->written = text;
		text = NULL;
	}
	pthread_mutex_unlock(&b->lock);
	if (r < 0)
		log_error("cannot write the banner: %s", strerror(-r));
	free(text);
}

int banner_open(struct webapi *api, struct banner **out)
{
	struct banner *b = calloc(1, sizeof(*b));
	int r = -ENOMEM;

	if (!b)
		return r;
	pthread_mutex_init(&b->lock, NULL);
	b->api = api;
	b->runtime_fd = open(api->options.runtime_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = b->runtime_fd < 0 ? -errno : users_count(api->users) == 0 ? make_administrator(api) : 0;
	if (r == 0)
		*out = b;
	else
		banner_close(b);
	return r;
}

void banner_close(struct banner *b)
{
	if (!b)
		return;
	if (b->runtime_fd >= 0)
		close(b->runtime_fd);
	pthread_mutex_destroy(&b->lock);
	free(b->written);
	free(b);
}

void banner_password_changed(struct webapi *api, const char *username)
{
	if (strcmp(username, BANNER_ADMIN) != 0)
		return;
	file_remove(api->state_fd, PASSWORD_FILE);
	banner_refresh(api->banner);
}
