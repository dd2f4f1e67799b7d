/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual machine management service: options and the event loop. See README.md. */
#include "service.h"

#include "partita/log.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

static const char usage[] = "usage: vmms [--state-dir DIR] [--runtime-dir DIR] [--firmware-dir DIR] "
                            "[--webapi-user NAME] [--socket-group NAME]\n"
                            "            [--hypervisor-device PATH] [--stop-vms]\n";

#define STOP_VMS_MS	165000

static int options_parse(int argc, char **argv, struct vmms_options *o)
{
	static const struct option options[] = {
		{ "state-dir", required_argument, NULL, 's' },	 { "runtime-dir", required_argument, NULL, 'r' },
		{ "firmware-dir", required_argument, NULL, 'f' },
		{ "uefi-dir", required_argument, NULL, 'u' },	 { "driver-dir", required_argument, NULL, 'd' },
		{ "webapi-user", required_argument, NULL, 'w' },
		{ "socket-group", required_argument, NULL, 'g' }, { "hypervisor-device", required_argument, NULL, 'h' },
		{ "stop-vms", no_argument, NULL, 'S' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*o = (struct vmms_options){.state_dir = "/var/lib/partita",
	                           .runtime_dir = "/run/partita",
	                           .firmware_dir = "/usr/share/seabios",
	                           .uefi_dir = "/usr/share/OVMF",
	                           .driver_dir = "/usr/share/partita",
	                           .webapi_user = "webapi",
	                           .socket_group = "partita",
	                           .hypervisor_device = "/dev/mshv"};
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's': o->state_dir = optarg; break;
		case 'r': o->runtime_dir = optarg; break;
		case 'f': o->firmware_dir = optarg; break;
		case 'u': o->uefi_dir = optarg; break;
		case 'd': o->driver_dir = optarg; break;
		case 'w': o->webapi_user = optarg; break;
		case 'g': o->socket_group = optarg; break;
		case 'h': o->hypervisor_device = optarg; break;
		case 'S': o->stop_vms = true; break;
		default: return -EINVAL;
		}
	}
	return optind == argc && strlen(o->runtime_dir) < 60 ? 0 : -EINVAL;
}

/* What the unit partita-vms runs when the host goes down: asks the service, and waits. */
static int stop_vms(const struct vmms_options *o)
{
	struct ipc_message reply = { 0 };
	struct ipc_client *client;
	char path[128];
	int r;

	snprintf(path, sizeof(path), "%s/vmms.sock", o->runtime_dir);
	r = ipc_connect(path, &client);
	if (r < 0)
		return r;
	r = ipc_call(client, "vmms.StopVms", NULL, NULL, 0, STOP_VMS_MS, &reply);
	if (r < 0)
		log_error("the virtual machines were not stopped: %s", r == -EREMOTE ? "vmms refuses" : strerror(-r));
	ipc_message_clear(&reply);
	ipc_disconnect(client);
	return r;
}

int main(int argc, char **argv)
{
	struct vmms v = { .state_dir = -1, .vms_dir = -1, .disks_dir = -1, .isos_dir = -1, .uploads_dir = -1, .jobs_dir = -1, .switches_dir = -1, .paging_dir = -1, .metrics_dir = -1 };
	int r;

	umask(027);
	signal(SIGPIPE, SIG_IGN);
	if (options_parse(argc, argv, &v.options) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	if (v.options.stop_vms)
		return stop_vms(&v.options) < 0;
	r = sd_event_default(&v.loop);
	if (r >= 0)
		r = sd_event_add_signal(v.loop, NULL, SIGTERM | SD_EVENT_SIGNAL_PROCMASK, NULL, NULL);
	if (r >= 0)
		r = service_open(&v);
	if (r >= 0) {
		sd_notify(0, "READY=1");
		r = sd_event_loop(v.loop);
	}
	service_close(&v);
	sd_event_unref(v.loop);
	return r < 0;
}
