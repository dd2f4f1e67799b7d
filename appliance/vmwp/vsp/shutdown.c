/* SPDX-License-Identifier: Apache-2.0 */
/* Shutdown service: asks the guest's operating system to power off or restart. The guest answers first and then does so. */
#include "vmwp/vsp/ic.h"
#include "vmwp/vsp/services.h"

#include <errno.h>

#define REASON_PLANNED	0x80000000u
#define PATIENCE_S	120u		/* told to guests that show it to their users */

struct wire_shutdown { uint32_t reason, timeout_s, flags; uint16_t message[1024]; };
_Static_assert(sizeof(struct wire_shutdown) == 2060, "guests want it whole");

int shutdown_request(struct machine *m, enum shutdown_kind kind)
{
	struct device *dev = machine_device(m, &shutdown_model);
	struct wire_shutdown request = { .reason = REASON_PLANNED, .timeout_s = PATIENCE_S, .flags = (uint32_t)kind | 1 };

	return dev ? ic_request(device_state(dev), &request, sizeof(request)) : -ENOTCONN;
}

static void shutdown_ready(struct ic *ic)
{
	(void)ic;
}

static void shutdown_answered(struct ic *ic, uint32_t status, const uint8_t *body, size_t size)
{
	(void)ic;
	(void)body;
	(void)size;
	(void)status;			/* whoever asked waits for the power to go, not for a promise */
}

static void shutdown_gone(struct ic *ic)
{
	(void)ic;
}

static const uint32_t frameworks[] = { IC_VERSION(3, 0), IC_VERSION(1, 0), 0 };
static const uint32_t versions[] = { IC_VERSION(3, 2), IC_VERSION(3, 1), IC_VERSION(3, 0), IC_VERSION(1, 0), 0 };

static const struct ic_service shutdown_service = {
	.message_type = IC_SHUTDOWN, .frameworks = frameworks, .versions = versions,
	.ready = shutdown_ready, .answered = shutdown_answered, .gone = shutdown_gone,
	.channel = IC_CHANNEL("shutdown", 0x0e0b6031, 0x5213, 0x4934, 0x81, 0x8b, 0x38, 0xd9, 0x0c, 0xed, 0x39, 0xdb),
	.instance = VMBUS_GUID(0xb6650ff7, 0x33bc, 0x4840, 0x80, 0x48, 0xe0, 0x67, 0x67, 0x86, 0xf3, 0x93),
};

static int shutdown_init(struct device *dev)
{
	return ic_init(dev, &shutdown_service);
}

const struct device_model shutdown_model = { .name = "shutdown service", .state_size = sizeof(struct ic), .init = shutdown_init };
