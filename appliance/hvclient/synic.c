/* SPDX-License-Identifier: Apache-2.0 */
/* Messages, event flags and signals between a child's SynIC and its VMM, through /dev/mshv. */
#include "hvclient/mshv.h"

#include <errno.h>
#include <hv_hypercall.h>
#include <hv_signal_window.h>
#include <hv_status.h>
#include <linux/mshv.h>
#include <string.h>
#include <sys/ioctl.h>

#define BIT(n) (1ull << (n))
#define DELIVERABLE_SINTS_SHIFT	48	/* HV_DELIVERABILITY_NOTIFICATIONS_REGISTER */

int hv_partition_install_intercept(struct hv_partition *p, uint32_t type, uint32_t access, uint64_t parameter)
{
	struct hv_in_install_intercept in = { .type = type, .access = access, .parameter = parameter };

	return mshv_hypercall(p->fd, &(struct mshv_call){ .code = HVCALL_INSTALL_INTERCEPT, .in = &in, .in_size = sizeof(in) });
}

int hv_partition_post_message(struct hv_partition *p, uint32_t vp, uint8_t sint, const struct hv_message *message)
{
	struct hv_in_post_message_direct in = { .vp_index = vp, .sint = sint };
	struct mshv_call call = { .code = HVCALL_POST_MESSAGE_DIRECT, .in = &in, .in_size = sizeof(in) };
	int r;

	memcpy(in.message, message, sizeof(in.message));
	r = mshv_hypercall(p->fd, &call);
	return r < 0 && (call.status == HV_STATUS_INSUFFICIENT_BUFFERS || call.status == HV_STATUS_INVALID_SYNIC_STATE) ? -EAGAIN : r;
}

int hv_partition_signal_event(struct hv_partition *p, uint32_t vp, uint8_t sint, uint16_t flag)
{
	struct hv_in_signal_event_direct in = { .vp_index = vp, .sint = sint, .flag_number = flag };
	struct hv_out_signal_event_direct out;

	return mshv_hypercall(p->fd, &(struct mshv_call){ .code = HVCALL_SIGNAL_EVENT_DIRECT, .in = &in, .in_size = sizeof(in),
							   .out = &out, .out_size = sizeof(out) });
}

int hv_partition_notify_deliverable(struct hv_partition *p, uint32_t vp, uint16_t sints)
{
	struct { struct hv_in_vp_registers head; struct hv_register_assoc element; } in = {
		.head.vp_index = vp,
		.element = { .name = HV_REGISTER_DELIVERABILITY_NOTIFICATIONS, .value.reg64 = (uint64_t)sints << DELIVERABLE_SINTS_SHIFT },
	};

	return mshv_hypercall(p->fd, &(struct mshv_call){ .code = HVCALL_SET_VP_REGISTERS, .reps = 1, .in = &in, .in_size = sizeof(in) });
}

bool hv_partition_has_signal_window(struct hv_partition *p)
{
	uint64_t base;

	return hv_partition_get_property(p, HV_PROPERTY_SIGNAL_WINDOW, &base) == 0 && base == HV_SIGNAL_WINDOW_BASE;
}

int hv_partition_bind_signal(struct hv_partition *p, uint32_t connection_id, int event_fd, bool bind)
{
	struct mshv_user_ioeventfd args = {
		.addr = HV_SIGNAL_WINDOW_GPA(connection_id), .fd = event_fd, .flags = bind ? 0 : BIT(MSHV_IOEVENTFD_BIT_DEASSIGN),
	};

	return ioctl(p->fd, MSHV_IOEVENTFD, &args) < 0 ? -errno : 0;
}
