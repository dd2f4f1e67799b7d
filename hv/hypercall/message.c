/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doorbell ports and connections, messages and events to a child (hv-abi.md 9.1 to 9.3), and a child's own PostMessage and
 * SignalEvent: hv knows no message ports, so those are the VMM's to answer, if it asked for unknown connections. Events may
 * have a doorbell (abi/hv_signal_window.h).
 */
#include <abi/hv_signal_window.h>
#include <abi/hv_status.h>
#include <abi/hv_synic.h>
#include <abi/hv_types.h>
#include <hv/hypercall.h>
#include <hv/partition.h>
#include <hv/port.h>
#include <hv/string.h>
#include <hv/synic.h>
#include <hv/vp.h>

#define PORT_ID_MASK	0xffffffu

static bool is_caller(struct vp *caller, uint64_t partition_id)
{
	return partition_id == HV_PARTITION_ID_SELF || partition_id == caller->partition->id;
}

hv_status_t hc_create_port(struct hc_call *call)
{
	const struct hv_in_create_port *in = hc_in(call, struct hv_in_create_port);
	uint32_t id = in->port_id & PORT_ID_MASK;
	hv_status_t status = HV_STATUS_SUCCESS;
	struct port *port;

	if (!is_caller(call->caller, in->port_partition) || in->port.type != HV_PORT_TYPE_DOORBELL)
		return HV_STATUS_INVALID_PARAMETER;
	if (!id || in->port.sint != HV_SYNIC_DOORBELL_SINT)
		return HV_STATUS_INVALID_PORT_ID;
	spin_lock(&root_partition.lock);
	port = records_find(&root_partition.ports, id);
	if (port)
		status = HV_STATUS_INVALID_PORT_ID;
	else if ((port = records_add(&root_partition.ports, &root_partition.pool)))
		*port = (struct port){ .id = id, .vp = in->port.vp };
	else
		status = HV_STATUS_INSUFFICIENT_MEMORY;
	spin_unlock(&root_partition.lock);
	return status;
}

hv_status_t hc_delete_port(struct hc_call *call)
{
	const struct hv_in_delete_port *in = hc_in(call, struct hv_in_delete_port);
	struct port *port;

	if (!is_caller(call->caller, in->partition_id))
		return HV_STATUS_INVALID_PARAMETER;
	spin_lock(&root_partition.lock);
	port = records_find(&root_partition.ports, in->port_id & PORT_ID_MASK);
	if (port)
		port->id = 0;
	spin_unlock(&root_partition.lock);
	return port ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_PORT_ID;
}

static bool doorbell_is_valid(const struct hv_in_connect_port *in)
{
	uint32_t code = in->connection.flags & HV_DOORBELL_SIZE_MASK;
	uint64_t size = code ? 1ull << (code - 1) : 1;

	return in->connection.type == HV_PORT_TYPE_DOORBELL && code <= 4 &&
	       (in->connection.gpa & ~PAGE_MASK) + size <= PAGE_SIZE;
}

static hv_status_t connect(struct partition *p, const struct hv_in_connect_port *in)
{
	uint32_t id = in->connection_id & PORT_ID_MASK, code = in->connection.flags & HV_DOORBELL_SIZE_MASK;
	struct connection *c;

	if (p->state != PARTITION_INITIALIZED)
		return HV_STATUS_INVALID_PARTITION_STATE;
	if (!id || records_find(&p->connections, id))
		return HV_STATUS_INVALID_CONNECTION_ID;
	c = records_add(&p->connections, &p->pool);
	if (!c)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	*c = (struct connection){
		.id = id, .port_id = in->port_id & PORT_ID_MASK, .gpa = in->connection.gpa, .value = in->connection.value,
		.size = code ? 1u << (code - 1) : 0, .any_value = (in->connection.flags & HV_DOORBELL_ANY_VALUE) != 0,
	};
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_connect_port(struct hc_call *call)
{
	const struct hv_in_connect_port *in = hc_in(call, struct hv_in_connect_port);

	return is_caller(call->caller, in->port_partition) && doorbell_is_valid(in) ? connect(call->partition, in) :
										HV_STATUS_INVALID_PARAMETER;
}

hv_status_t hc_disconnect_port(struct hc_call *call)
{
	const struct hv_in_disconnect_port *in = hc_in(call, struct hv_in_disconnect_port);
	struct connection *c = records_find(&call->partition->connections, in->connection_id & PORT_ID_MASK);

	if (!c)
		return HV_STATUS_INVALID_CONNECTION_ID;
	c->id = 0;
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_notify_port_ring_empty(struct hc_call *call)
{
	if (hc_in(call, struct hv_in_ring_empty)->sint != HV_SYNIC_DOORBELL_SINT)
		return HV_STATUS_INVALID_PARAMETER;
	spin_lock(&root_partition.lock);
	doorbell_refill(call->caller->synic);
	spin_unlock(&root_partition.lock);
	return HV_STATUS_SUCCESS;
}

/* Both act on a VP in any state: running elsewhere, blocked (it is kicked) or suspended (it finds it later). */

hv_status_t hc_signal_event_direct(struct hc_call *call)
{
	const struct hv_in_signal_event_direct *in = hc_in(call, struct hv_in_signal_event_direct);
	hv_status_t status;
	bool newly = false;

	if (in->sint >= HV_SYNIC_SINT_COUNT || in->flag_number >= HV_EVENT_FLAGS_COUNT)
		return HV_STATUS_INVALID_PARAMETER;
	status = synic_signal(call->vp->synic, in->sint, in->flag_number, &newly);
	hc_out(call, struct hv_out_signal_event_direct)->newly_signaled = newly;
	return status;
}

hv_status_t hc_post_message_direct(struct hc_call *call)
{
	const struct hv_in_post_message_direct *in = hc_in(call, struct hv_in_post_message_direct);
	struct hv_message message;

	memcpy(&message, in->message, sizeof(message));
	message.header.message_flags = 0;
	if (in->sint >= HV_SYNIC_SINT_COUNT || message.header.message_type == HVMSG_NONE ||
	    message.header.payload_size > HV_MESSAGE_PAYLOAD_SIZE)
		return HV_STATUS_INVALID_PARAMETER;
	return synic_post(call->vp->synic, in->sint, &message);
}

static hv_status_t unknown_connection(struct hc_call *call)
{
	call->intercept = !partition_is_root(call->caller->partition) &&
			  call->caller->partition->intercepts[HV_INTERCEPT_UNKNOWN_CONNECTION];
	return HV_STATUS_INVALID_CONNECTION_ID;
}

hv_status_t hc_post_message(struct hc_call *call)
{
	const struct hv_in_post_message *in = hc_in(call, struct hv_in_post_message);

	if (in->payload_size > HV_MESSAGE_PAYLOAD_SIZE || in->message_type == HVMSG_NONE || in->message_type >> 31)
		return HV_STATUS_INVALID_PARAMETER;
	return unknown_connection(call);
}

hv_status_t hc_signal_event(struct hc_call *call)
{
	const struct hv_in_signal_event *in = hc_in(call, struct hv_in_signal_event);
	gpa_t window = { HV_SIGNAL_WINDOW_GPA(in->connection_id) };

	if (!partition_is_root(call->caller->partition) && in->connection_id <= HV_SIGNAL_CONNECTION_MAX &&
	    doorbell_write(call->caller, window, HV_SIGNAL_WINDOW_WRITE, in->flag_number))
		return HV_STATUS_SUCCESS;
	return unknown_connection(call);
}
