/* SPDX-License-Identifier: Apache-2.0 */
/* Lets three VPs spin for -s SECONDS, then stops them through their memory. See guest_spin.c. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "test_spin.h"
#include "vmm.h"

static volatile struct spin_control *control(void)
{
	return (volatile struct spin_control *)(ram + SPIN_CONTROL);
}

static void *stop_later(void *unused)
{
	(void)unused;
	sleep(seconds);
	control()->stop = 1;
	return NULL;
}

static void spin_prepare(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, stop_later, NULL);
	pthread_detach(thread);
}

static void spin_finish(void)
{
	printf("# spin: %u ticks of %u\n", control()->ticks, control()->expected);
}

const struct test test_spin = {
	.name = "spin", .guest = GUEST_SPIN, .vps = 3, .prepare = spin_prepare, .finish = spin_finish,
	.features = HV_SYNTH_STIMERS | HV_SYNTH_DIRECT_STIMERS,
};
