/* SPDX-License-Identifier: Apache-2.0 */
/* The integration services as the rest of the worker uses them. Machine lock held; calls with a result may come at any time. */
#ifndef VMWP_VSP_SERVICES_H
#define VMWP_VSP_SERVICES_H

#include "vmwp/device.h"

extern const struct device_model shutdown_model, time_sync_model, heartbeat_model, kvp_model, vss_model, fcopy_model;

/* --- all of them (services.c) --- */

enum service { SERVICE_SHUTDOWN, SERVICE_TIME_SYNC, SERVICE_HEARTBEAT, SERVICE_KEY_VALUE, SERVICE_BACKUP, SERVICE_FILE_COPY, SERVICES };
extern const char *const service_names[SERVICES];	/* "timeSync", … as in the REST contract */

enum service_state {
	SERVICE_OFF,			/* switched off */
	SERVICE_WAITING,		/* offered; the guest has no driver for it, or has not answered yet */
	SERVICE_UNUSABLE,		/* the guest's driver and we have no version in common */
	SERVICE_OK,
	SERVICE_LOST,			/* heartbeat: the guest has stopped answering */
};
struct service_status {
	enum service_state state;
	unsigned int major, minor;	/* version agreed on; 0.0 none */
	uint64_t seen_ns;		/* CLOCK_REALTIME of the guest's last message; 0 never */
};

int service_set_enabled(struct machine *m, enum service which, bool enabled);	/* 0 or negative errno */
void service_get_status(struct machine *m, enum service which, struct service_status *status);

/* --- shutdown.c --- */
enum shutdown_kind { SHUTDOWN_POWER_OFF = 0, SHUTDOWN_RESTART = 2 };	/* as on the wire */
/* Asks the guest; 0 when it has been asked, -ENOTCONN when it does not have the service, -EBUSY while it is being asked. */
int shutdown_request(struct machine *m, enum shutdown_kind kind);

/* --- heartbeat.c --- */
bool heartbeat_is_lost(struct machine *m);
uint64_t heartbeat_count(struct machine *m);	/* beats answered since the guest's driver came */

/* --- kvp.c --- */
#define KVP_KEY_MAX	256u		/* UTF-16 units on the wire, NUL among them */
#define KVP_VALUE_MAX	1024u
enum kvp_pool { KVP_POOL_EXTERNAL, KVP_POOL_GUEST, KVP_POOL_AUTO, KVP_POOL_AUTO_EXTERNAL };

struct kvp_pair { char *key, *value; };		/* UTF-8 */
struct kvp_list { struct kvp_pair *pairs; unsigned int count; };

/* What the guest tells of itself (KVP_POOL_AUTO) and what programs in it have put there (KVP_POOL_GUEST). */
const struct kvp_list *kvp_guest_items(struct machine *m, enum kvp_pool pool);
/* Puts a pair into a pool the guest reads (EXTERNAL, AUTO_EXTERNAL); value NULL deletes it. Kept, and told again to a guest
 * that restarts. 0, -EINVAL (too long, not UTF-8), -ENOSPC. */
int kvp_set_item(struct machine *m, enum kvp_pool pool, const char *key, const char *value);

struct kvp_addresses {				/* lists separated by ";", UTF-8 */
	const char *adapter;			/* "{…}": the instance of the synthetic network adapter, upper case */
	bool ipv4, ipv6, dhcp;
	const char *addresses, *masks, *gateways, *dns;
};
typedef void kvp_done(void *context, int result);	/* 0, -ENOTCONN, -EIO (the guest refused), -ETIMEDOUT */
/* Sets the addresses of an adapter inside the guest. 0: `done` will be called once; else negative errno and it will not. */
int kvp_set_addresses(struct machine *m, const struct kvp_addresses *a, kvp_done *done, void *context);

/* --- vss.c --- */
typedef void vss_done(void *context, int result);
/* File systems of the guest as they should be on a disk that is about to be copied. `done` is called once: 0 frozen,
 * -ENOTCONN no service, -EIO the guest could not, -ETIMEDOUT. Whatever happens later, it thaws after VSS_FROZEN_SECONDS. */
#define VSS_FROZEN_SECONDS	60u
int vss_freeze(struct machine *m, vss_done *done, void *context);
int vss_thaw(struct machine *m, vss_done *done, void *context);		/* -EALREADY: it is not frozen */

/* --- fcopy.c --- */
typedef void fcopy_done(void *context, int result);
struct fcopy_request {
	const char *folder, *name;	/* in the guest, UTF-8 */
	bool overwrite, create_folder;
	int fd;				/* the file, read from its start; fcopy.c's on success */
	uint64_t size;
};
/* One at a time (-EBUSY). `done`: 0, -EEXIST, -ENOSPC, -EIO, -ENOTCONN, -ECANCELED. */
int fcopy_start(struct machine *m, const struct fcopy_request *request, fcopy_done *done, void *context);
bool fcopy_progress(struct machine *m, uint64_t *sent, uint64_t *total);	/* false: no copy is under way */
int fcopy_cancel(struct machine *m);

#endif
