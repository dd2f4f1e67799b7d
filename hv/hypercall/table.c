/* SPDX-License-Identifier: Apache-2.0 */
/* Every hypercall: this table is the interface's first line of defence, read it as the review (hv-abi.md section 3). */
#include <abi/hv_cpuid.h>
#include <abi/hv_root.h>
#include <abi/hv_synic.h>
#include <hv/hypercall.h>

#define IN(type)	sizeof(struct type)
#define OUT(type)	sizeof(struct type)

/* The root's calls need no privilege; anybody's may. A rep call has no fixed output. Behind it: what a call leaves out. */
#define ROOT(handler, in, out, target)			handler, in, out, 0, 0, HC_SIMPLE, HC_ROOT, target, 0
#define ROOT_VAR(handler, in, out, target)		handler, in, out, 0, 0, HC_SIMPLE_VAR, HC_ROOT, target, 0
#define ROOT_REP(handler, in, rep_in, rep_out, target)	handler, in, 0, rep_in, rep_out, HC_REP, HC_ROOT, target, 0
#define ANY(handler, in, out, target, privilege)	handler, in, out, 0, 0, HC_SIMPLE, HC_ANY, target, privilege
#define ANY_VAR(handler, in, out, target, privilege)	handler, in, out, 0, 0, HC_SIMPLE_VAR, HC_ANY, target, privilege
#define ANY_REP(handler, in, rep_in, rep_out, target, privilege) \
	handler, in, 0, rep_in, rep_out, HC_REP, HC_ANY, target, privilege
#define ANY_REP_VAR(handler, in, rep_in, rep_out, target, privilege) \
	handler, in, 0, rep_in, rep_out, HC_REP_VAR, HC_ANY, target, privilege

