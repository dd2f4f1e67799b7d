/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup service (VSS): asks whether the guest can, freezes its file systems, thaws them. A guest that stays frozen is as
 * good as dead, so every path ends in a thaw: refusal, lost patience, and a host that forgets.
 */
#include "vmwp/vsp/ic.h"
#include "vmwp/vsp/services.h"

#include <errno.h>

#define CHECK_NS	45000000000ull		/* Linux gives its daemon 30 s */
#define FREEZE_NS	60000000000ull
#define FROZEN_NS	(VSS_FROZEN_SECONDS * 1000000000ull)

enum { OP_HOT_BACKUP = 2, OP_FREEZE = 5, OP_THAW = 6 };
enum vss_step { IDLE, CHECKING, FREEZING, FROZEN, THAWING };

struct wire_vss { uint8_t operation, reserved[7]; uint32_t flags; };

struct vss {
	struct ic ic;
	struct device_timer *timer;
	enum vss_step step;
	vss_done *done;			/* of the freeze or thaw asked for; NULL nobody waits */
	void *context;
};

static struct vss *vss_of(struct machine *m)
{
	struct device *dev = machine_device(m, &vss_model);

	return dev ? device_state(dev) : NULL;
}

static void finish(struct vss *v, int result)
{
	vss_done *done = v->done;

	v->done = NULL;
	if (done)
		done(v->context, result);
}

static int step_to(struct vss *v, enum vss_step step, uint8_t operation, uint64_t patience_ns)
{
	struct wire_vss m = { .operation = operation };
	int r = ic_request(&v->ic, &m, sizeof(m));

	v->step = step;
	device_timer_arm(v->timer, machine_now_ns(v->ic.device->machine) + patience_ns);
	return r;
}

/* Whatever was under way: from now on only its thaw counts. A request that finds no room is repeated by the timer. */
static void thaw(struct vss *v)
{
	ic_give_up(&v->ic);
	(void)step_to(v, THAWING, OP_THAW, CHECK_NS);
}

static void frozen(struct vss *v)
{
	v->step = FROZEN;
	device_timer_arm(v->timer, machine_now_ns(v->ic.device->machine) + FROZEN_NS);
	finish(v, 0);
}

static void idle(struct vss *v, int result)
{
	v->step = IDLE;
	device_timer_arm(v->timer, 0);
	finish(v, result);
}

static void vss_answered(struct ic *ic, uint32_t status, const uint8_t *body, size_t size)
{
	struct vss *v = (struct vss *)ic;

	(void)body;
	(void)size;
	if (v->step == THAWING || (v->step == CHECKING && status != IC_OK)) {
		idle(v, status == IC_OK ? 0 : -EIO);
	} else if (v->step == CHECKING) {
		(void)step_to(v, FREEZING, OP_FREEZE, FREEZE_NS);
	} else if (v->step == FREEZING && status == IC_OK) {
		frozen(v);
	} else if (v->step == FREEZING) {
		finish(v, -EIO);
		thaw(v);
	}
}

static void vss_timer(struct device *dev)
{
	struct vss *v = device_state(dev);

	if (v->step == CHECKING) {
		ic_give_up(&v->ic);
		idle(v, -ETIMEDOUT);
		return;
	}
	finish(v, -ETIMEDOUT);
	thaw(v);			/* not frozen in time, frozen for too long, or the thaw itself is late: again */
}

int vss_freeze(struct machine *m, vss_done *done, void *context)
{
	struct vss *v = vss_of(m);
	int r;

	if (!v || !v->ic.ready)
		return -ENOTCONN;
	if (v->step != IDLE)
		return -EBUSY;
	r = step_to(v, CHECKING, OP_HOT_BACKUP, CHECK_NS);
	if (r < 0) {
		idle(v, r);
		return r;
	}
	v->done = done;
	v->context = context;
	return 0;
}

int vss_thaw(struct machine *m, vss_done *done, void *context)
{
	struct vss *v = vss_of(m);

	if (!v || v->step == IDLE || v->step == CHECKING)
		return -EALREADY;
	finish(v, -ECANCELED);
	v->done = done;
	v->context = context;
	thaw(v);
	return 0;
}

static void vss_ready(struct ic *ic)
{
	struct vss *v = (struct vss *)ic;

	if (v->step != IDLE)		/* restored in the middle of it */
		thaw(v);
}

static void vss_gone(struct ic *ic)
{
	idle((struct vss *)ic, -ENOTCONN);
}

static void vss_state(struct ic *ic, struct state *s)
{
	struct vss *v = (struct vss *)ic;
	bool busy = v->step > CHECKING;

	state_bool(s, &busy);
	if (state_loading(s))
		v->step = busy ? THAWING : IDLE;
}

static const uint32_t frameworks[] = { IC_VERSION(3, 0), 0 };
static const uint32_t versions[] = { IC_VERSION(7, 0), IC_VERSION(6, 0), IC_VERSION(5, 0), 0 };

static const struct ic_service vss_service = {
	.message_type = IC_VSS, .frameworks = frameworks, .versions = versions,
	.ready = vss_ready, .answered = vss_answered, .gone = vss_gone, .state = vss_state,
	.channel = IC_CHANNEL("backup", 0x35fa2e29, 0xea23, 0x4236, 0x96, 0xae, 0x3a, 0x6e, 0xba, 0xcb, 0xa4, 0x40),
	.instance = VMBUS_GUID(0x2450ee40, 0x33bf, 0x4fbd, 0x89, 0x2e, 0x9f, 0xb0, 0x6e, 0x92, 0x14, 0xcf),
};

static int vss_init(struct device *dev)
{
	struct vss *v = device_state(dev);

	v->timer = device_timer_new(dev, vss_timer);
	return v->timer ? ic_init(dev, &vss_service) : -ENOMEM;
}

static void vss_fini(struct device *dev)
{
	device_timer_free(((struct vss *)device_state(dev))->timer);
}

const struct device_model vss_model = {
	.name = "backup service", .state_size = sizeof(struct vss), .init = vss_init, .fini = vss_fini,
};
