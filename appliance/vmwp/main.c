/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmwp, the worker process of one VM. Started by vmpriv with descriptor 3 = its listening control socket and descriptor
 * 4 = /dev/mshv. Exits 0 after the VM was turned off, 1 when it failed, 2 after a triple fault, 64 on bad arguments.
 */
#include "partita/log.h"
#include "vmwp/chipset/board.h"
#include "vmwp/control/control.h"
#include "vmwp/sandbox.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define FD_CONTROL	3
#define FD_MSHV		4
#define EXIT_USAGE	64

static int run(void)
{
	struct control *control = NULL;
	struct machine *machine = NULL;
	sd_event *loop = NULL;
	int r = sd_event_new(&loop);

	if (r >= 0)
		r = machine_create(loop, FD_MSHV, &machine);
	if (r >= 0)
		r = control_create(loop, FD_CONTROL, machine, sandbox_enter, &control);
	if (r >= 0)
		r = sd_event_loop(loop);		/* ends with the exit code (control.c) */
	if (r < 0)
		log_error("worker: %s", strerror(-r));
	control_destroy(control);
	machine_destroy(machine);
	sd_event_unref(loop);
	return r < 0 ? 1 : r;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--debug-port") != 0) {
			fprintf(stderr, "usage: vmwp [--debug-port]\n");
			return EXIT_USAGE;
		}
		debug_port_enable(true);
	}
	signal(SIGPIPE, SIG_IGN);
	if (sandbox_close_process() < 0)
		return 1;
	return run();
}
