/* SPDX-License-Identifier: Apache-2.0 */
/* The integration services as a list: switching them, and how each is doing. */
#include "vmwp/vsp/services.h"

#include "vmwp/vsp/ic.h"

#include <errno.h>

const char *const service_names[SERVICES] = {
	[SERVICE_SHUTDOWN] = "shutdown", [SERVICE_TIME_SYNC] = "timeSync", [SERVICE_HEARTBEAT] = "heartbeat",
	[SERVICE_KEY_VALUE] = "keyValue", [SERVICE_BACKUP] = "backup", [SERVICE_FILE_COPY] = "guestFileCopy",
};

static const struct device_model *const models[SERVICES] = {
	[SERVICE_SHUTDOWN] = &shutdown_model, [SERVICE_TIME_SYNC] = &time_sync_model, [SERVICE_HEARTBEAT] = &heartbeat_model,
	[SERVICE_KEY_VALUE] = &kvp_model, [SERVICE_BACKUP] = &vss_model, [SERVICE_FILE_COPY] = &fcopy_model,
};

static struct ic *ic_of(struct machine *m, enum service which)
{
	struct device *dev = machine_device(m, models[which]);

	return dev ? device_state(dev) : NULL;
}

int service_set_enabled(struct machine *m, enum service which, bool enabled)
{
	struct ic *ic = ic_of(m, which);

	return ic ? ic_set_enabled(ic, enabled) : -ENODEV;
}

void service_get_status(struct machine *m, enum service which, struct service_status *status)
{
	const struct ic *ic = ic_of(m, which);

	*status = (struct service_status){ .state = SERVICE_OFF };
	if (!ic || !ic->channel)
		return;
	status->seen_ns = ic->seen_ns;
	if (ic->ready) {
		status->major = ic->version & 0xffff;
		status->minor = ic->version >> 16;
		status->state = which == SERVICE_HEARTBEAT && heartbeat_is_lost(m) ? SERVICE_LOST : SERVICE_OK;
	} else {
		status->state = ic_is_open(ic) && !ic->waiting ? SERVICE_UNUSABLE : SERVICE_WAITING;
	}
}
