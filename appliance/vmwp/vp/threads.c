/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VP threads and the gate that lets them run. A thread in the guest is called back by a signal: the hypervisor call it is
 * in returns EINTR. The signal may come just before that call, so whoever parks the VPs sends it until each is parked.
 */
#include "vmwp/vp/vp.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define KICK_SIGNAL	SIGUSR1
#define KICK_AGAIN_NS	2000000

static void on_kick(int signal_number)
{
	(void)signal_number;	/* its only effect is EINTR */
}

/* False when the thread shall end. */
static bool vp_wait_for_gate(struct vp *vp)
{
	struct machine *m = vp->machine;
	int gate;

	if (atomic_load_explicit(&m->gate, memory_order_acquire) == GATE_RUN)
		return true;
	pthread_mutex_lock(&m->gate_lock);
	vp->parked = true;
	m->parked++;
	pthread_cond_signal(&m->vp_parked);
	while ((gate = atomic_load(&m->gate)) == GATE_PARK)
		pthread_cond_wait(&m->gate_opened, &m->gate_lock);
	m->parked--;
	vp->parked = false;
	pthread_mutex_unlock(&m->gate_lock);
	return gate == GATE_RUN;
}

static void *vp_thread(void *data)
{
	struct vp *vp = data;

	while (vp_wait_for_gate(vp)) {
		int r = hv_vp_run(vp->hv, &vp->message);

		if (r == 0)
			vp_handle_exit(vp);
		else if (r != -EINTR)
			machine_fail(vp->machine, "error: VP %u cannot run: errno %d", vp->index, -r);
	}
	return NULL;
}

static int vp_create_thread(struct machine *m, unsigned int index)
{
	struct vp *vp = calloc(1, sizeof(*vp));
	int r;

	if (!vp)
		return -ENOMEM;
	vp->machine = m;
	vp->index = index;
	m->vps[index] = vp;
	r = pthread_create(&vp->thread, NULL, vp_thread, vp);
	vp->has_thread = r == 0;
	return -r;
}

int vps_create_threads(struct machine *m)
{
	struct sigaction kick = { .sa_handler = on_kick };	/* no SA_RESTART */
	int r = 0;

	sigaction(KICK_SIGNAL, &kick, NULL);
	atomic_store(&m->gate, GATE_PARK);
	for (m->vp_count = 0; r == 0 && m->vp_count < m->config.processors; m->vp_count++)
		r = vp_create_thread(m, m->vp_count);
	return r;
}

static void vps_set_gate(struct machine *m, enum machine_gate gate)
{
	pthread_mutex_lock(&m->gate_lock);
	atomic_store_explicit(&m->gate, gate, memory_order_release);
	pthread_cond_broadcast(&m->gate_opened);
	pthread_mutex_unlock(&m->gate_lock);
}

void vps_open(struct machine *m)
{
	vps_set_gate(m, GATE_RUN);
}

static void vps_kick(struct machine *m)
{
	for (unsigned int i = 0; i < m->vp_count; i++)
		if (m->vps[i] && m->vps[i]->has_thread && !m->vps[i]->parked)
			pthread_kill(m->vps[i]->thread, KICK_SIGNAL);
}

static unsigned int vps_threads(const struct machine *m)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < m->vp_count; i++)
		count += m->vps[i] && m->vps[i]->has_thread;
	return count;
}

void vps_park(struct machine *m)
{
	struct timespec again;

	vps_set_gate(m, GATE_PARK);
	pthread_mutex_lock(&m->gate_lock);
	while (m->parked < vps_threads(m)) {
		vps_kick(m);
		clock_gettime(CLOCK_REALTIME, &again);
		again.tv_nsec += KICK_AGAIN_NS;
		if (again.tv_nsec >= 1000000000) {
			again.tv_nsec -= 1000000000;
			again.tv_sec++;
		}
		pthread_cond_timedwait(&m->vp_parked, &m->gate_lock, &again);
	}
	pthread_mutex_unlock(&m->gate_lock);
}

void vps_end(struct machine *m)
{
	if (m->vp_count)
		vps_park(m);
	vps_set_gate(m, GATE_EXIT);
	for (unsigned int i = 0; i < m->vp_count; i++) {
		if (m->vps[i] && m->vps[i]->has_thread)
			pthread_join(m->vps[i]->thread, NULL);
		free(m->vps[i]);
		m->vps[i] = NULL;
	}
	m->vp_count = 0;
}