const struct hc_row hc_table[HVCALL_CODE_MAX] = {
	/* The machine, from the root */
	[HVCALL_GET_LOGICAL_PROCESSOR_RUN_TIME] = { ROOT(hc_get_lp_run_time, IN(hv_in_lp), OUT(hv_out_lp_run_time), HC_NO_TARGET), "says that the processor is up, no times" },
	[HVCALL_GET_PARTITION_ID] = { ROOT(hc_get_partition_id, 0, OUT(hv_out_partition_id), HC_NO_TARGET) },
	[HVCALL_SET_SYSTEM_PROPERTY] = { ROOT(hc_set_system_property, IN(hv_in_set_system_property), 0, HC_NO_TARGET) },
	[HVCALL_ADD_LOGICAL_PROCESSOR] = { ROOT(hc_add_logical_processor, IN(hv_in_add_lp), OUT(hv_out_add_lp), HC_NO_TARGET) },
	[HVCALL_GET_SYSTEM_PROPERTY] = { ROOT(hc_get_system_property, IN(hv_in_get_system_property), OUT(hv_out_system_property), HC_NO_TARGET), "the scheduler's type" },
	[HVCALL_MAP_DEVICE_INTERRUPT] = { ROOT_VAR(hc_map_device_interrupt, IN(hv_in_map_device_interrupt), OUT(hv_out_map_device_interrupt), HC_NO_TARGET) },
	[HVCALL_UNMAP_DEVICE_INTERRUPT] = { ROOT(hc_unmap_device_interrupt, IN(hv_in_unmap_device_interrupt), 0, HC_NO_TARGET) },
	[HVCALL_ENTER_SLEEP_STATE] = { ROOT(hc_enter_sleep_state, IN(hv_in_sleep), 0, HC_NO_TARGET) },
	[HVCALL_NOTIFY_PARTITION_EVENT] = { ROOT(hc_notify_partition_event, IN(hv_in_partition_event), 0, HC_NO_TARGET) },
	[HVCALL_DISABLE_HYPERVISOR_EX] = { ROOT(hc_disable_hypervisor_ex, 16, 0, HC_NO_TARGET) },

	/* Partitions */
	[HVCALL_CREATE_PARTITION] = { ROOT(hc_create_partition, IN(hv_in_create_partition), OUT(hv_out_partition_id), HC_NO_TARGET) },
	[HVCALL_INITIALIZE_PARTITION] = { ROOT(hc_initialize_partition, IN(hv_in_partition), 0, HC_CHILD) },
	[HVCALL_FINALIZE_PARTITION] = { ROOT(hc_finalize_partition, IN(hv_in_partition), 0, HC_CHILD_UNLOCKED) },
	[HVCALL_DELETE_PARTITION] = { ROOT(hc_delete_partition, IN(hv_in_partition), 0, HC_CHILD_UNLOCKED) },
	[HVCALL_GET_PARTITION_PROPERTY] = { ROOT(hc_get_partition_property, IN(hv_in_get_property), OUT(hv_out_property), HC_PARTITION) },
	[HVCALL_SET_PARTITION_PROPERTY] = { ROOT(hc_set_partition_property, IN(hv_in_set_property), 0, HC_CHILD) },
	[HVCALL_GET_PARTITION_PROPERTY_EX] = { ROOT(hc_get_partition_property_ex, IN(hv_in_get_property_ex), OUT(hv_out_property_ex), HC_PARTITION) },

	/* Memory */
	[HVCALL_DEPOSIT_MEMORY] = { ROOT_REP(hc_deposit_memory, IN(hv_in_deposit), 8, 0, HC_PARTITION_UNLOCKED) },
	[HVCALL_WITHDRAW_MEMORY] = { ROOT_REP(hc_withdraw_memory, IN(hv_in_withdraw), 0, 8, HC_CHILD_UNLOCKED) },
	[HVCALL_MAP_GPA_PAGES] = { ROOT_REP(hc_map_gpa_pages, IN(hv_in_map_gpa), 8, 0, HC_CHILD_UNLOCKED) },
	[HVCALL_UNMAP_GPA_PAGES] = { ROOT_REP(hc_unmap_gpa_pages, IN(hv_in_unmap_gpa), 0, 0, HC_CHILD_UNLOCKED) },
	[HVCALL_GET_GPA_PAGES_ACCESS_STATES] = { ROOT_REP(hc_get_gpa_access_states, IN(hv_in_access_states), 0, 1, HC_CHILD_UNLOCKED) },

	/* VPs */
	[HVCALL_CREATE_VP] = { ROOT(hc_create_vp, IN(hv_in_create_vp), 0, HC_NO_TARGET), "the root's VPs exist from the start" },
	[HVCALL_DELETE_VP] = { ROOT(hc_delete_vp, IN(hv_in_vp), 0, HC_CHILD_UNLOCKED) },
	[HVCALL_GET_VP_REGISTERS] = { ANY_REP(hc_get_vp_registers, IN(hv_in_vp_registers), 4, 16, HC_VP, HV_PRIV_ACCESS_VP_REGISTERS) },
	[HVCALL_SET_VP_REGISTERS] = { ANY_REP(hc_set_vp_registers, IN(hv_in_vp_registers), 32, 0, HC_VP, HV_PRIV_ACCESS_VP_REGISTERS) },
	[HVCALL_TRANSLATE_VIRTUAL_ADDRESS] = { ROOT(hc_translate_virtual_address, IN(hv_in_translate), OUT(hv_out_translate), HC_VP), "no SMAP, shadow stack or accessed and dirty flags" },
	[HVCALL_DISPATCH_VP] = { ROOT(hc_dispatch_vp, IN(hv_in_dispatch_vp), OUT(hv_out_dispatch_vp), HC_CHILD_UNLOCKED) },
	[HVCALL_MAP_VP_STATE_PAGE] = { ROOT(hc_map_vp_state_page, IN(hv_in_vp_state_page), OUT(hv_out_page), HC_VP) },
	[HVCALL_UNMAP_VP_STATE_PAGE] = { ROOT(hc_unmap_vp_state_page, IN(hv_in_vp_state_page), 0, HC_PARTITION_UNLOCKED) },
	[HVCALL_MAP_STATS_PAGE] = { ROOT(hc_map_stats_page, IN(hv_in_map_stats_page), OUT(hv_out_page), HC_NO_TARGET) },
	[HVCALL_UNMAP_STATS_PAGE] = { ROOT(hc_unmap_stats_page, IN(hv_in_map_stats_page), 0, HC_NO_TARGET) },
	[HVCALL_GET_VP_STATE] = { ROOT_VAR(hc_get_vp_state, IN(hv_in_vp_state), OUT(hv_synthetic_timers_state), HC_STOPPED_VP) },
	[HVCALL_SET_VP_STATE] = { ROOT_VAR(hc_set_vp_state, IN(hv_in_vp_state), 0, HC_STOPPED_VP) },

	/* Intercepts and interrupts */
	[HVCALL_INSTALL_INTERCEPT] = { ROOT(hc_install_intercept, IN(hv_in_install_intercept), 0, HC_CHILD), "hypercall, unknown connection, unknown MSR, MSR by index" },
	[HVCALL_REGISTER_INTERCEPT_RESULT] = { ROOT(hc_register_intercept_result, IN(hv_in_register_intercept_result), 0, HC_CHILD), "CPUID results only" },
	[HVCALL_GET_VP_CPUID_VALUES] = { ROOT_REP(hc_get_vp_cpuid_values, IN(hv_in_get_cpuid_values), sizeof(struct hv_cpuid_query), sizeof(struct hv_cpuid_values), HC_STOPPED_VP), "XFEM and XSS are the VP's" },
	[HVCALL_ASSERT_VIRTUAL_INTERRUPT] = { ROOT(hc_assert_virtual_interrupt, IN(hv_in_assert_interrupt), 0, HC_CHILD), "no SMI" },
	[HVCALL_CLEAR_VIRTUAL_INTERRUPT] = { ROOT(hc_clear_virtual_interrupt, IN(hv_in_partition), 0, HC_CHILD) },

	/* Ports, messages, events */
	[HVCALL_CREATE_PORT] = { ROOT(hc_create_port, IN(hv_in_create_port), 0, HC_NO_TARGET), "doorbells only" },
	[HVCALL_DELETE_PORT] = { ROOT(hc_delete_port, IN(hv_in_delete_port), 0, HC_NO_TARGET) },
	[HVCALL_CONNECT_PORT] = { ROOT(hc_connect_port, IN(hv_in_connect_port), 0, HC_CHILD), "doorbells only" },
	[HVCALL_DISCONNECT_PORT] = { ROOT(hc_disconnect_port, IN(hv_in_disconnect_port), 0, HC_CHILD) },
	[HVCALL_NOTIFY_PORT_RING_EMPTY] = { ROOT(hc_notify_port_ring_empty, IN(hv_in_ring_empty), 0, HC_NO_TARGET) },
	[HVCALL_SIGNAL_EVENT_DIRECT] = { ROOT(hc_signal_event_direct, IN(hv_in_signal_event_direct), OUT(hv_out_signal_event_direct), HC_CHILD_VP) },
	[HVCALL_POST_MESSAGE_DIRECT] = { ROOT(hc_post_message_direct, IN(hv_in_post_message_direct), 0, HC_CHILD_VP) },
	[HVCALL_POST_MESSAGE] = { ANY(hc_post_message, IN(hv_in_post_message), 0, HC_NO_TARGET, HV_PRIV_POST_MESSAGES), "no message ports: every connection is the VMM's" },
	[HVCALL_SIGNAL_EVENT] = { ANY(hc_signal_event, IN(hv_in_signal_event), 0, HC_NO_TARGET, HV_PRIV_SIGNAL_EVENTS), "doorbells of the signal window; every other connection is the VMM's" },

	/* A guest's own processors */
	[HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE] = { ANY(hc_flush, IN(hv_in_flush), 0, HC_NO_TARGET, 0), "flushes more than asked: every address of the VPs that are named" },
	[HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST] = { ANY_REP(hc_flush, IN(hv_in_flush), 8, 0, HC_NO_TARGET, 0), "flushes more than asked: every address of the VPs that are named" },
	[HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX] = { ANY_VAR(hc_flush, IN(hv_in_flush_ex), 0, HC_NO_TARGET, 0), "flushes more than asked: every address of the VPs that are named" },
	[HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX] = { ANY_REP_VAR(hc_flush, IN(hv_in_flush_ex), 8, 0, HC_NO_TARGET, 0), "flushes more than asked: every address of the VPs that are named" },
	[HVCALL_NOTIFY_LONG_SPIN_WAIT] = { ANY(hc_notify_long_spin_wait, 8, 0, HC_NO_TARGET, 0), "accepted; the root's scheduler preempts by itself" },
	[HVCALL_SEND_IPI] = { ANY(hc_send_ipi, IN(hv_in_send_ipi), 0, HC_NO_TARGET, 0) },
	[HVCALL_START_VIRTUAL_PROCESSOR] = { ANY(hc_start_vp, IN(hv_in_start_vp), 0, HC_VP, HV_PRIV_START_VP), "VTL 0 only" },
	[HVCALL_GET_VP_INDEX_FROM_APIC_ID] = { ANY_REP(hc_get_vp_index, IN(hv_in_get_vp_index), 4, 4, HC_PARTITION, 0) },
	[HVCALL_SEND_IPI_EX] = { ANY_VAR(hc_send_ipi_ex, IN(hv_in_send_ipi_ex), 0, HC_NO_TARGET, 0) },
};
