/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machine time (CLOCK_MONOTONIC less the time spent paused) and device timers. Timers are armed from any thread under the
 * machine lock; one timerfd, set to the earliest, brings them to the event loop.
 */
#include "vmwp/machine.h"
#include "vmwp/state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct device_timer {
	struct device_timer *next;
	struct device *dev;
	void (*fire)(struct device *dev);
	uint64_t deadline_ns;		/* machine time; 0 = not armed */
};

struct clockwork {
	struct device_timer *timers;	/* a handful: searched, not sorted */
	int fd;
	sd_event_source *source;
	bool running;
	uint64_t behind_ns;		/* CLOCK_MONOTONIC - machine time, while running */
	uint64_t stopped_at_ns;		/* machine time, while not */
	uint64_t programmed_ns;		/* what fd is set to (machine time); 0 = nothing */
};

static uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

uint64_t machine_now_ns(struct machine *m)
{
	struct clockwork *c = m->clock;

	return c->running ? monotonic_ns() - c->behind_ns : c->stopped_at_ns;
}

static void clockwork_program(struct clockwork *c)
{
	struct itimerspec when = { .it_value = { 0 } };
	uint64_t earliest = 0;

	for (struct device_timer *t = c->timers; c->running && t; t = t->next)
		if (t->deadline_ns && (!earliest || t->deadline_ns < earliest))
			earliest = t->deadline_ns;
	if (earliest == c->programmed_ns)
		return;
	c->programmed_ns = earliest;
	if (earliest) {
		when.it_value.tv_sec = (time_t)((earliest + c->behind_ns) / 1000000000ull);
		when.it_value.tv_nsec = (long)((earliest + c->behind_ns) % 1000000000ull);
	}
	timerfd_settime(c->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static int clockwork_on_tick(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct machine *m = data;
	struct clockwork *c = m->clock;
	uint64_t expirations, now;

	(void)source;
	(void)events;
	machine_lock(m);
	if (read(fd, &expirations, sizeof(expirations)) == sizeof(expirations))
		c->programmed_ns = 0;
	now = machine_now_ns(m);
	for (struct device_timer *t = c->timers; c->running && t; t = t->next) {
		if (!t->deadline_ns || t->deadline_ns > now)
			continue;
		t->deadline_ns = 0;
		t->fire(t->dev);
	}
	clockwork_program(c);
	machine_unlock(m);
	return 0;
}

int clockwork_create(struct machine *m)
{
	struct clockwork *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	m->clock = c;
	c->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->fd < 0)
		return -errno;
	c->stopped_at_ns = 1;		/* 0 means "not armed" in a deadline */
	r = sd_event_add_io(m->loop, &c->source, c->fd, EPOLLIN, clockwork_on_tick, m);
	if (r >= 0)	/* guests notice late ticks, nobody else on this loop is in a hurry */
		r = sd_event_source_set_priority(c->source, SD_EVENT_PRIORITY_IMPORTANT);
	return r < 0 ? r : 0;
}

void clockwork_destroy(struct machine *m)
{
	struct clockwork *c = m->clock;

	if (!c)
		return;
	while (c->timers)
		device_timer_free(c->timers);
	sd_event_source_disable_unref(c->source);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
	m->clock = NULL;
}

void clockwork_run(struct machine *m, bool run)
{
	struct clockwork *c = m->clock;

	if (run == c->running)
		return;
	if (run)
		c->behind_ns = monotonic_ns() - c->stopped_at_ns;
	else
		c->stopped_at_ns = machine_now_ns(m);
	c->running = run;
	c->programmed_ns = ~0ull;	/* the offset changed: set it anew whatever it is */
	clockwork_program(c);
}

struct device_timer *device_timer_new(struct device *dev, void (*fire)(struct device *dev))
{
	struct clockwork *c = dev->machine->clock;
	struct device_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->dev = dev;
	t->fire = fire;
	t->next = c->timers;
	c->timers = t;
	return t;
}

void device_timer_arm(struct device_timer *t, uint64_t deadline_ns)
{
	if (t->deadline_ns == deadline_ns)
		return;
	t->deadline_ns = deadline_ns;
	clockwork_program(t->dev->machine->clock);
}

bool device_timer_armed(const struct device_timer *t)
{
	return t->deadline_ns != 0;
}

void clockwork_state(struct machine *m, struct state *s)
{
	state_u64(s, &m->clock->stopped_at_ns);
	if (m->clock->stopped_at_ns == 0 || m->clock->stopped_at_ns >> 62)
		state_refuse(s);
}

void device_timer_free(struct device_timer *t)
{
	struct device_timer **link;

	if (!t)
		return;
	for (link = &t->dev->machine->clock->timers; *link != t; link = &(*link)->next)
		;
	*link = t->next;
	free(t);
}
