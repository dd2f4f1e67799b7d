/* SPDX-License-Identifier: Apache-2.0 */
/* Bridges and taps as vmpriv makes them, in a network namespace of our own; frames really pass. Needs to be root. */
#include "netlink.h"
#include "network.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#define SWITCH	"1a2b3c4d-0000-4000-8000-000000000001"
#define OTHER	"5a2b3c4d-0000-4000-8000-000000000002"
static const char *const adapters[] = { "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002" };

static bool allowed;

static int enter(void **state)
{
	(void)state;
	allowed = unshare(CLONE_NEWNET) == 0 && access("/dev/net/tun", R_OK | W_OK) == 0 &&
		  switch_set(SWITCH, SWITCH_INTERNAL, NULL) == 0 && switch_remove(SWITCH) == 0;
	if (!allowed)
		fprintf(stderr, "vmpriv_network: not run, this kernel has no network namespaces, taps or bridges for us\n");
	return 0;
}

static int clean(void **state)
{
	(void)state;
	(void)switch_remove(SWITCH);
	(void)switch_remove(OTHER);
	return 0;
}

#define NEED_KERNEL() do { if (!allowed) skip(); } while (0)

static int tap_on(unsigned int i, const char *switch_id, unsigned int vlan)
{
	int fd = tap_open(&(struct tap_request){ adapters[i], switch_id, vlan });

	assert_true(fd >= 0);
	return fd;
}

/* A frame from one tap arrives at the other. Others (the kernel's own) are passed over. */
static bool passes(int from, int to)
{
	static uint8_t frame[100] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 }, got[2048];
	struct virtio_net_hdr v = { 0 };
	struct iovec iov[2] = { { &v, sizeof(v) }, { frame, sizeof(frame) } };
	struct pollfd p = { .fd = to, .events = POLLIN };

	frame[20]++;
	assert_int_equal(writev(from, iov, 2), sizeof(v) + sizeof(frame));
	while (poll(&p, 1, 200) == 1) {
		ssize_t n = read(to, got, sizeof(got));

		if (n == (ssize_t)(sizeof(v) + sizeof(frame)) && memcmp(got + sizeof(v), frame, sizeof(frame)) == 0)
			return true;
	}
	return false;
}

static void two_taps_on_a_switch_hear_each_other(void **state)
{
	int a, b;

	(void)state;
	NEED_KERNEL();
	assert_int_equal(switch_set(SWITCH, SWITCH_INTERNAL, NULL), 0);
	assert_int_equal(switch_set(SWITCH, SWITCH_INTERNAL, NULL), 0);		/* asked twice */
	a = tap_on(0, SWITCH, 0);
	b = tap_on(1, SWITCH, 0);
	assert_true(passes(a, b) && passes(b, a));
	assert_int_equal(tap_open(&(struct tap_request){ adapters[0], SWITCH, 0 }), -EBUSY);
	assert_int_equal(tap_connect(&(struct tap_request){ adapters[0], NULL, 0 }), 0);	/* unplugged */
	assert_int_equal(tap_connect(&(struct tap_request){ adapters[0], SWITCH, 0 }), 0);
	assert_true(passes(a, b));
	close(a);
	close(b);
	assert_int_equal(tap_connect(&(struct tap_request){ adapters[0], SWITCH, 0 }), -ENODEV);	/* gone with its descriptor */
}

static void vlans_and_switches_are_apart(void **state)
{
	int a, b;

	(void)state;
	NEED_KERNEL();
	assert_int_equal(switch_set(SWITCH, SWITCH_PRIVATE, NULL), 0);
	assert_int_equal(switch_set(OTHER, SWITCH_PRIVATE, NULL), 0);
	a = tap_on(0, SWITCH, 10);
	b = tap_on(1, SWITCH, 0);
	assert_false(passes(a, b));
	assert_int_equal(tap_connect(&(struct tap_request){ adapters[1], SWITCH, 10 }), 0);
	assert_true(passes(a, b));
	assert_int_equal(tap_connect(&(struct tap_request){ adapters[1], SWITCH, 11 }), 0);
	assert_false(passes(a, b));
	assert_int_equal(tap_connect(&(struct tap_request){ adapters[1], OTHER, 10 }), 0);
	assert_false(passes(a, b));
	close(a);
	close(b);
}

static void a_switch_changes_its_type_and_goes(void **state)
{
	struct link bridge;

	(void)state;
	NEED_KERNEL();
	assert_int_equal(switch_set(SWITCH, SWITCH_NAT, NULL), 0);
	assert_int_equal(netlink_find("swn-1a2b3c4d", &bridge), 0);
	assert_string_equal(bridge.alias, SWITCH);
	assert_int_equal(bridge.mtu, 1500);
	assert_int_equal(switch_set(SWITCH, SWITCH_PRIVATE, NULL), 0);
	assert_int_equal(netlink_find("swn-1a2b3c4d", &bridge), -ENODEV);
	assert_int_equal(netlink_find("swp-1a2b3c4d", &bridge), 0);
	assert_int_equal(switch_remove(SWITCH), 0);
	assert_int_equal(switch_remove(SWITCH), -ENODEV);
}

static void what_is_no_network_adapter_is_no_uplink(void **state)
{
	static const struct { const char *name; int want; } rows[] = {
		{ "", -EINVAL }, { "../etc", -EINVAL }, { "a/b", -EINVAL }, { "name-that-is-too-long", -EINVAL }, { "lo", -ENODEV }, { "eth77", -ENODEV },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(switch_set(SWITCH, SWITCH_EXTERNAL, rows[i].name), rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(two_taps_on_a_switch_hear_each_other, clean),
		cmocka_unit_test_teardown(vlans_and_switches_are_apart, clean),
		cmocka_unit_test_teardown(a_switch_changes_its_type_and_goes, clean),
		cmocka_unit_test(what_is_no_network_adapter_is_no_uplink),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
