/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child's synthetic timers (TLFS, chapter 12). Like the APIC timer they do not count: each has a reference time of expiry,
 * and core/vp_timers.c arms hv's deadline for the earliest.
 */
#include <abi/hv_status.h>
#include <hv/deadline.h>
#include <hv/partition.h>
#include <hv/synic.h>
#include <hv/vp.h>
#include <hv/vp_timers.h>

static uint64_t now_of(const struct synic *s)
{
	return partition_reference_time(s->vp->partition);
}

/* A one-shot count is an absolute time, a periodic one a period from now. */
static void stimer_start(struct synic *s, struct stimer *t)
{
	t->expiry = 0;
	if ((t->config & HV_STIMER_ENABLE) && t->count)
		t->expiry = t->config & HV_STIMER_PERIODIC ? now_of(s) + t->count : t->count;
	vp_timers_changed(s->vp);
}

static void config_write(struct synic *s, struct stimer *t, uint64_t value)
{
	bool direct = value & HV_STIMER_DIRECT;

	if (!direct && !HV_STIMER_SINT(value))
		value &= ~HV_STIMER_ENABLE;
	t->config = value;
	t->undelivered = 0;
	stimer_start(s, t);
}

static void count_write(struct synic *s, struct stimer *t, uint64_t value)
{
	t->count = value;
	if (!value)
		t->config &= ~HV_STIMER_ENABLE;
	else if (t->config & HV_STIMER_AUTO_ENABLE)
		t->config |= HV_STIMER_ENABLE;
	stimer_start(s, t);
}

bool stimer_read_msr(struct synic *s, uint32_t msr, uint64_t *value)
{
	struct stimer *t = &s->timers[(msr - HV_X64_MSR_STIMER0_CONFIG) / 2];

	*value = msr & 1 ? t->count : t->config;
	return true;
}

bool stimer_write_msr(struct synic *s, uint32_t msr, uint64_t value)
{
	struct stimer *t = &s->timers[(msr - HV_X64_MSR_STIMER0_CONFIG) / 2];

	if (msr & 1)
		count_write(s, t, value);
	else
		config_write(s, t, value);
	return true;
}

static void stimer_post(struct synic *s, struct stimer *t)
{
	struct hv_message message = {
		.header = { .message_type = HVMSG_TIMER_EXPIRED, .payload_size = sizeof(struct hv_timer_message_payload) },
	};
	struct hv_timer_message_payload *payload = (void *)message.payload;

	payload->timer_index = (uint32_t)(t - s->timers);
	payload->expiration_time = t->undelivered;
	payload->delivery_time = now_of(s);
	if (synic_post(s, HV_STIMER_SINT(t->config), &message) == HV_STATUS_SUCCESS)
		t->undelivered = 0;
}

static void stimer_expire(struct synic *s, struct stimer *t, uint64_t now)
{
	uint64_t expired = t->expiry;

	if (t->config & HV_STIMER_PERIODIC) {
		t->expiry = expired + t->count > now ? expired + t->count : now + t->count;
	} else {
		t->expiry = 0;
		t->config &= ~HV_STIMER_ENABLE;
	}
	if (t->config & HV_STIMER_DIRECT) {
		vp_assert_interrupt(s->vp, HV_STIMER_VECTOR(t->config));
		return;
	}
	t->undelivered = expired;
	stimer_post(s, t);
}

void stimer_poll(struct synic *s)
{
	uint64_t now = now_of(s);

	for (unsigned int i = 0; i < HV_STIMER_COUNT; i++)
		if (s->timers[i].expiry && s->timers[i].expiry <= now)
			stimer_expire(s, &s->timers[i], now);
}

void stimer_retry(struct synic *s)
{
	for (unsigned int i = 0; i < HV_STIMER_COUNT; i++)
		if (s->timers[i].undelivered)
			stimer_post(s, &s->timers[i]);
}

uint64_t stimer_deadline(const struct synic *s)
{
	uint64_t first = 0;

	for (unsigned int i = 0; i < HV_STIMER_COUNT; i++)
		if (s->timers[i].expiry && (!first || s->timers[i].expiry < first))
			first = s->timers[i].expiry;
	return first ? reference_time_to_tsc(s->vp->partition, first) : 0;
}

void stimer_get_state(const struct synic *s, struct hv_synthetic_timers_state *state)
{
	*state = (struct hv_synthetic_timers_state){ 0 };
	for (unsigned int i = 0; i < HV_STIMER_COUNT; i++) {
		const struct stimer *t = &s->timers[i];

		state->timers[i] = (struct hv_stimer_state){
			.undelivered = t->undelivered != 0, .config = t->config, .count = t->count,
			.adjustment = t->expiry, .undelivered_expiry = t->undelivered,
		};
	}
}

void stimer_set_state(struct synic *s, const struct hv_synthetic_timers_state *state)
{
	for (unsigned int i = 0; i < HV_STIMER_COUNT; i++) {
		const struct hv_stimer_state *from = &state->timers[i];

		s->timers[i] = (struct stimer){
			.config = from->config, .count = from->count, .expiry = from->adjustment,
			.undelivered = from->undelivered ? from->undelivered_expiry : 0,
		};
	}
	vp_timers_changed(s->vp);
}
