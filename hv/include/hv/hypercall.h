/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hypercalls: the dispatcher (hypercall/dispatch.c) finds the row, checks the control word, copies the input block once
 * and calls the handler; a handler checks what it was given, acts, and never touches guest memory. hypercall/table.c
 * lists every row, handlers live in a file per family.
 */
#ifndef HV_HYPERCALL_H
#define HV_HYPERCALL_H

#include <abi/hv_hypercall.h>
#include <abi/hv_status.h>
#include <hv/types.h>

struct partition;
struct vp;
struct hc_call;

typedef hv_status_t hc_handler(struct hc_call *call);

enum hc_kind {
	HC_NONE,			/* no such call */
	HC_SIMPLE,
	HC_SIMPLE_VAR,			/* with a variable header */
	HC_REP,
	HC_REP_VAR,
};

/*
 * What a call is about, named by the first words of its input: a partition id, and a VP index behind it. The dispatcher finds
 * it, holds a reference (call->partition, call->vp) and, but for the _UNLOCKED ones, the partition's lock while the handler runs.
 */
enum hc_target {
	HC_NO_TARGET,
	HC_PARTITION,			/* the caller's own, or a child of the root */
	HC_PARTITION_UNLOCKED,
	HC_CHILD,			/* the root itself is refused */
	HC_CHILD_UNLOCKED,
	HC_VP,				/* a VP of HC_PARTITION */
	HC_CHILD_VP,			/* a child's; the root's are HV_STATUS_INVALID_PARAMETER */
	HC_STOPPED_VP,			/* a child's that does not run, else HV_STATUS_INVALID_VP_STATE */
};

struct hc_row {
	hc_handler *handler;
	uint16_t in, out;		/* fixed blocks, bytes */
	uint8_t rep_in, rep_out;	/* bytes per rep */
	uint8_t kind;			/* enum hc_kind */
	uint8_t who;			/* HC_ROOT or HC_ANY */
	uint8_t target;			/* enum hc_target */
	uint64_t privilege;		/* HV_PRIV_* the caller needs, 0 for none */
	const char *missing;		/* for docs/hypercalls.md: what the call leaves out; hv itself does not read it */
};
#define HC_ROOT	1			/* the root's partition management calls; a child gets "unknown code" */
#define HC_ANY	2

extern const struct hc_row hc_table[HVCALL_CODE_MAX];

#define HC_BLOCK_MAX	4096u

/*
 * One call in progress. `in` holds fixed block, variable header and rep list as one copy; `out` is copied to the caller
 * when the call ends. Both are this LP's and are reused by the calls of a child that HvCallDispatchVp runs.
 */
struct hc_call {
	const struct hc_row *row;
	struct vp *caller;
	struct partition *partition;		/* the row's target */
	struct vp *vp;
	uint8_t *in, *out;
	unsigned int var_qwords;
	unsigned int rep_count, rep_start, reps_done;	/* all absolute; rep_start is where this stretch began */
	bool rep_open;				/* hc_next_rep() handed one out that is not accounted yet */
	bool intercept;				/* the VMM is to answer: a hypercall intercept instead of a result */
	uint64_t started;			/* TSC */
};

#define hc_in(call, type)	((const type *)(call)->in)
#define hc_out(call, type)	((type *)(call)->out)
static inline const uint64_t *hc_var(const struct hc_call *call)
{
	return (const uint64_t *)(const void *)(call->in + call->row->in);
}

/*
 * Accounts the rep handed out before (a handler that fails simply leaves its loop) and says whether there is another to do
 * now. It says no early when the call has used its time; the dispatcher then arranges the continuation.
 */
bool hc_next_rep(struct hc_call *call);
const void *hc_rep_in(struct hc_call *call);
void *hc_rep_out(struct hc_call *call);

/* The whole call from the registers of the VP: result in RAX, RIP advanced unless it must be executed again. */
int /* enum vp_next */ hc_dispatch(struct vp *vp);

/* What a control word can be refused for before any input is read; exported for the dispatcher's unit test. */
hv_status_t hc_check_control(const struct hc_row *row, uint64_t control);

/* The handlers, by file of hypercall/. */
hc_handler hc_get_lp_run_time, hc_get_partition_id, hc_set_system_property, hc_add_logical_processor, hc_get_system_property,
	hc_map_device_interrupt, hc_unmap_device_interrupt, hc_enter_sleep_state, hc_notify_partition_event,
	hc_disable_hypervisor_ex;											/* root.c */
hc_handler hc_create_partition, hc_initialize_partition, hc_finalize_partition, hc_delete_partition;	/* lifecycle.c */
hc_handler hc_get_partition_property, hc_set_partition_property, hc_get_partition_property_ex;		/* property.c */
hc_handler hc_deposit_memory, hc_withdraw_memory, hc_map_gpa_pages, hc_unmap_gpa_pages, hc_get_gpa_access_states;	/* memory.c */
hc_handler hc_create_vp, hc_delete_vp, hc_get_vp_registers, hc_set_vp_registers, hc_translate_virtual_address,
	hc_dispatch_vp;												/* vp.c */
hc_handler hc_map_vp_state_page, hc_unmap_vp_state_page, hc_get_vp_state, hc_set_vp_state;		/* vp_state.c */
hc_handler hc_map_stats_page, hc_unmap_stats_page;							/* stats.c */
hc_handler hc_install_intercept, hc_register_intercept_result, hc_get_vp_cpuid_values, hc_assert_virtual_interrupt,
	hc_clear_virtual_interrupt;										/* intercepts.c */
hc_handler hc_create_port, hc_delete_port, hc_connect_port, hc_disconnect_port, hc_notify_port_ring_empty,
	hc_signal_event_direct, hc_post_message_direct, hc_post_message, hc_signal_event;			/* message.c */
hc_handler hc_flush, hc_notify_long_spin_wait, hc_send_ipi, hc_send_ipi_ex, hc_start_vp, hc_get_vp_index;	/* guest.c */
hv_status_t root_create_vp(const struct hv_in_create_vp *in);			/* HvCallCreateVp on SELF: root.c */

#endif
