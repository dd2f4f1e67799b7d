/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LP's timer between the root and hv's deadlines, on a fake timer whose tick is a TSC tick. What must never happen: a root
 * expiry that is lost, and a deadline nobody will wake up for.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <arch/x86/apic.h>
#include <arch/x86/timer.h>
#include <arch/x86/timer_hw.h>
#include <hv/deadline.h>
#include <hv/lock.h>
#include <hv/lp.h>
#include <hv/synic.h>
#include <hv/vcpu.h>
#include <hv/vp.h>

#define ROOT_VECTOR	0xec
#define SYNIC_VECTOR	0xf3
#define PERIODIC	(1u << 17)

static uint64_t now, fire_at;
static uint8_t fire_vector;
static unsigned int programmed;
static struct timer_registers hw;
static uint32_t hw_current, given_back;
static bool watching;
static int sent_vector;
static struct lp lp;
static struct vp root;
static struct synic synic;
static unsigned int fired;
uint32_t lp_count = 1;

struct lp *this_lp(void) { return &lp; }
struct lp *lp_get(uint32_t index) { return index ? NULL : &lp; }
uint64_t tsc_now(void) { return now; }
void spin_lock(struct spinlock *l) { (void)l; }
void spin_unlock(struct spinlock *l) { (void)l; }
void *boot_alloc_aligned(uint64_t bytes, uint64_t align);
void *boot_alloc_aligned(uint64_t bytes, uint64_t align) { (void)align; return calloc(1, bytes); }
bool vcpu_counts_deadlines(void) { return false; }
void vcpu_watch_root_timer(struct lp *l, bool on) { (void)l; watching = on; }
void lp_send_interrupt(struct lp *l, uint8_t vector) { (void)l; sent_vector = vector; }
uint64_t timer_ticks_to_tsc(uint32_t ticks, uint32_t divide) { (void)divide; return ticks; }
uint32_t timer_tsc_to_ticks(uint64_t tsc, uint32_t divide) { (void)divide; return tsc ? (uint32_t)tsc : 1; }
void timer_hw_read(struct timer_registers *r, uint32_t *current) { *r = hw; *current = hw_current; }
void timer_hw_write(const struct timer_registers *r, uint32_t initial) { hw = *r; given_back = initial; }
void timer_hw_fire_at(uint64_t tsc, uint8_t vector) { fire_at = tsc; fire_vector = vector; programmed++; }
void timer_hw_stop(void) { fire_at = 0; }

static void count(struct deadline *d) { (void)d; fired++; }
static struct deadline one = { .fire = count }, two = { .fire = count };

static int setup(void **state)
{
	(void)state;
	now = 1000;
	fired = programmed = 0;
	fire_at = given_back = 0;
	sent_vector = -1;
	hw = (struct timer_registers){ .lvt = ROOT_VECTOR, .initial = 500 };
	hw_current = 300;			/* the root is due at 1300 */
	memset(&one, 0, sizeof(one));
	memset(&two, 0, sizeof(two));
	one.fire = two.fire = count;
	synic.sint[0] = SYNIC_VECTOR;
	root.synic = &synic;
	lp.root_vp = &root;
	timer_prepare_lp(&lp);
	return 0;
}

static void the_earlier_of_both_is_programmed(void **state)
{
	(void)state;
	deadline_arm(&one, 1100);
	assert_true(watching);
	assert_int_equal(fire_at, 1100);
	assert_int_equal(fire_vector, SYNIC_VECTOR);
	now = 1100;
	deadline_arm(&two, 2000);
	assert_true(timer_poll(true));
	assert_int_equal(fired, 1);
	assert_int_equal(fire_at, 1300);
	assert_int_equal(fire_vector, ROOT_VECTOR);
}

static void the_root_has_its_timer_back_with_the_rest_of_its_count(void **state)
{
	(void)state;
	deadline_arm(&one, 1100);
	now = 1100;
	assert_false(timer_poll(true));
	assert_false(watching);
	assert_int_equal(given_back, 200);
}

static void an_early_expiry_is_programmed_again(void **state)
{
	unsigned int before;

	(void)state;
	deadline_arm(&one, 1100);
	before = programmed;
	now = 1099;
	assert_true(timer_poll(true));
	assert_int_equal(fired, 0);
	assert_int_equal(programmed, before + 1);
	assert_int_equal(fire_at, 1100);
}

static void a_root_expiry_hv_sees_is_sent(void **state)
{
	(void)state;
	deadline_arm(&one, 1100);
	deadline_arm(&two, 5000);
	now = 1350;
	timer_poll(false);
	assert_int_equal(sent_vector, ROOT_VECTOR);
	assert_int_equal(fire_at, 5000);
}

static void a_count_at_zero_counts_as_due(void **state)
{
	(void)state;
	hw_current = 0;
	deadline_arm(&one, 5000);
	timer_poll(false);
	assert_int_equal(sent_vector, ROOT_VECTOR);
}

static void a_periodic_timer_goes_back_only_at_a_tick(void **state)
{
	(void)state;
	hw.lvt |= PERIODIC;
	deadline_arm(&one, 1100);
	now = 1100;
	timer_poll(true);
	assert_true(watching);
	assert_int_equal(fire_at, 1300);
	now = 1300;
	timer_poll(true);
	assert_int_equal(sent_vector, ROOT_VECTOR);
	assert_false(watching);
	assert_int_equal(given_back, 500);
}

static void the_roots_registers_are_virtual_only_while_shared(void **state)
{
	uint64_t value;

	(void)state;
	assert_false(timer_root_write(APIC_MSR_TIMER_INITIAL, 50));
	deadline_arm(&one, 1100);
	assert_true(timer_root_write(APIC_MSR_TIMER_INITIAL, 50));
	assert_int_equal(fire_at, 1050);
	assert_true(timer_root_read(APIC_MSR_TIMER_CURRENT, &value));
	assert_int_equal(value, 50);
	assert_true(timer_root_write(APIC_MSR_LVT_TIMER, ROOT_VECTOR | APIC_LVT_MASKED));
	assert_int_equal(fire_at, 1100);
	assert_false(timer_root_write(APIC_MSR_ICR, 0));
}

static void a_cancelled_deadline_does_not_fire(void **state)
{
	(void)state;
	deadline_arm(&one, 1100);
	deadline_arm(&two, 1200);
	deadline_cancel(&one);
	now = 1250;
	timer_poll(true);
	assert_int_equal(fired, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_earlier_of_both_is_programmed, setup),
		cmocka_unit_test_setup(the_root_has_its_timer_back_with_the_rest_of_its_count, setup),
		cmocka_unit_test_setup(an_early_expiry_is_programmed_again, setup),
		cmocka_unit_test_setup(a_root_expiry_hv_sees_is_sent, setup),
		cmocka_unit_test_setup(a_count_at_zero_counts_as_due, setup),
		cmocka_unit_test_setup(a_periodic_timer_goes_back_only_at_a_tick, setup),
		cmocka_unit_test_setup(the_roots_registers_are_virtual_only_while_shared, setup),
		cmocka_unit_test_setup(a_cancelled_deadline_does_not_fire, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
