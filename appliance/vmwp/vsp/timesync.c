/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time synchronisation: the host's time, with the partition's reference time it was read at. "Sync" (the guest sets its
 * clock) once after the driver came, and when the two have drifted apart, since the guest reckons one from the other: the
 * machine stood still, was restored, or the host's clock was set. "Sample" (for a PTP clock in the guest) else.
 */
#include "vmwp/vsp/ic.h"
#include "vmwp/vsp/services.h"

#include <errno.h>
#include <time.h>

#define PERIOD_NS	5000000000ull
#define DRIFT_MAX	10000000		/* one second in units of 100 ns */
#define EPOCH_1601	116444736000000000ull	/* 1970 in units of 100 ns since 1601 */
enum { FLAG_SYNC = 1, FLAG_SAMPLE = 2 };

struct wire_time_4 { uint64_t host, reference; uint8_t flags, leap, stratum, reserved[3]; } __attribute__((packed));
struct wire_time_3 { uint64_t host, guest, round_trip; uint8_t flags; } __attribute__((packed));
_Static_assert(sizeof(struct wire_time_4) == 22 && sizeof(struct wire_time_3) == 25, "time messages");

struct time_sync {
	struct ic ic;
	struct device_timer *timer;
	bool sync_due;
	int64_t ahead;			/* of reference time the host's was when it was last told */
};

static uint64_t host_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 10000000ull + (uint64_t)ts.tv_nsec / 100 + EPOCH_1601;
}

static bool has_drifted(struct time_sync *t, uint64_t host, uint64_t reference)
{
	int64_t ahead = (int64_t)(host - reference), drift = ahead - t->ahead;

	t->ahead = ahead;
	return drift > DRIFT_MAX || drift < -DRIFT_MAX;
}

static int send_4(struct time_sync *t, uint64_t host, uint64_t reference, uint8_t flags)
{
	struct wire_time_4 m = { .host = host, .reference = reference, .flags = flags, .stratum = 4 };

	return ic_request(&t->ic, &m, sizeof(m));
}

static int send_3(struct time_sync *t, uint64_t host, uint8_t flags)
{
	struct wire_time_3 m = { .host = host, .flags = flags };

	return ic_request(&t->ic, &m, sizeof(m));
}

static void tell_time(struct device *dev)
{
	struct time_sync *t = device_state(dev);
	uint64_t reference = 0, host;
	uint8_t flags;
	int r;

	r = vsp_reference_time(dev->machine, &reference);
	host = host_time();
	if (r == 0)
		t->sync_due |= has_drifted(t, host, reference);
	flags = t->sync_due ? FLAG_SYNC : FLAG_SAMPLE;
	if (t->ic.version != IC_VERSION(4, 0))
		r = send_3(t, host, flags);
	else if (r == 0)
		r = send_4(t, host, reference, flags);
	if (r == 0)
		t->sync_due = false;
	device_timer_arm(t->timer, machine_now_ns(dev->machine) + PERIOD_NS);
}

static void time_sync_ready(struct ic *ic)
{
	struct time_sync *t = (struct time_sync *)ic;

	t->sync_due = true;		/* also after a restore: ic_state() comes here */
	tell_time(ic->device);
}

static void time_sync_answered(struct ic *ic, uint32_t status, const uint8_t *body, size_t size)
{
	(void)ic;
	(void)status;
	(void)body;
	(void)size;
}

static void time_sync_gone(struct ic *ic)
{
	device_timer_arm(((struct time_sync *)ic)->timer, 0);
}

static const uint32_t frameworks[] = { IC_VERSION(3, 0), IC_VERSION(1, 0), 0 };
static const uint32_t versions[] = { IC_VERSION(4, 0), IC_VERSION(3, 0), IC_VERSION(1, 0), 0 };

static const struct ic_service time_sync_service = {
	.message_type = IC_TIME_SYNC, .frameworks = frameworks, .versions = versions,
	.ready = time_sync_ready, .answered = time_sync_answered, .gone = time_sync_gone,
	.channel = IC_CHANNEL("time sync", 0x9527e630, 0xd0ae, 0x497b, 0xad, 0xce, 0xe8, 0x0a, 0xb0, 0x17, 0x5c, 0xaf),
	.instance = VMBUS_GUID(0x2dd1ce17, 0x079e, 0x403c, 0xb3, 0x52, 0xa1, 0x92, 0x1e, 0xe2, 0x07, 0xee),
};

static int time_sync_init(struct device *dev)
{
	struct time_sync *t = device_state(dev);

	t->timer = device_timer_new(dev, tell_time);
	return t->timer ? ic_init(dev, &time_sync_service) : -ENOMEM;
}

static void time_sync_fini(struct device *dev)
{
	device_timer_free(((struct time_sync *)device_state(dev))->timer);
}

const struct device_model time_sync_model = {
	.name = "time sync service", .state_size = sizeof(struct time_sync), .init = time_sync_init, .fini = time_sync_fini,
};
