/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An LP's deadlines. A vendor that can end an entry at a given time (vcpu_counts_deadlines) looks at timer_next(), and the
 * rest of this file sleeps. Else there is one LAPIC timer per LP for two users: while hv has no deadline, the timer is the
 * root's and nothing exits. While it has, the root's timer registers are virtual (they exit) and the hardware is programmed
 * for whoever is due first.
 *
 * hv never takes an interrupt away from the root: when its own expiry interrupts the root, that exit lets hv fire its
 * deadlines, and then the root receives the interrupt as it is, with the vector of its SynIC, where a spurious one does
 * no harm and mostly comes with a message anyway. A root expiry that hv notices itself is sent by self-IPI. So nothing of the
 * root's can be lost, only a timer interrupt can come early, which Linux takes as free (root-boot-notes.md section 6, rule 1).
 */
#include <arch/x86/apic.h>
#include <arch/x86/cpu.h>
#include <arch/x86/timer.h>
#include <arch/x86/timer_hw.h>
#include <boot/boot.h>
#include <hv/deadline.h>
#include <hv/lock.h>
#include <hv/lp.h>
#include <hv/synic.h>
#include <hv/vcpu.h>
#include <hv/vp.h>

#define LVT_VECTOR(lvt)		((uint8_t)(lvt))

struct lp_timer {
	struct lp *lp;
	struct spinlock lock;			/* guards the queue and lp->timer_due: deadline_cancel() comes from any LP */
	struct deadline *first;
	uint64_t next;				/* TSC of `first`, or TIMER_NEVER; read without the lock */
	struct deadline *firing;		/* its callback runs; deadline_cancel() waits for that */
	bool shared;				/* the root's registers are virtual; this and all below: this LP only */
	bool armed_for_root;			/* whose expiry the hardware counts to */
	uint64_t armed_tsc;
	struct timer_registers root;
	uint64_t root_due, root_period;		/* TSC; TIMER_NEVER, 0 */
};

static struct lp_timer *timer_of_this_lp(void)
{
	return this_lp()->timer;
}

void timer_prepare_lp(struct lp *lp)
{
	lp->timer = boot_alloc_aligned(sizeof(*lp->timer), PAGE_SIZE);
	lp->timer->lp = lp;
	lp->timer->root_due = lp->timer->next = lp->timer_due = TIMER_NEVER;
}

static bool root_can_be_interrupted(const struct timer_registers *r)
{
	return !(r->lvt & APIC_LVT_MASKED) && LVT_VECTOR(r->lvt) >= 16;
}

/* A count that reads 0 has ended just now or long ago; nobody can tell, so once more is the safe answer (rule 3). */
static uint64_t due_from_hardware(const struct timer_registers *r, uint32_t current)
{
	if (!root_can_be_interrupted(r))
		return TIMER_NEVER;
	if (LVT_TIMER_MODE(r->lvt) == TIMER_TSC_DEADLINE)
		return r->tsc_deadline ? r->tsc_deadline : TIMER_NEVER;
	return r->initial ? tsc_now() + timer_ticks_to_tsc(current, r->divide) : TIMER_NEVER;
}

static uint64_t period_of(const struct timer_registers *r)
{
	return LVT_TIMER_MODE(r->lvt) == TIMER_PERIODIC ? timer_ticks_to_tsc(r->initial, r->divide) : 0;
}

static void share(struct lp_timer *t)
{
	uint32_t current;

	timer_hw_read(&t->root, &current);
	t->root_due = due_from_hardware(&t->root, current);
	t->root_period = period_of(&t->root);
	t->shared = true;
	t->armed_tsc = TIMER_NEVER;
	vcpu_watch_root_timer(this_lp(), true);
}

/* The root has the hardware back. A periodic count restarts whole, so that is done only at one of its ticks (rule 5). */
static void unshare(struct lp_timer *t)
{
	uint64_t now = tsc_now();
	uint32_t rest = t->root_due == TIMER_NEVER ? 0 : timer_tsc_to_ticks(t->root_due > now ? t->root_due - now : 0, t->root.divide);

	t->root.tsc_deadline = t->root_due == TIMER_NEVER ? 0 : t->root_due;
	timer_hw_write(&t->root, t->root_period ? t->root.initial : rest);
	t->shared = false;
	vcpu_watch_root_timer(this_lp(), false);
}

/*
 * The SynIC's vector for messages; the root's own timer vector until it has programmed one, and while that is masked: Linux masks it when
 * a processor goes off line and then unmaps the page that the handler of that vector reads.
 */
