/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partitions and virtual processors as plain C calls: the only user-space code that knows /dev/mshv.
 * Every call returns 0 or a negative errno. hvclient keeps no locks: what may run beside what is said per call.
 */
#ifndef HVCLIENT_H
#define HVCLIENT_H

#include <hv_message.h>
#include <hv_partition.h>
#include <hv_vp_page.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hv_partition;
struct hv_vp;

/* `synthetic_features`: HV_SYNTH_* (hv_cpuid.h). The partition is initialised and has no memory and no VPs. */
int hv_partition_create(int mshv_fd, uint64_t synthetic_features, struct hv_partition **out);
void hv_partition_destroy(struct hv_partition *p);	/* accepts NULL; every VP must be destroyed before */

int hv_partition_set_property(struct hv_partition *p, uint32_t property, uint64_t value);
int hv_partition_get_property(struct hv_partition *p, uint32_t property, uint64_t *value);

/* All page aligned; a range without `writable` lets writes exit. Unmapping names exactly what was mapped. */
int hv_partition_map(struct hv_partition *p, uint64_t gpa, uint64_t size, void *host, bool writable);
int hv_partition_unmap(struct hv_partition *p, uint64_t gpa, uint64_t size, void *host);
/* One bit per 4 KiB page written since the last call; needs HV_PROPERTY_GPA_ACCESS_TRACKING. */
int hv_partition_take_dirty(struct hv_partition *p, uint64_t gpa, uint64_t pages, uint64_t *bitmap);

/* Interrupts; from any thread, also while VPs run. */
struct hv_interrupt { enum hv_interrupt_type type; bool level, logical; uint64_t destination; uint32_t vector; };
int hv_partition_assert_interrupt(struct hv_partition *p, const struct hv_interrupt *irq);
/* Takes back an ExtINT that the guest has not taken yet: 1 taken back, 0 there was none, or a negative errno. */
int hv_partition_clear_extint(struct hv_partition *p);

/* Every VP's CPUID(leaf, subleaf): bits of `mask` come from `value` (EAX, EBX, ECX, EDX). subleaf < 0: all of them. */
int hv_partition_set_cpuid(struct hv_partition *p, uint32_t leaf, int64_t subleaf, const uint32_t value[4], const uint32_t mask[4]);

/* SynIC; from any thread, also while VPs run. */
int hv_partition_install_intercept(struct hv_partition *p, uint32_t type, uint32_t access, uint64_t parameter);
/* -EAGAIN: the slot is occupied or the SynIC is off. Then ask once to be told (HVMSG_SYNIC_SINT_DELIVERABLE on that VP). */
int hv_partition_post_message(struct hv_partition *p, uint32_t vp, uint8_t sint, const struct hv_message *message);
int hv_partition_notify_deliverable(struct hv_partition *p, uint32_t vp, uint16_t sints);
int hv_partition_signal_event(struct hv_partition *p, uint32_t vp, uint8_t sint, uint16_t flag);
/* With a signal window the hypervisor turns a child's SignalEvent on a bound connection id into that eventfd. */
bool hv_partition_has_signal_window(struct hv_partition *p);
int hv_partition_bind_signal(struct hv_partition *p, uint32_t connection_id, int event_fd, bool bind);

int hv_vp_create(struct hv_partition *p, uint32_t index, struct hv_vp **out);
void hv_vp_destroy(struct hv_vp *vp);			/* accepts NULL; not while its thread is in hv_vp_run() */

/* Runs the VP until it needs its VMM: 0 and *message, or -EINTR when a signal came. */
int hv_vp_run(struct hv_vp *vp, struct hv_message *message);
/* Shared with the hypervisor: valid between hv_vp_run() calls; say what was changed in `dirty` (HV_REGISTER_CLASS_*). */
struct hv_vp_register_page *hv_vp_registers(struct hv_vp *vp);
/* Between hv_vp_run() calls only. Registers are set in list order. */
int hv_vp_set_registers(struct hv_vp *vp, const struct hv_register_assoc *registers, size_t count);
int hv_vp_get_registers(struct hv_vp *vp, struct hv_register_assoc *registers, size_t count);
/* A VP's state that is not in registers; HV_VP_BLOB_BYTES each, for whoever saves a VM. Between hv_vp_run() calls only. */
enum hv_vp_blob { HV_VP_BLOB_LAPIC, HV_VP_BLOB_XSAVE, HV_VP_BLOB_SIMP, HV_VP_BLOB_SIEFP, HV_VP_BLOB_TIMERS, HV_VP_BLOBS };
#define HV_VP_BLOB_BYTES 4096u
int hv_vp_get_blob(struct hv_vp *vp, enum hv_vp_blob which, void *to);
int hv_vp_set_blob(struct hv_vp *vp, enum hv_vp_blob which, const void *from);
/* GVA → GPA with HV_TRANSLATE_* flags; *result is HV_TRANSLATE_SUCCESS or why not. */
int hv_vp_translate(struct hv_vp *vp, uint64_t gva, uint64_t flags, uint32_t *result, uint64_t *gpa);

#endif
