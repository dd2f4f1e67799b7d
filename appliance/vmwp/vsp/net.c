/* SPDX-License-Identifier: Apache-2.0 */
/* Adapters of the machine: attaching one, changing its link, detaching it, also while the guest runs. */
#include "vmwp/vsp/net_adapter.h"

#include "partita/guid.h"
#include "vmwp/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct net_adapter *adapter_find(const struct machine *m, const char *id)
{
	struct net_adapter *a = m->adapters;

	while (a && (a->gone || strcmp(a->config.id, id) != 0))
		a = a->next;
	return a;
}

static void adapter_free(struct net_adapter *a)
{
	net_rx_stop(a);
	net_rx_buffer_drop(a);
	vmbus_gpadl_put(a->send);
	device_timer_free(a->link_timer);
	if (a->tap >= 0)
		close(a->tap);
	free(a->frame);
	free(a->segment);
	free(a);
}

static void adapter_unlink(struct net_adapter *a)
{
	for (struct net_adapter **at = &a->machine->adapters; *at; at = &(*at)->next)
		if (*at == a) {
			*at = a->next;
			return;
		}
}

static void on_link_timer(struct device *handle)
{
	rndis_link_changed(device_state(handle));
}

static struct net_adapter *adapter_new(struct machine *m, const struct net_config *config)
{
	static const struct device_model model = { .name = "netvsp" };
	struct net_adapter *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->machine = m;
	a->config = *config;
	a->tap = -1;
	a->handle = (struct device){ .model = &model, .machine = m, .state = a };
	a->receive.free_head = NET_NONE;
	a->frame = malloc(NET_RX_HEADERS + NET_FRAME_MAX);
	a->segment = malloc(NET_RX_HEADERS + NET_FRAME_BYTES_MAX + VLAN_TAG_BYTES);
	a->link_timer = device_timer_new(&a->handle, on_link_timer);
	if (a->frame && a->segment && a->link_timer)
		return a;
	adapter_free(a);
	return NULL;
}

/* The kernel hands over large TCP frames and unfinished checksums as they are; net_rx.c makes them what the guest gets. */
static int tap_prepare(int tap)
{
	int header = sizeof(struct virtio_net_hdr), flags = fcntl(tap, F_GETFL);

	if (flags < 0 || fcntl(tap, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	if (ioctl(tap, TUNSETVNETHDRSZ, &header) < 0)
		return -errno;
	return ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0 ? -errno : 0;
}

/* The instance is the adapter's UUID: the same at every start, so that the guest's settings stick to it. */
static int instance_of(const char *id, struct vmbus_guid *out)
{
	unsigned int b[16];

	if (!guid_is_valid(id) ||
	    sscanf(id, "%2x%2x%2x%2x-%2x%2x-%2x%2x-%2x%2x-%2x%2x%2x%2x%2x%2x", &b[3], &b[2], &b[1], &b[0], &b[5], &b[4], &b[7], &b[6],
		   &b[8], &b[9], &b[10], &b[11], &b[12], &b[13], &b[14], &b[15]) != 16)
		return -EINVAL;
	for (unsigned int i = 0; i < 16; i++)
		out->bytes[i] = (uint8_t)b[i];
	return 0;
}

static unsigned int adapter_count(const struct machine *m)
{
	unsigned int n = 0;

	for (const struct net_adapter *a = m->adapters; a; a = a->next)
		n++;
	return n;
}

int net_attach(struct machine *m, const struct net_config *config, int tap)
{
	struct vmbus_guid instance;
	struct net_adapter *a;
	int r = instance_of(config->id, &instance);

	if (r == 0 && adapter_find(m, config->id))
		r = -EEXIST;
	if (r == 0 && adapter_count(m) >= NET_ADAPTERS_MAX)
		r = -ENOSPC;
	if (r == 0)
		r = tap_prepare(tap);
	if (r < 0)
		return r;
	a = adapter_new(m, config);
	if (!a)
		return -ENOMEM;
	r = netvsp_offer(a, &instance);
	if (r < 0) {
		adapter_free(a);
		return r;
	}
	a->tap = tap;
	a->next = m->adapters;
	m->adapters = a;
	return 0;
}

int net_update(struct machine *m, const struct net_config *config)
{
	struct net_adapter *a = adapter_find(m, config->id);

	if (!a)
		return -ENOENT;
	if (memcmp(a->config.mac, config->mac, sizeof(config->mac)) != 0)
		return -EINVAL;
	a->config = *config;
	rndis_link_changed(a);
	return 0;
}

static void on_gone(void *context)
{
	struct net_adapter *a = context;

	adapter_unlink(a);
	adapter_free(a);
}

int net_detach(struct machine *m, const char *id)
{
	struct net_adapter *a = adapter_find(m, id);

	if (!a)
		return -ENOENT;
	net_rx_stop(a);
	a->gone = true;
	vmbus_withdraw(a->offer, on_gone);
	return 0;
}

void net_detach_all(struct machine *m)
{
	for (struct net_adapter *a = m->adapters, *next; a; a = next) {
		next = a->next;
		if (!a->gone)
			net_detach(m, a->config.id);
	}
}

int net_counters_get(struct machine *m, const char *id, struct net_counters *out)
{
	const struct net_adapter *a = adapter_find(m, id);

	if (!a)
		return -ENOENT;
	*out = a->counters;
	return 0;
}

void net_counters_sum(struct machine *m, struct net_counters *out)
{
	*out = (struct net_counters){ 0 };
	for (const struct net_adapter *a = m->adapters; a; a = a->next) {
		out->sent += a->counters.sent;
		out->sent_bytes += a->counters.sent_bytes;
		out->received += a->counters.received;
		out->received_bytes += a->counters.received_bytes;
	}
}
