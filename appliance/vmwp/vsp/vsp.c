/* SPDX-License-Identifier: Apache-2.0 */
/* How a synthetic device offers its channel, and answers packets that ask for nothing but an answer. */
#include "vmwp/vsp/vsp.h"

int vsp_offer(struct device *dev, const struct vmbus_device *kind, const struct vmbus_guid *instance, struct vmbus_channel **out)
{
	struct vmbus_offer offer = { .instance = *instance, .context = dev };

	if (kind->offer_flags & VMBUS_OFFER_PIPE)
		offer.user[0] = VMBUS_PIPE_MESSAGE;
	return vmbus_offer(vsp_bus(dev->machine), kind, &offer, out);
}

void vsp_complete(struct vmbus_channel *c, const struct vmbus_packet *p)
{
	if (p->wants_completion)	/* a full ring loses it: the guest that does not read waits for nothing else */
		(void)vmbus_complete(c, p->transaction_id, NULL, 0);
}
