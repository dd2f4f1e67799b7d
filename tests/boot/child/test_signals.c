/* SPDX-License-Identifier: Apache-2.0 */
/* The signal window, the VMM's side: doorbells by MSHV_IOEVENTFD, a thread that answers each ring. See guest_signals.c. */
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <hv_signal_window.h>
#include "test_signals.h"
#include "vmm.h"

static unsigned int intercepts, pings;
static pthread_t ping_thread;
static struct doorbell { uint32_t connection; int fd; bool flag0; } doorbells[] = {
	{ CONNECTION_DOORBELL, -1, false }, { CONNECTION_FLAG0, -1, true }, { CONNECTION_PING, -1, false },
};

static struct doorbell *doorbell_of(uint32_t connection)
{
	for (size_t i = 0; i < sizeof(doorbells) / sizeof(doorbells[0]); i++)
		if (doorbells[i].connection == connection)
			return &doorbells[i];
	return NULL;
}

static int connect_doorbell(const struct doorbell *d, bool off)
{
	struct mshv_user_ioeventfd e = {
		.addr = HV_SIGNAL_WINDOW_GPA(d->connection), .len = d->flag0 ? HV_SIGNAL_WINDOW_WRITE : 0, .fd = d->fd,
		.flags = (d->flag0 ? 1u << MSHV_IOEVENTFD_BIT_DATAMATCH : 0) | (off ? 1u << MSHV_IOEVENTFD_BIT_DEASSIGN : 0),
	};

	return ioctl(partition_fd, MSHV_IOEVENTFD, &e);
}

static void *answer_pings(void *fd)
{
	uint64_t count;
	bool newly;

	while (pings < PINGS && read((int)(intptr_t)fd, &count, sizeof(count)) == sizeof(count)) {
		pings += (unsigned int)count;
		signal_event(0, HV_SYNIC_VMBUS_SINT, FLAG_PONG, &newly);
	}
	return NULL;
}

static void signals_prepare(void)
{
	uint64_t value = 0;

	claim_equal(get_property(HV_PROPERTY_SIGNAL_WINDOW, &value), 0, "a property tells of the signal window");
	claim_equal(value, HV_SIGNAL_WINDOW_BASE, "and where it is");
	must(install_intercept(HV_INTERCEPT_HYPERCALL, 4, 0) ? -1 : 0, "hypercall intercept");
	must(install_intercept(HV_INTERCEPT_UNKNOWN_CONNECTION, 4, 0) ? -1 : 0, "connection intercept");
	for (size_t i = 0; i < sizeof(doorbells) / sizeof(doorbells[0]); i++) {
		doorbells[i].fd = eventfd(0, EFD_CLOEXEC | (doorbells[i].connection == CONNECTION_PING ? 0 : EFD_NONBLOCK));
		claim(connect_doorbell(&doorbells[i], false) == 0, "an ioeventfd can be put into the window");
	}
	pthread_create(&ping_thread, NULL, answer_pings, (void *)(intptr_t)doorbell_of(CONNECTION_PING)->fd);
}

/* The doorbell's way to the eventfd is an interrupt of the root: give it a moment. */
static uint64_t rung(int fd)
{
	uint64_t count = 0;

	for (int i = 0; i < 50 && read(fd, &count, sizeof(count)) != sizeof(count); i++)
		usleep(1000);
	return count;
}

static void signals_ask(struct vp *vp, struct ask *a)
{
	struct doorbell *d = doorbell_of((uint32_t)a->argument[0]);

	(void)vp;
	switch (a->what) {
	case ASK_INTERCEPTS:	a->result[0] = intercepts; break;
	case ASK_RUNG:		a->result[0] = rung(d->fd); break;
	case ASK_DISCONNECT:	a->result[0] = (uint64_t)connect_doorbell(d, true); break;
	case ASK_PINGS:
		pthread_join(ping_thread, NULL);
		a->result[0] = pings;
		break;
	}
}

static uint64_t signals_hypercall(struct vp *vp, const struct hv_x64_hypercall_intercept_message *m)
{
	(void)vp;
	(void)m;
	intercepts++;
	return HV_STATUS_INVALID_CONNECTION_ID;
}

const struct test test_signals = {
	.name = "signals", .guest = GUEST_SIGNALS, .vps = 1, .features = HV_SYNTH_SIGNAL_EVENTS, .prepare = signals_prepare,
	.ask = signals_ask, .hypercall = signals_hypercall,
};
