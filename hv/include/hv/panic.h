/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ends of hv. hv_panic: our own invariant is broken; says where, with this LP's last exits. hv_refuse: the machine
 * cannot run hv; one readable line for its owner. Neither resets: the message must stay readable.
 */
#ifndef HV_PANIC_H
#define HV_PANIC_H

#include <hv/types.h>

extern const char hv_build_id[];

void __noreturn hv_panic(const char *format, ...) __printf(1, 2);
void __noreturn hv_refuse(const char *format, ...) __printf(1, 2);

/*
 * Options: seconds until a panic restarts the machine (0: never), and a deliberate fault, for the test of all this: with it
 * set, hv_fault_for_test() writes where nothing is mapped. It is called when a child triple-faults.
 */
extern uint64_t panic_restart_seconds;
extern bool panic_fault_test;
void hv_fault_for_test(void);

void hv_panic_join(void);	/* an LP that was kicked ends here if another has panicked */

/* For hv's own invariants only: a guest must not be able to make one false. */
#define hv_assert(claim) ((claim) ? (void)0 : hv_panic("%s:%d: not true: %s", __FILE__, __LINE__, #claim))

#endif
