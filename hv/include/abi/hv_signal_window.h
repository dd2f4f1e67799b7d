/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal window: guest signals without a trip to the VMM. HvCallSignalEvent of a child on connection C with flag F counts as
 * a four-byte write of F to HV_SIGNAL_WINDOW_GPA(C). A VMM that has a doorbell there (MSHV_IOEVENTFD, hv-abi.md 9) gets its
 * eventfd signalled and the guest gets HV_STATUS_SUCCESS, inside hv and the root's kernel. Without a doorbell that matches the
 * call goes the usual way: a hypercall intercept if the VMM installed HV_INTERCEPT_UNKNOWN_CONNECTION, else an error.
 *
 * The window lies above every physical address an x86 CPU can have, so no memory and no MMIO write is ever in it. Partition
 * property HV_PROPERTY_SIGNAL_WINDOW (Partita's own; another hypervisor answers HV_STATUS_UNKNOWN_PROPERTY) says that it is
 * there and where: its value is HV_SIGNAL_WINDOW_BASE.
 */
#ifndef HV_ABI_SIGNAL_WINDOW_H
#define HV_ABI_SIGNAL_WINDOW_H

#define HV_PROPERTY_SIGNAL_WINDOW	0x50540001u		/* "PT", number 1 */

#define HV_SIGNAL_WINDOW_BASE		0x4000000000000000ull
#define HV_SIGNAL_CONNECTION_MAX	0x00ffffffu		/* TLFS, HV_CONNECTION_ID: 24 bits */
#define HV_SIGNAL_WINDOW_WRITE		4u			/* bytes: `len` of an ioeventfd here is this, or 0 for any */
#define HV_SIGNAL_WINDOW_GPA(connection) (HV_SIGNAL_WINDOW_BASE + (unsigned long long)(connection) * 8)

#endif
