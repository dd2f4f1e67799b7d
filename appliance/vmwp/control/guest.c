/* SPDX-License-Identifier: Apache-2.0 */
/* How the guest is doing, as JSON, and what is set without waiting for it. */
#include "vmwp/control/guest.h"

#include "vmwp/meters.h"
#include "vmwp/vsp/balloon.h"
#include "vmwp/vsp/hvsock.h"
#include "vmwp/vsp/net.h"
#include "vmwp/vsp/services.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ADDRESSES_MAX	64u

/* --- status --- */

static json_t *time_json(uint64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / 1000000000ull);
	char text[32];
	struct tm tm;

	if (!realtime_ns || !gmtime_r(&seconds, &tm))
		return json_null();
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static json_t *services_json(struct machine *m)
{
	static const char *const states[] = {
		[SERVICE_OFF] = "off", [SERVICE_WAITING] = "waiting", [SERVICE_UNUSABLE] = "unusable", [SERVICE_OK] = "ok", [SERVICE_LOST] = "lost",
	};
	json_t *list = json_object();

	for (unsigned int i = 0; i < SERVICES; i++) {
		struct service_status s;
		char version[16] = "";

		service_get_status(m, i, &s);
		if (s.major)
			snprintf(version, sizeof(version), "%u.%u", s.major, s.minor);
		json_object_set_new(list, service_names[i], json_pack("{s:s, s:s, s:o}", "state", states[s.state], "version", version,
								      "lastSeen", time_json(s.seen_ns)));
	}
	return list;
}

static json_t *memory_json(struct machine *m)
{
	struct balloon_figures f;

	balloon_get_figures(m, &f);
	return json_pack("{s:I, s:I, s:I, s:I, s:b}", "assignedBytes", (json_int_t)f.assigned_bytes, "demandBytes", (json_int_t)f.demand_bytes,
			 "availableBytes", (json_int_t)f.available_bytes, "targetBytes", (json_int_t)f.target_bytes, "driver", f.driver);
}

static json_t *meters_json(struct machine *m)
{
	struct net_counters net;
	struct meters meters;

	meters_get(&meters);
	net_counters_sum(m, &net);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "cpuUsec", (json_int_t)meters.cpu_usec,
			 "diskReadBytes", (json_int_t)meters.disk_read_bytes, "diskReads", (json_int_t)meters.disk_reads,
			 "diskWrittenBytes", (json_int_t)meters.disk_written_bytes, "diskWrites", (json_int_t)meters.disk_writes,
			 "networkReceivedBytes", (json_int_t)net.received_bytes, "networkReceivedFrames", (json_int_t)net.received,
			 "networkSentBytes", (json_int_t)net.sent_bytes, "networkSentFrames", (json_int_t)net.sent);
}

static const char *item(struct machine *m, const char *key)
{
	const struct kvp_list *items = kvp_guest_items(m, KVP_POOL_AUTO);

	for (unsigned int i = 0; i < items->count; i++)
		if (strcmp(items->pairs[i].key, key) == 0)
			return items->pairs[i].value;
	return "";
}

static void add_addresses(json_t *list, const char *text)
{
	while (*text && json_array_size(list) < ADDRESSES_MAX) {
		size_t length = strcspn(text, ";");

		if (length)
			json_array_append_new(list, json_stringn(text, length));
		text += length + (text[length] == ';');
	}
}

static const char *heartbeat_word(struct machine *m)
{
	struct service_status s;

	service_get_status(m, SERVICE_HEARTBEAT, &s);
	return s.state == SERVICE_OK ? "ok" : s.state == SERVICE_LOST ? "lost" : "unknown";
}

static json_t *guest_json(struct machine *m)
{
	json_t *addresses = json_array();

	add_addresses(addresses, item(m, "NetworkAddressIPv4"));
	add_addresses(addresses, item(m, "NetworkAddressIPv6"));
	return json_pack("{s:s, s:I, s:s, s:s, s:s, s:o}", "heartbeat", heartbeat_word(m), "heartbeats", (json_int_t)heartbeat_count(m),
			 "osName", item(m, "OSName"), "osVersion", item(m, "OSVersion"), "hostName", item(m, "FullyQualifiedDomainName"),
			 "ipAddresses", addresses);
}

