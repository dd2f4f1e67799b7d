/* SPDX-License-Identifier: Apache-2.0 */
/* The list of synthetic devices of a machine, and what they need of it beyond device.h: its bus, its reference time. */
#include "vmwp/machine.h"
#include "vmwp/vsp/balloon.h"
#include "vmwp/vsp/hvsock.h"
#include "vmwp/vsp/services.h"
#include "vmwp/vsp/storage.h"
#include "vmwp/vsp/vsp.h"

#include <errno.h>

const struct device_model *const vsp_devices[] = {
	&storage_model,
	&video_model,
	&keyboard_model,
	&mouse_model,
	&shutdown_model,
	&time_sync_model,
	&heartbeat_model,
	&kvp_model,
	&vss_model,
	&fcopy_model,
	&balloon_model,
	&hvsock_model,
	NULL,
};

struct vmbus *vsp_bus(struct machine *m)
{
	return m->vmbus;
}

int vsp_reference_time(struct machine *m, uint64_t *hundred_ns)
{
	return m->partition ? hv_partition_get_property(m->partition, HV_PROPERTY_REFERENCE_TIME, hundred_ns) : -ENXIO;
}
