/* SPDX-License-Identifier: Apache-2.0 */
/*
 * created → running ⇄ paused → off or failed. Changes happen on the event loop's thread with every VP parked; handlers on
 * VP threads only ask (machine_request_*) and close the gate behind them.
 */
#include "vmwp/machine.h"

#include "vmwp/chipset/board.h"
#include "vmwp/firmware/firmware.h"
#include "vmwp/vmbus/server.h"
#include "vmwp/vp/vp.h"

#include <errno.h>
#include <hv_cpuid.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What every child sees of the hypervisor's own services (vmbus: SynIC, hypercalls; clocks: counters, TSC page). */
#define GUEST_FEATURES	(HV_SYNTH_HYPERVISOR_PRESENT | HV_SYNTH_HV1 | HV_SYNTH_VP_RUNTIME | HV_SYNTH_REFERENCE_COUNTER | \
			 HV_SYNTH_SYNIC | HV_SYNTH_STIMERS | HV_SYNTH_INTR_CTRL | HV_SYNTH_HYPERCALL | HV_SYNTH_VP_INDEX | \
			 HV_SYNTH_REFERENCE_TSC | HV_SYNTH_FREQUENCY | HV_SYNTH_DIRECT_STIMERS | HV_SYNTH_EX_MASKS | \
			 HV_SYNTH_TLB_FLUSH | HV_SYNTH_CLUSTER_IPI | HV_SYNTH_SIGNAL_EVENTS)

void machine_set_state(struct machine *m, enum machine_state state, const char *reason)
{
	m->state = state;
	snprintf(m->reason, sizeof(m->reason), "%s", reason);
	if (m->state_changed)
		m->state_changed(m, m->state_context);
}

/* --- power: the partition and its VPs; parked, lock held --- */

int machine_power_on(struct machine *m)
{
	int r = hv_partition_create(m->mshv_fd, GUEST_FEATURES, &m->partition);

	if (r == 0)	/* a guest that reads an MSR nobody has gets zero, as on most machines, not a fault in firmware */
		(void)hv_partition_set_property(m->partition, HV_PROPERTY_UNIMPLEMENTED_MSR_ACTION, HV_UNIMPLEMENTED_MSR_IGNORE);
	if (r == 0)	/* for memory_dirty_pages(), whose callers can do without */
		(void)hv_partition_set_property(m->partition, HV_PROPERTY_GPA_ACCESS_TRACKING, 1);
	if (r == 0) {
		vmbus_power_on(m->vmbus);
		r = guest_memory_attach(m);
	}
	return r == 0 ? vps_power_on(m) : r;
}

static void machine_power_off(struct machine *m)
{
	struct hv_partition *partition = m->partition;

	vps_power_off(m);
	m->partition = NULL;
	hv_partition_destroy(partition);
}

void machine_devices_reset(struct machine *m)
{
	pci_reset(m);
	for (unsigned int i = 0; i < m->device_count; i++)
		if (m->devices[i].model->reset)
			m->devices[i].model->reset(&m->devices[i]);
	firmware_reset(m);
}

/* Guest time, the hypervisor's reference time and the rings of VMBus stand still together. */
void machine_run_time(struct machine *m, bool run)
{
	clockwork_run(m, run);
	vmbus_pause(m->vmbus, !run);
	if (m->partition)
		(void)hv_partition_set_property(m->partition, HV_PROPERTY_TIME_FREEZE, !run);
}

/* --- what the control socket asks --- */

static uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

void machine_stop(struct machine *m, enum machine_state state, const char *reason)
{
	if (m->state == MACHINE_OFF || m->state == MACHINE_FAILED)
		return;
	vps_park(m);
	machine_lock(m);
	machine_run_time(m, false);
	machine_power_off(m);
	machine_unlock(m);
	vps_end(m);
	machine_set_state(m, state, reason);
}

/* Devices and the partition as after power-on, time running; every VP is parked. */
static int machine_begin(struct machine *m)
{
	int r;

	machine_lock(m);
	machine_devices_reset(m);
	r = machine_power_on(m);
	if (r == 0)
		machine_run_time(m, true);
	machine_unlock(m);
	return r;
}

int machine_start(struct machine *m)
{
	char reason[64];
	int r;

	if (m->state != MACHINE_CREATED || !m->device_count)
		return -EBUSY;
	r = vps_create_threads(m);
	if (r == 0)
		r = machine_begin(m);
	if (r < 0) {
		snprintf(reason, sizeof(reason), "error: cannot start: errno %d", -r);
		machine_stop(m, MACHINE_FAILED, reason);
		return r;
	}
	m->started_ns = monotonic_ns();
	vps_open(m);
	machine_set_state(m, MACHINE_RUNNING, "");
	return 0;
}

static int machine_pause_because(struct machine *m, const char *reason)
{
	if (m->state != MACHINE_RUNNING)
		return -EBUSY;
	vps_park(m);
	machine_lock(m);
	machine_run_time(m, false);
	machine_unlock(m);
	machine_set_state(m, MACHINE_PAUSED, reason);
	return 0;
}

