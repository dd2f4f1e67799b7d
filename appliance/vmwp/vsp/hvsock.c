/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of Hyper-V sockets: programs of the host that greet us, guests that ask for a service, and their ends. */
#include "vmwp/vsp/hvsock_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING_MAX	32u

/* <port>-facb-11e6-bd58-64006a7986d3: the only services that Linux guests have. */
static const struct vmbus_guid port_template =
	VMBUS_GUID(0, 0xfacb, 0x11e6, 0xbd, 0x58, 0x64, 0x00, 0x6a, 0x79, 0x86, 0xd3);

static struct vmbus_guid guid_of_port(uint32_t port)
{
	struct vmbus_guid g = port_template;

	memcpy(g.bytes, &port, sizeof(port));
	return g;
}

static bool port_of_guid(const struct vmbus_guid *g, uint32_t *port)
{
	memcpy(port, g->bytes, sizeof(*port));
	return memcmp(g->bytes + 4, port_template.bytes + 4, sizeof(g->bytes) - 4) == 0;
}

/* --- connections --- */

static struct hvsock_connection *connection_new(struct device *dev, int fd)
{
	struct hvsock *h = device_state(dev);
	struct hvsock_connection *k = h->count < HVSOCK_CONNECTIONS_MAX ? calloc(1, sizeof(*k)) : NULL;

	if (!k)
		return NULL;
	k->device = dev;
	k->fd = fd;
	k->next = h->connections;
	h->connections = k;
	h->count++;
	return k;
}

static void connection_free(struct hvsock_connection *k)
{
	struct hvsock *h = device_state(k->device);
	struct hvsock_connection **link;

	for (link = &h->connections; *link != k; link = &(*link)->next)
		;
	*link = k->next;
	h->count--;
	if (k->fd >= 0) {
		device_unwatch_fd(k->device, k->fd);
		close(k->fd);
	}
	free(k);
}

static void connection_gone(void *context)
{
	connection_free(context);
}

void hvsock_withdraw(struct hvsock_connection *k)
{
	if (k->state == HVSOCK_LEAVING)
		return;
	k->state = HVSOCK_LEAVING;
	vmbus_withdraw(k->channel, connection_gone);
}

static void arm(struct hvsock *h, uint64_t deadline_ns)
{
	for (struct hvsock_connection *k = h->connections; k; k = k->next)
		if (k->state == HVSOCK_OFFERED && k->deadline_ns < deadline_ns)
			deadline_ns = k->deadline_ns;
	device_timer_arm(h->timer, deadline_ns == UINT64_MAX ? 0 : deadline_ns);
}

static int connection_offer(struct hvsock_connection *k, const struct vmbus_guid *service, const struct vmbus_guid *instance)
{
	struct hvsock *h = device_state(k->device);
	struct machine *m = k->device->machine;
	struct vmbus_offer offer = { .instance = *instance, .context = k };
	uint32_t version = 1;
	int r;

	offer.user[4] = k->from_host;		/* user[0]: a byte pipe */
	memcpy(offer.user + 6, &version, sizeof(version));
	k->kind = hvsock_stream_kind;
	k->kind.class = *service;
	r = vmbus_offer(vsp_bus(m), &k->kind, &offer, &k->channel);
	if (r < 0)
		return r;
	k->state = HVSOCK_OFFERED;
	k->deadline_ns = machine_now_ns(m) + HVSOCK_OPEN_NS;
	arm(h, UINT64_MAX);
	return 0;
}

/* Offers that nobody took: nothing listens there. */
static void offers_expire(struct device *dev)
{
	struct hvsock *h = device_state(dev);
	uint64_t now = machine_now_ns(dev->machine);
	struct hvsock_connection *k = h->connections;

	while (k) {
		struct hvsock_connection *next = k->next;

		if (k->state == HVSOCK_OFFERED && k->deadline_ns <= now) {
			device_unwatch_fd(dev, k->fd);
			close(k->fd);
			k->fd = -1;
			hvsock_withdraw(k);
		}
		k = next;
	}
	arm(h, UINT64_MAX);
}

/* --- from the host --- */

static bool parse_greeting(char *text, uint32_t *port)
{
	char *end;
	unsigned long value;

	if (strncmp(text, "CONNECT ", 8) || text[8] < '0' || text[8] > '9')
		return false;
	errno = 0;
	value = strtoul(text + 8, &end, 10);
	*port = (uint32_t)value;
	return !errno && *end == '\0' && value <= UINT32_MAX;
}

/* "CONNECT <port>\n" and not a byte more, since what follows belongs to the stream. 1 complete, 0 not yet, or negative. */
static int greeting_read(struct hvsock_connection *k, uint32_t *port)
{
	char *text = (char *)k->pending;

	while (k->pending_bytes < GREETING_MAX) {
		ssize_t n = recv(k->fd, text + k->pending_bytes, 1, MSG_DONTWAIT);

		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPIPE;
		if (text[k->pending_bytes++] != '\n')
			continue;
		text[k->pending_bytes - 1] = '\0';
		k->pending_bytes = 0;
		return parse_greeting(text, port) ? 1 : -EBADMSG;
	}
	return -EMSGSIZE;
}

static void greet(struct hvsock_connection *k)
{
	struct hvsock *h = device_state(k->device);
	struct vmbus_guid service, instance;
	uint32_t port;
	int r = greeting_read(k, &port);

	if (r == 0)
		return;
	if (r < 0) {
		connection_free(k);
		return;
	}
	device_unwatch_fd(k->device, k->fd);		/* until the guest is there */
	service = guid_of_port(port);
	k->host_port = h->next_port++;
	instance = guid_of_port(k->host_port);
	if (connection_offer(k, &service, &instance) < 0)
		connection_free(k);
}

