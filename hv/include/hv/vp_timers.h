/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child VP's timers as one deadline: the APIC timer and four synthetic timers. Callers hold the partition's lock.
 * The deadline is never cancelled under the lock (its callback takes it); a timer that was stopped just fires to nothing.
 */
#ifndef HV_VP_TIMERS_H
#define HV_VP_TIMERS_H

struct vp;

void vp_timers_init(struct vp *vp);
void vp_timers_changed(struct vp *vp);		/* some timer was started or stopped */
void vp_tsc_changed(struct vp *vp);		/* its TSC was set; called where its registers may be looked at */
void vp_timers_poll(struct vp *vp);		/* lets those that are due fire, arms the next */
void vp_timers_fini(struct vp *vp);		/* without the lock */

#endif