void guest_status(struct machine *m, bool brief, json_t *status)
{
	uint64_t sent, total;

	machine_lock(m);
	if (fcopy_progress(m, &sent, &total))
		json_object_set_new(status, "fileCopy", json_pack("{s:I, s:I}", "sentBytes", (json_int_t)sent, "totalBytes", (json_int_t)total));
	json_object_set_new(status, "memory", memory_json(m));
	json_object_set_new(status, "meters", meters_json(m));
	if (!brief) {
		json_object_set_new(status, "services", services_json(m));
		json_object_set_new(status, "guest", guest_json(m));
	}
	machine_unlock(m);
}

/* --- settings --- */

void guest_introduce(struct machine *m)
{
	char host[65] = "";

	(void)gethostname(host, sizeof(host) - 1);
	machine_lock(m);
	(void)kvp_set_item(m, KVP_POOL_AUTO_EXTERNAL, "VirtualMachineName", m->config.name);
	(void)kvp_set_item(m, KVP_POOL_AUTO_EXTERNAL, "VirtualMachineId", m->config.id);
	(void)kvp_set_item(m, KVP_POOL_AUTO_EXTERNAL, "HostName", host);
	(void)kvp_set_item(m, KVP_POOL_AUTO_EXTERNAL, "PhysicalHostName", host);
	machine_unlock(m);
}

int guest_shutdown(struct machine *m)
{
	int r;

	if (m->state != MACHINE_RUNNING)
		return -EBUSY;
	machine_lock(m);
	r = shutdown_request(m, SHUTDOWN_POWER_OFF);
	machine_unlock(m);
	return r < 0 && r != -EBUSY ? machine_press_power_button(m) : r;
}

static int service_by_name(const char *name)
{
	for (int i = 0; i < SERVICES; i++)
		if (strcmp(service_names[i], name) == 0)
			return i;
	return -1;
}

int guest_set_services(struct machine *m, const json_t *services, struct problem *p)
{
	const char *name;
	json_t *value;
	int r = 0;

	json_object_foreach((json_t *)(uintptr_t)services, name, value)
		if (service_by_name(name) < 0 || !json_is_boolean(value))
			return problem_set(p, PROBLEM_BAD_PARAMETERS, "services", "services.%.40s is no service, or no boolean.", name);
	machine_lock(m);
	json_object_foreach((json_t *)(uintptr_t)services, name, value)
		if (r == 0)
			r = service_set_enabled(m, (enum service)service_by_name(name), json_is_true(value));
	machine_unlock(m);
	return r < 0 ? problem_from_errno(p, r, "Switching the services") : 0;
}

/* Whoever asked for the copy hears that it was cancelled, once the guest has removed what it has. */
int guest_cancel_copy(struct machine *m)
{
	int r;

	machine_lock(m);
	r = fcopy_cancel(m);
	machine_unlock(m);
	return r == -EALREADY ? -EBUSY : r;
}

int guest_set_memory(struct machine *m, uint64_t target_bytes, struct problem *p)
{
	int r;

	machine_lock(m);
	r = balloon_set_target(m, target_bytes);
	machine_unlock(m);
	if (r == -ERANGE)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "targetBytes", "targetBytes is above the maximum, or below 32 MiB.");
	return r < 0 ? problem_from_errno(p, r, "Moving memory") : 0;
}

int guest_listen_sockets(struct machine *m, int fd)
{
	int r = fd < 0 ? -EBADF : 0;

	machine_lock(m);
	if (r == 0)
		r = hvsock_listen(m, fd);
	machine_unlock(m);
	if (r < 0 && fd >= 0)
		close(fd);
	return r;
}

int guest_add_socket_service(struct machine *m, json_int_t port, int fd)
{
	int r = fd < 0 ? -EBADF : port < 0 || port > UINT32_MAX ? -ERANGE : 0;

	machine_lock(m);
	if (r == 0)
		r = hvsock_add_service(m, (uint32_t)port, fd);
	machine_unlock(m);
	if (r < 0 && fd >= 0)
		close(fd);
	return r;
}

int guest_set_item(struct machine *m, const char *key, const json_t *value, struct problem *p)
{
	int r;

	if (value && !json_is_string(value) && !json_is_null(value))
		return problem_set(p, PROBLEM_BAD_PARAMETERS, "value", "value is no text.");
	machine_lock(m);
	r = kvp_set_item(m, KVP_POOL_EXTERNAL, key, json_string_value(value));
	machine_unlock(m);
	if (r == -EINVAL)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "key", "A key has 1 to %u and a value at most %u characters.",
				   KVP_KEY_MAX - 1, KVP_VALUE_MAX - 1);
	return r < 0 ? problem_from_errno(p, r, "Telling the guest") : 0;
}