static uint8_t own_vector(const struct lp_timer *t)
{
	uint64_t sint = this_lp()->root_vp->synic->sint[0];

	return (uint8_t)sint >= 16 && !(sint & HV_SINT_MASKED) ? (uint8_t)sint : LVT_VECTOR(t->root.lvt);
}

static void program(struct lp_timer *t)
{
	uint64_t own = t->first ? t->first->tsc : TIMER_NEVER;
	bool for_root = t->root_due <= own;
	uint64_t due = for_root ? t->root_due : own;
	uint8_t vector;

	if (due == t->armed_tsc && for_root == t->armed_for_root)
		return;
	t->armed_tsc = due;
	t->armed_for_root = for_root;
	vector = for_root ? LVT_VECTOR(t->root.lvt) : own_vector(t);
	if (due == TIMER_NEVER || vector < 16)		/* the root has just been reset: hv looks by itself until it has set up either */
		timer_hw_stop();
	else
		timer_hw_fire_at(due, vector);
}

void timer_own_vector_changed(void)
{
	struct lp_timer *t = timer_of_this_lp();

	t->armed_tsc = TIMER_NEVER;
	if (t->shared)
		program(t);
}

/*
 * True at a moment when the root's timer may be given back. The hardware may have sent the root's interrupt already, or be
 * about to; reprogramming could then lose it, so hv always sends it, and the two merge or one is spurious.
 */
static bool root_tick(struct lp_timer *t, uint64_t now)
{
	if (t->root_due > now)
		return !t->root_period;
	lp_send_interrupt(this_lp(), LVT_VECTOR(t->root.lvt));
	t->root_due = t->root_period ? now + t->root_period : TIMER_NEVER;
	t->armed_tsc = TIMER_NEVER;
	return true;
}

/* Caller holds the lock. A timer that is shared for nobody any more is looked at until it can be given back. */
static void note_due(struct lp_timer *t)
{
	uint64_t due = t->first ? t->first->tsc : TIMER_NEVER;

	__atomic_store_n(&t->next, due, __ATOMIC_RELAXED);
	if (t->shared)
		due = !t->first ? 0 : t->root_due < due ? t->root_due : due;
	__atomic_store_n(&t->lp->timer_due, due, __ATOMIC_RELAXED);
}

/* After a change of what only this LP writes. */
static void note_own_due(struct lp_timer *t)
{
	spin_lock(&t->lock);
	note_due(t);
	spin_unlock(&t->lock);
}

uint64_t timer_next(void)
{
	return __atomic_load_n(&timer_of_this_lp()->next, __ATOMIC_RELAXED);
}

static struct deadline *take_due(struct lp_timer *t, uint64_t now)
{
	struct deadline *d = NULL;

	spin_lock(&t->lock);
	if (t->first && t->first->tsc <= now) {
		d = t->first;
		t->first = d->next;
		d->lp = NULL;
		t->firing = d;
		t->armed_tsc = t->armed_for_root ? t->armed_tsc : TIMER_NEVER;
		note_due(t);
	}
	spin_unlock(&t->lock);
	return d;
}

static void fire_due(struct lp_timer *t)
{
	struct deadline *d;

	while ((d = take_due(t, tsc_now()))) {
		d->fire(d);
		__atomic_store_n(&t->firing, NULL, __ATOMIC_RELEASE);
	}
}

/*
 * `interrupted`: an interrupt came, which may have been hv's own expiry. By the TSC that can be a little early, and what
 * the hardware counted is used up, so it is programmed again.
 */
bool timer_poll(bool interrupted)
{
	struct lp_timer *t = timer_of_this_lp();
	bool may_unshare;

	if (interrupted)
		t->armed_tsc = TIMER_NEVER;
	if (timer_next() != TIMER_NEVER)
		fire_due(t);
	if (!t->shared)
		return timer_next() != TIMER_NEVER;
	may_unshare = root_tick(t, tsc_now());
	if (!t->first && may_unshare)
		unshare(t);
	else
		program(t);
	note_own_due(t);
	return t->first;
}

static void unlink(struct lp_timer *t, struct deadline *d)
{
	struct deadline **at = &t->first;

	while (*at && *at != d)
		at = &(*at)->next;
	if (*at)
		*at = d->next;
	d->lp = NULL;
	note_due(t);
}

