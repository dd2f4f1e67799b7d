/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the synthetic devices (VSPs) share. Each is a struct device, for its timers and descriptors, whose init offers its
 * channel; the channel's context is that device. Machine lock held everywhere.
 */
#ifndef VMWP_VSP_VSP_H
#define VMWP_VSP_VSP_H

#include "vmwp/device.h"
#include "vmwp/vmbus/vmbus.h"

/* Every synthetic device that each machine has, in the order of their offers; ends with NULL. */
extern const struct device_model *const vsp_devices[];
extern const struct device_model video_model, keyboard_model, mouse_model;

/* vsp_machine.c: the two things a VSP needs of the machine itself */
struct vmbus *vsp_bus(struct machine *m);
int vsp_reference_time(struct machine *m, uint64_t *hundred_ns);	/* the partition's reference counter; 0 or negative errno */

/* Offers a device's only channel. `kind` says by its flags whether it is a message pipe. */
int vsp_offer(struct device *dev, const struct vmbus_device *kind, const struct vmbus_guid *instance, struct vmbus_channel **out);

static inline struct device *vsp_device(const struct vmbus_channel *c) { return vmbus_channel_context(c); }
static inline void *vsp_state(const struct vmbus_channel *c) { return device_state(vsp_device(c)); }

/* An empty completion for a packet that asked for one; never answers others. */
void vsp_complete(struct vmbus_channel *c, const struct vmbus_packet *p);

#endif