void hvsock_ready(struct device *dev, int fd, uint32_t events)
{
	struct hvsock *h = device_state(dev);
	struct hvsock_connection *k = h->connections;

	while (k && k->fd != fd)
		k = k->next;
	if (k && k->state == HVSOCK_GREETING)
		greet(k);
	else if (k && k->state == HVSOCK_OPEN)
		hvsock_stream_ready(dev, k, events);
}

static void accept_one(struct device *dev, int listen_fd, uint32_t events)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct hvsock_connection *k;

	(void)events;
	if (fd < 0)
		return;
	k = connection_new(dev, fd);
	if (!k) {
		close(fd);
		return;
	}
	k->from_host = true;
	k->state = HVSOCK_GREETING;
	if (device_watch_fd(dev, fd, EPOLLIN, hvsock_ready) < 0)
		connection_free(k);
}

static void listen_end(struct device *dev, struct hvsock *h)
{
	if (h->listen_fd < 0)
		return;
	device_unwatch_fd(dev, h->listen_fd);
	close(h->listen_fd);
	h->listen_fd = -1;
}

int hvsock_listen(struct machine *m, int fd)
{
	struct device *dev = machine_device(m, &hvsock_model);
	struct hvsock *h = dev ? device_state(dev) : NULL;
	int r;

	if (!h)
		return -ENODEV;
	r = device_watch_fd(dev, fd, EPOLLIN, accept_one);
	if (r < 0)
		return r;
	listen_end(dev, h);
	h->listen_fd = fd;
	return 0;
}

/* --- from the guest --- */

static struct hvsock_service *service_of_port(struct hvsock *h, uint32_t port)
{
	for (unsigned int i = 0; i < HVSOCK_SERVICES_MAX; i++)
		if (h->services[i].fd >= 0 && h->services[i].port == port)
			return &h->services[i];
	return NULL;
}

static void service_end(struct device *dev, int fd, uint32_t events)
{
	struct hvsock *h = device_state(dev);

	(void)events;			/* a service says nothing: it has gone, or breaks the rules */
	device_unwatch_fd(dev, fd);
	close(fd);
	for (unsigned int i = 0; i < HVSOCK_SERVICES_MAX; i++)
		if (h->services[i].fd == fd)
			h->services[i].fd = -1;
}

int hvsock_add_service(struct machine *m, uint32_t port, int fd)
{
	struct device *dev = machine_device(m, &hvsock_model);
	struct hvsock *h = dev ? device_state(dev) : NULL;
	int r;

	if (!h)
		return -ENODEV;
	if (service_of_port(h, port))
		return -EEXIST;
	for (unsigned int i = 0; i < HVSOCK_SERVICES_MAX; i++) {
		if (h->services[i].fd >= 0)
			continue;
		r = device_watch_fd(dev, fd, EPOLLIN | EPOLLRDHUP, service_end);
		if (r == 0)
			h->services[i] = (struct hvsock_service){ port, fd };
		return r;
	}
	return -ENOSPC;
}

static int hand_over(int service_fd, uint32_t port, uint32_t guest_port, int fd)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	uint32_t head[2] = { port, guest_port };
	struct iovec iov = { head, sizeof(head) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(service_fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int connect_service(struct device *dev, const struct vmbus_connect *request)
{
	struct hvsock *h = device_state(dev);
	struct hvsock_service *s;
	struct hvsock_connection *k;
	uint32_t port, guest_port;
	int fds[2], r;

	(void)port_of_guid(&request->endpoint, &guest_port);
	s = port_of_guid(&request->service, &port) ? service_of_port(h, port) : NULL;
	if (!s)
		return -ECONNREFUSED;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	k = connection_new(dev, fds[0]);
	r = k ? hand_over(s->fd, port, guest_port, fds[1]) : -ENOMEM;
	close(fds[1]);
	if (!k)
		close(fds[0]);
	if (r == 0)
		r = connection_offer(k, &request->service, &request->endpoint);
	if (r < 0 && k)
		connection_free(k);
	return r;
}

static void on_connect(struct vmbus *bus, const struct vmbus_connect *request, void *context)
{
	if (connect_service(context, request) < 0)
		vmbus_connect_failed(bus, request);
}

/* --- device --- */

static int hvsock_init(struct device *dev)
{
	struct hvsock *h = device_state(dev);

	h->listen_fd = -1;
	h->next_port = 0x80000000u;
	for (unsigned int i = 0; i < HVSOCK_SERVICES_MAX; i++)
		h->services[i].fd = -1;
	h->timer = device_timer_new(dev, offers_expire);
	if (!h->timer)
		return -ENOMEM;
	vmbus_on_connect(vsp_bus(dev->machine), on_connect, dev);
	return 0;
}

static void hvsock_fini(struct device *dev)
{
	struct hvsock *h = device_state(dev);

	while (h->connections)
		connection_free(h->connections);
	for (unsigned int i = 0; i < HVSOCK_SERVICES_MAX; i++)
		if (h->services[i].fd >= 0)
			service_end(dev, h->services[i].fd, 0);
	listen_end(dev, h);
	device_timer_free(h->timer);
}

const struct device_model hvsock_model = {
	.name = "hyper-v sockets", .state_size = sizeof(struct hvsock), .init = hvsock_init, .fini = hvsock_fini,
};