static void link_in_order(struct lp_timer *t, struct deadline *d)
{
	struct deadline **at = &t->first;

	while (*at && (*at)->tsc <= d->tsc)
		at = &(*at)->next;
	d->next = *at;
	*at = d;
	d->lp = this_lp();
	note_due(t);
}

static void disarm(struct deadline *d)
{
	struct lp *lp;

	while ((lp = __atomic_load_n(&d->lp, __ATOMIC_ACQUIRE))) {
		spin_lock(&lp->timer->lock);
		if (d->lp == lp)
			unlink(lp->timer, d);
		spin_unlock(&lp->timer->lock);
	}
}

/* Does not wait for a callback that runs on another LP: the caller may hold the lock it wants. */
void deadline_arm(struct deadline *d, uint64_t tsc)
{
	struct lp_timer *t = timer_of_this_lp();

	disarm(d);
	d->tsc = tsc;
	spin_lock(&t->lock);
	link_in_order(t, d);
	spin_unlock(&t->lock);
	if (vcpu_counts_deadlines())
		return;
	if (!t->shared)
		share(t);
	program(t);
	note_own_due(t);
}

void deadline_cancel(struct deadline *d)
{
	disarm(d);
	for (uint32_t i = 0; i < lp_count; i++)
		while (lp_get(i) != this_lp() && __atomic_load_n(&lp_get(i)->timer->firing, __ATOMIC_ACQUIRE) == d)
			cpu_pause();
}

bool timer_root_read(uint32_t msr, uint64_t *value)
{
	struct lp_timer *t = timer_of_this_lp();
	uint64_t now = tsc_now();

	if (!t->shared)
		return false;
	switch (msr) {
	case APIC_MSR_LVT_TIMER:
		*value = t->root.lvt;
		return true;
	case APIC_MSR_TIMER_INITIAL:
		*value = t->root.initial;
		return true;
	case APIC_MSR_TIMER_DIVIDE:
		*value = t->root.divide;
		return true;
	case APIC_MSR_TIMER_CURRENT:
		*value = t->root_due == TIMER_NEVER || t->root_due <= now ? 0 : timer_tsc_to_ticks(t->root_due - now, t->root.divide);
		return true;
	case MSR_TSC_DEADLINE:
		*value = t->root_due == TIMER_NEVER ? 0 : t->root_due;
		return true;
	}
	return false;
}

static void root_count_from(struct lp_timer *t, uint32_t initial)
{
	t->root.initial = initial;
	t->root_due = initial && root_can_be_interrupted(&t->root)
		? tsc_now() + timer_ticks_to_tsc(initial, t->root.divide) : TIMER_NEVER;
	t->root_period = period_of(&t->root);
}

static void root_set_lvt(struct lp_timer *t, uint32_t lvt)
{
	bool other_kind = (LVT_TIMER_MODE(lvt) == TIMER_TSC_DEADLINE) != (LVT_TIMER_MODE(t->root.lvt) == TIMER_TSC_DEADLINE);

	t->root.lvt = lvt;
	if (other_kind || !root_can_be_interrupted(&t->root))
		t->root_due = TIMER_NEVER;
	t->root_period = period_of(&t->root);
	t->armed_tsc = TIMER_NEVER;			/* the vector may have changed */
}

bool timer_root_write(uint32_t msr, uint64_t value)
{
	struct lp_timer *t = timer_of_this_lp();

	if (!t->shared)
		return false;
	switch (msr) {
	case APIC_MSR_LVT_TIMER:
		root_set_lvt(t, (uint32_t)value);
		break;
	case APIC_MSR_TIMER_INITIAL:
		root_count_from(t, LVT_TIMER_MODE(t->root.lvt) == TIMER_TSC_DEADLINE ? 0 : (uint32_t)value);
		break;
	case APIC_MSR_TIMER_DIVIDE:
		t->root.divide = (uint32_t)value;
		break;
	case MSR_TSC_DEADLINE:
		if (LVT_TIMER_MODE(t->root.lvt) == TIMER_TSC_DEADLINE)
			t->root_due = value && root_can_be_interrupted(&t->root) ? value : TIMER_NEVER;
		break;
	default:
		return false;
	}
	program(t);
	note_own_due(t);
	return true;
}

void timer_root_reset(void)
{
	struct lp_timer *t = timer_of_this_lp();

	if (!t->shared)
		return;
	t->root = (struct timer_registers){ .lvt = APIC_LVT_MASKED };
	t->root_due = TIMER_NEVER;
	t->root_period = 0;
	t->armed_tsc = TIMER_NEVER;
	program(t);
	note_own_due(t);
}