int machine_pause(struct machine *m)
{
	return machine_pause_because(m, "");
}

static void devices_resumed(struct machine *m)
{
	for (unsigned int i = 0; i < m->device_count; i++)
		if (m->devices[i].model->resumed)
			m->devices[i].model->resumed(&m->devices[i]);
}

/* What a device asked while the machine stood still is answered by its being resumed, or reset. */
static void pause_request_forget(struct machine *m)
{
	pthread_mutex_lock(&m->gate_lock);
	m->request.pause = false;
	pthread_mutex_unlock(&m->gate_lock);
}

int machine_resume(struct machine *m)
{
	if (m->state != MACHINE_PAUSED)
		return -EBUSY;
	pause_request_forget(m);
	machine_lock(m);
	machine_run_time(m, true);
	devices_resumed(m);
	machine_unlock(m);
	vps_open(m);
	machine_set_state(m, MACHINE_RUNNING, "");
	return 0;
}

/* A new partition has no history: local APICs, SynICs, overlays and MSRs start as after power-on. RAM keeps its content. */
int machine_reset(struct machine *m, const char *reason)
{
	int r;

	if (m->state != MACHINE_RUNNING && m->state != MACHINE_PAUSED)
		return -EBUSY;
	vps_park(m);
	machine_lock(m);
	machine_power_off(m);
	machine_unlock(m);
	r = machine_begin(m);
	pause_request_forget(m);
	if (r < 0) {
		machine_fail(m, "error: reset failed: errno %d", -r);
		return r;
	}
	vps_open(m);
	machine_set_state(m, MACHINE_RUNNING, reason);
	return 0;
}

int machine_turn_off(struct machine *m, const char *reason)
{
	machine_stop(m, MACHINE_OFF, reason);
	return 0;
}

int machine_press_power_button(struct machine *m)
{
	if (m->state != MACHINE_RUNNING)
		return -EBUSY;
	machine_lock(m);
	pm_press_power_button(m->pm);
	machine_unlock(m);
	return 0;
}

/* --- what handlers ask --- */

static void machine_request(struct machine *m)		/* gate_lock held */
{
	uint64_t one = 1;

	if (atomic_load(&m->gate) == GATE_RUN)		/* the VP that asked does not run on */
		atomic_store(&m->gate, GATE_PARK);
	if (write(m->request_fd, &one, sizeof(one)) < 0)
		return;					/* the counter is full: the loop has been told often enough */
}

void machine_request_reset(struct machine *m)
{
	pthread_mutex_lock(&m->gate_lock);
	m->request.reset = true;
	machine_request(m);
	pthread_mutex_unlock(&m->gate_lock);
}

void machine_request_power_off(struct machine *m)
{
	pthread_mutex_lock(&m->gate_lock);
	m->request.power_off = true;
	machine_request(m);
	pthread_mutex_unlock(&m->gate_lock);
}

void machine_request_pause(struct machine *m, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&m->gate_lock);
	if (!m->request.pause) {
		va_start(args, format);
		vsnprintf(m->request.pause_reason, sizeof(m->request.pause_reason), format, args);
		va_end(args);
	}
	m->request.pause = true;
	machine_request(m);
	pthread_mutex_unlock(&m->gate_lock);
}

void machine_fail(struct machine *m, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&m->gate_lock);
	if (!m->request.fail) {
		va_start(args, format);
		vsnprintf(m->request.fail_reason, sizeof(m->request.fail_reason), format, args);
		va_end(args);
	}
	m->request.fail = true;
	machine_request(m);
	pthread_mutex_unlock(&m->gate_lock);
}

void machine_stop_triple_fault(struct machine *m)
{
	machine_fail(m, "triple-fault");
}

static int machine_on_request(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct machine *m = data;
	char pause_reason[sizeof(m->request.pause_reason)];
	bool reset, power_off, fail, pause;
	uint64_t count;

	(void)source;
	(void)events;
	if (read(fd, &count, sizeof(count)) < 0)
		return 0;
	pthread_mutex_lock(&m->gate_lock);
	reset = m->request.reset;
	power_off = m->request.power_off;
	fail = m->request.fail;
	pause = m->request.pause;
	memcpy(pause_reason, m->request.pause_reason, sizeof(pause_reason));
	m->request.reset = m->request.power_off = m->request.pause = false;
	pthread_mutex_unlock(&m->gate_lock);
	if (fail)
		machine_stop(m, MACHINE_FAILED, m->request.fail_reason);
	else if (power_off)
		machine_stop(m, MACHINE_OFF, "guest-power-off");
	else if (reset)
		(void)machine_reset(m, "guest-reset");
	else if (pause)
		(void)machine_pause_because(m, pause_reason);
	return 0;
}

int machine_watch_requests(struct machine *m)
{
	int r = sd_event_add_io(m->loop, NULL, m->request_fd, EPOLLIN, machine_on_request, m);

	return r < 0 ? r : 0;
}
