/* SPDX-License-Identifier: Apache-2.0 */
/* Viewers of a VM's screen, the console taken over: any packets on display sockets, of which some are closed, others never read. */
#include "tests/fuzz/input.h"
#include "tests/unit/vmwp/fake_hv.h"

#include "partita/log.h"
#include "vmwp/chipset/display.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VIEWERS 3u

static struct machine *m;
static int viewers[VIEWERS];

static void run(void)
{
	while (sd_event_run(m->loop, 0) > 0)
		;
}

static void viewer_open(unsigned int i)
{
	machine_lock(m);
	if (display_open(m, &viewers[i]) < 0)
		viewers[i] = -1;
	machine_unlock(m);
}

static void viewer_acts(unsigned int i)
{
	uint32_t words[8];
	char answer[1024];
	size_t size;

	switch (below(8)) {
	case 0:
		close(viewers[i]);
		viewers[i] = -1;
		break;
	case 1:
		(void)!recv(viewers[i], answer, sizeof(answer), MSG_DONTWAIT);
		break;
	default:
		words[0] = once_in(8) ? any() : below(9);
		size = 4 + (once_in(8) ? below(28) : 4 * below(3));
		input_take(words + 1, sizeof(words) - 4);
		(void)!send(viewers[i], words, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!m) {
		log_threshold(LOG_LEVEL_ERROR);
		m = fake_machine_new(64 << 20, 1, true);
		memset(viewers, 0xff, sizeof(viewers));
	}
	input_begin(data, size);
	while (input_left()) {
		unsigned int i = below(VIEWERS);

		if (viewers[i] < 0)
			viewer_open(i);
		else
			viewer_acts(i);
		if (once_in(3))
			run();
	}
	for (unsigned int i = 0; i < VIEWERS; i++)
		if (viewers[i] >= 0)
			close(viewers[i]);
	memset(viewers, 0xff, sizeof(viewers));
	run();
	return 0;
}
