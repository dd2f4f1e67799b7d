/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for vmwp where there is no /dev/mshv: speaks the vmwp.* methods on descriptor 3, runs no machine. How it
 * misbehaves is told by the VM's name ("crash-on-start", "refuse-configure", "ignore-shutdown", "hang-on-start", "deaf", "full-…":
 * finds its volume full after the start, "full-always": and after each resume; "refuse-save", "die-saving", "hang-on-save",
 * "refuse-restore", "hang-on-restore", "refuse-resume", "hang-on-resume": the first after it is restored), and
 * "merge-…": see merge_disk(); what its guest needs of dynamic memory ("demand-100": 100 MiB; "balloon": a driver, though its memory is static; "late": none).
 * As "qemu-img" it is an import that never ends. Used by the service tests only; it is not part of the appliance.
 */
#include "partita/display.h"
#include "partita/ipc.h"
#include "storage/manage.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WIDTH	64u
#define HEIGHT	32u
#define LIFE_SECONDS	600u		/* longer than any test: nothing stays when one was killed */
#define NO_SPACE	"no-space: the volume of the disk at SCSI controller 0, location 3 is full"

static struct {
	sd_event *loop;
	const char *state, *reason;
	char name[256];
	struct ipc_request *watcher;
	time_t started;
	int display;
	bool dynamic, driver;
	json_int_t memory, startup, demand;
	json_t *services, *given;
	int sockets_fd;
	struct disk *disk;
	struct ipc_request *merging;
	bool restored;			/* and not resumed since */
} w = { .state = "created", .reason = "", .display = -1 };

static void note(const char *what, json_t *value);

static bool is_named(const char *what)
{
	return strncmp(w.name, what, strlen(what)) == 0;
}

static json_t *state_json(void)
{
	return json_pack("{s:s, s:s}", "state", w.state, "reason", w.reason);
}

static void enter(const char *state, const char *reason)
{
	w.state = state;
	w.reason = reason;
	if (w.watcher)
		ipc_notify(w.watcher, state_json());
	if (strcmp(state, "off") == 0)
		sd_event_exit(w.loop, 0);
}

static bool interface_is_up(const char *name)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && request.ifr_flags & IFF_UP;
	if (fd >= 0)
		close(fd);
	return up;
}

/* What the sandbox should have taken away; a test fails with what is named here. */
static const char *sandbox_hole(void)
{
	if (getuid() < 61000 || getuid() > 61511 || geteuid() != getuid() || getgid() != getuid())
		return "user";
	if (open("/etc/passwd", O_RDONLY) >= 0 || open("/proc/self/status", O_RDONLY) >= 0)
		return "files";
	if (open("/written", O_CREAT | O_WRONLY, 0600) >= 0 || mkdir("/made", 0700) == 0)
		return "writable root";
	if (if_nametoindex("eth0") || if_nametoindex("ens3") || interface_is_up("lo"))
		return "network";
	for (int fd = 5; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0 && !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			return "descriptors";
	return NULL;
}

/* The first disk that has a parent, for merging. */
static int open_chain(const json_t *disk, const struct ipc_message *m)
{
	const json_t *parents = json_object_get(disk, "parents");
	struct disk_source chain[DISK_CHAIN_MAX];
	size_t count = 1 + json_array_size(parents);

	for (size_t i = 0; i < count; i++) {
		const json_t *o = i ? json_array_get(parents, i - 1) : disk;
		json_int_t fd = json_integer_value(json_object_get(o, "fd"));

		chain[i] = (struct disk_source){ json_string_value(json_object_get(o, "format")), fcntl(m->fds[fd], F_DUPFD_CLOEXEC, 64) };
	}
	return disk_open_chain(chain, count, false, &w.disk);
}

static void configure(struct ipc_request *r, json_t *parameters, void *context)
{
	json_t *vm = json_object_get(parameters, "vm"), *disks = json_object_get(vm, "disks"), *disk;
	struct ipc_message *m = ipc_request_message(r);
	size_t index;

	(void)context;
	snprintf(w.name, sizeof(w.name), "%s", json_string_value(json_object_get(vm, "name")));
	if (is_named("refuse-configure")) {
		ipc_fail(r, 500, "internal_error", NULL, "This machine cannot be built.");
		return;
	}
	w.dynamic = json_is_true(json_object_get(vm, "dynamicMemory"));
	w.memory = json_integer_value(json_object_get(vm, "memoryBytes"));
	w.startup = w.memory;
	w.driver = (w.dynamic || is_named("balloon")) && !is_named("late");
	if (is_named("demand-"))
		w.demand = strtoll(w.name + strlen("demand-"), NULL, 10) << 20;
	json_array_foreach(disks, index, disk) {
		json_int_t fd = json_integer_value(json_object_get(disk, "fd"));

		if (fd >= (json_int_t)m->fd_count || (fd >= 0 && fcntl(m->fds[fd], F_GETFL) < 0)) {
			ipc_fail(r, 400, "bad_parameters", "disks", "Disk %zu has no descriptor.", index);
			return;
		}
		if (json_object_get(disk, "parents") && !w.disk && open_chain(disk, m) < 0) {
			ipc_fail(r, 400, "bad_parameters", "disks", "Disk %zu cannot be opened.", index);
			return;
		}
	}
	ipc_reply(r, NULL);
}

static void start(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	if (is_named("crash-on-start"))
		abort();
	if (is_named("hang-on-start"))
		return;
	w.started = time(NULL);
	enter("running", "");
	ipc_reply(r, NULL);
	if (is_named("full-"))
		enter("paused", NO_SPACE);
}

static void pause_machine(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	enter("paused", "");
	ipc_reply(r, NULL);
}

static void resume_machine(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	if (w.restored && is_named("refuse-resume")) {
		ipc_fail(r, 500, "internal_error", NULL, "It does not run.");
		return;
	}
	if (w.restored && is_named("hang-on-resume")) {
		w.restored = false;
		note("resume", json_true());
		return;
	}
	w.restored = false;
	enter("running", "");
	ipc_reply(r, NULL);
	if (is_named("full-always"))
		enter("paused", NO_SPACE);
}

/* The state is the name that the machine had; half of it when it fails. */
static void save_state(struct ipc_request *r, json_t *parameters, void *context)
{
	int fd = ipc_message_take_fd(ipc_request_message(r), 0);
	bool half = is_named("refuse-save") || is_named("die-saving") || is_named("hang-on-save");
	size_t size = half ? 3 : strlen(w.name);

	(void)parameters;
	(void)context;
	if (strcmp(w.state, "paused") != 0 || fd < 0 || write(fd, w.name, size) != (ssize_t)size)
		ipc_fail(r, 409, "vm_wrong_state", NULL, "Not paused, or no file.");
	else if (is_named("refuse-save"))
		ipc_fail(r, 507, "no_space", NULL, "The volume is full.");
	else if (is_named("die-saving"))
		exit(1);
	else if (!half)
		ipc_reply(r, NULL);
	close(fd);
}

static void restore_state(struct ipc_request *r, json_t *parameters, void *context)
{
	int fd = ipc_message_take_fd(ipc_request_message(r), 0);
	char text[256] = "";

	(void)parameters;
	(void)context;
	if (is_named("hang-on-restore"))
		return;
	if (strcmp(w.state, "created") != 0 || read(fd, text, sizeof(text) - 1) < 4 || is_named("refuse-restore")) {
		enter("failed", "error: cannot be restored");
		ipc_fail(r, 500, "internal_error", NULL, "The file is damaged.");
		return;
	}
	close(fd);
	note("restored", json_string(text));
	w.restored = true;
	w.started = time(NULL);
	enter("paused", "");
	ipc_reply(r, NULL);
}

static void reset(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	w.memory = w.startup;
	ipc_reply(r, NULL);
}

static void turn_off(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	ipc_reply(r, NULL);
	if (!is_named("deaf"))
		enter("off", "turned-off");
}

static void shut_down(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	ipc_reply(r, NULL);
	if (!is_named("ignore-shutdown"))
		enter("off", "guest-power-off");
}

static void add_guest(json_t *status);

/* As if it used half a processor, read 1 MiB and received 1,000 frames in each second. */
static void add_meters(json_t *status)
{
	struct timespec now;
	json_int_t usec;

	clock_gettime(CLOCK_MONOTONIC, &now);
	usec = (json_int_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	json_object_set_new(status, "meters",
			    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "cpuUsec", usec / 2, "diskReadBytes",
				      usec * 1048576 / 1000000, "diskReads", usec / 1000000, "diskWrittenBytes", (json_int_t)0, "diskWrites",
				      (json_int_t)0, "networkReceivedBytes", usec, "networkReceivedFrames", usec / 1000, "networkSentBytes",
				      (json_int_t)0, "networkSentFrames", (json_int_t)0));
}

static struct ipc_request *copy_held;	/* "slow-file": half of it is there, until it is cancelled */

static void get_status(struct ipc_request *r, json_t *parameters, void *context)
{
	json_t *o = state_json();

	(void)context;
	json_object_set_new(o, "uptimeSeconds", json_integer(w.started ? time(NULL) - w.started : 0));
	if (!json_is_true(json_object_get(parameters, "brief")))
		add_guest(o);
	add_meters(o);
	json_object_set_new(o, "sandboxHole", sandbox_hole() ? json_string(sandbox_hole()) : json_null());
	if (w.given)
		json_object_set(o, "given", w.given);
	if (copy_held)
		json_object_set_new(o, "fileCopy", json_pack("{s:i, s:i}", "sentBytes", 1, "totalBytes", 2));
	if (w.driver || w.dynamic)
		json_object_set_new(o, "memory",
				    json_pack("{s:I, s:I, s:I, s:b}", "assignedBytes", w.memory, "demandBytes", w.demand,
					      "availableBytes", w.memory > w.demand ? w.memory - w.demand : 0, "driver", w.driver));
	ipc_reply(r, o);
}

static void watcher_gone(struct ipc_request *r, void *data)
{
	(void)r;
	(void)data;
	w.watcher = NULL;
}

static void watch(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	w.watcher = r;
	ipc_request_on_gone(r, watcher_gone, NULL);
	ipc_notify(r, state_json());
}

static void set_media(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	if (is_named("refuse-media"))
		ipc_fail(r, 409, "vm_wrong_state", NULL, "The tray is locked.");
	else
		ipc_reply(r, NULL);
}

/* A disk needs its descriptor; the name decides whether a running guest lets a drive go. */
static void attach_disk(struct ipc_request *r, json_t *parameters, void *context)
{
	int fd = ipc_message_take_fd(ipc_request_message(r), (size_t)json_integer_value(json_object_get(parameters, "fd")));

	(void)context;
	if (is_named("refuse-attach"))
		ipc_fail(r, 409, "position_in_use", "controller", "Another drive is there.");
	else if (fd < 0 && strcmp(json_string_value(json_object_get(parameters, "medium")), "disk") == 0)
		ipc_fail(r, 400, "bad_parameters", "fd", "No descriptor.");
	else
		ipc_reply(r, NULL);
	if (fd >= 0)
		close(fd);
}

static void detach_disk(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	if (is_named("refuse-detach"))
		ipc_fail(r, 404, "disk_slot_not_found", "controller", "No drive is there.");
	else
		ipc_reply(r, NULL);
}

/* For real, between two events of the loop; "merge-slow" never ends by itself, "merge-die" dies when all is done. */
static void merge_disk(struct ipc_request *r, json_t *parameters, void *context)
{
	int fd = ipc_message_take_fd(ipc_request_message(r), (size_t)json_integer_value(json_object_get(parameters, "fd")));
	struct live_merge *m;
	int result;

	(void)context;
	ipc_notify(r, json_pack("{s:i}", "progressPercent", 50));
	if (is_named("merge-slow")) {
		w.merging = r;
		close(fd);
		return;
	}
	result = w.disk ? disk_live_merge_begin(w.disk, &m) : -ENOENT;
	if (result == 0)
		result = disk_live_merge_run(m, fd, NULL);
	if (is_named("merge-die"))
		exit(1);
	if (result < 0)
		ipc_fail(r, result == -ENOSPC ? 507 : 500, "internal_error", NULL, "%s", strerror(-result));
	else
		ipc_reply(r, NULL);
}

static void cancel_merge(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	if (w.merging)
		ipc_fail(w.merging, 500, "internal_error", NULL, "It was stopped.");
	w.merging = NULL;
	ipc_reply(r, NULL);
}

static int send_mode(int socket)
{
	struct display_mode mode = { DISPLAY_MODE, WIDTH, HEIGHT, WIDTH * 4, 0, WIDTH * HEIGHT * 4 };
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct iovec iov = { &mode, sizeof(mode) };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&hdr);
	static uint32_t pixels[WIDTH * HEIGHT];
	int fd = memfd_create("pixels", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		pixels[i] = i;
	if (write(fd, pixels, sizeof(pixels)) != (ssize_t)sizeof(pixels) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		return -EIO;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(socket, &hdr, 0) < 0 ? -errno : 0;
}

static void open_display(struct ipc_request *r, json_t *parameters, void *context)
{
	int ends[2];

	(void)parameters;
	(void)context;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 || send_mode(ends[0]) < 0) {
		ipc_fail(r, 500, "internal_error", NULL, "No display.");
		return;
	}
	w.display = ends[0];			/* kept open; the earlier one is left to its viewer */
	ipc_reply_fds(r, NULL, &ends[1], 1);
	close(ends[1]);
}

static int echo(sd_event_source *source, int fd, uint32_t events, void *data)
{
	char bytes[256];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)events;
	(void)data;
	if (n > 0 && write(fd, bytes, (size_t)n) == n)
		return 0;
	sd_event_source_disable_unref(source);
	close(fd);
	return 0;
}

static void open_serial(struct ipc_request *r, json_t *parameters, void *context)
{
	sd_event_source *source;
	int ends[2];

	(void)parameters;
	(void)context;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 ||
	    sd_event_add_io(w.loop, &source, ends[0], EPOLLIN, echo, NULL) < 0) {
		ipc_fail(r, 500, "internal_error", NULL, "No serial port.");
		return;
	}
	ipc_reply_fds(r, NULL, &ends[1], 1);
	close(ends[1]);
}

/* A guest whose balloon moves at once. */
/* As the worker has it, with every service that is on working. */
static void add_guest(json_t *status)
{
	static const char *const names[] = { "shutdown", "timeSync", "heartbeat", "keyValue", "backup", "guestFileCopy" };
	json_t *services = json_object();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_object_set_new(services, names[i],
				    json_pack("{s:s, s:s, s:n}", "state", json_is_true(json_object_get(w.services, names[i])) ? "ok" : "off",
					      "version", "", "lastSeen"));
	json_object_set_new(status, "services", services);
	json_object_set_new(status, "guest", json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "heartbeat", "ok", "osName", "Linux", "osVersion", "6",
						       "hostName", "guest.example", "ipAddresses", "10.1.2.3", "fe80::1"));
}

static void set_services(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)context;
	if (!w.services)
		w.services = json_object();
	json_object_update(w.services, json_object_get(parameters, "services"));
	ipc_reply(r, NULL);
}

/* --- what reaches into the guest: it keeps what it was given, and GetStatus tells it --- */

static void note(const char *what, json_t *value)
{
	if (!w.given)
		w.given = json_object();
	json_object_set_new(w.given, what, value);
}

static void set_guest_item(struct ipc_request *r, json_t *parameters, void *context)
{
	const char *key = json_string_value(json_object_get(parameters, "key"));
	char name[300];

	(void)context;
	snprintf(name, sizeof(name), "item %s", key);
	note(name, json_deep_copy(json_object_get(parameters, "value")));
	ipc_reply(r, NULL);
}

static void set_guest_addresses(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)context;
	note("addresses", json_deep_copy(parameters));
	ipc_reply(r, NULL);
}

static void cancel_copy(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)parameters;
	(void)context;
	if (!copy_held) {
		ipc_fail(r, 409, "vm_wrong_state", NULL, "No copy is under way.");
		return;
	}
	ipc_reply(r, NULL);
	ipc_fail(copy_held, 500, "internal", NULL, "Operation canceled");
	copy_held = NULL;
}

static void copy_to_guest(struct ipc_request *r, json_t *parameters, void *context)
{
	int fd = ipc_message_take_fd(ipc_request_message(r), 0);
	char text[256] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	(void)context;
	close(fd);
	note("file", json_pack("{s:O, s:s#}", "parameters", parameters, "text", text, (int)(n > 0 ? n : 0)));
	if (is_named("refuse-file"))
		ipc_fail(r, 507, "no_space", NULL, "The guest has no room.");
	else if (is_named("die-copying"))
		exit(1);
	else if (is_named("slow-file"))
		copy_held = r;
	else
		ipc_reply(r, NULL);
}

static void listen_sockets(struct ipc_request *r, json_t *parameters, void *context)
{
	int fd = ipc_message_take_fd(ipc_request_message(r), 0);

	(void)parameters;
	(void)context;
	if (fd >= 0)
		w.sockets_fd = fd;		/* kept, as the worker keeps it */
	ipc_reply(r, NULL);
}

static void set_memory(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)context;
	w.memory = json_integer_value(json_object_get(parameters, "targetBytes"));
	ipc_reply(r, NULL);
}

static const struct ipc_method methods[] = {
	{ "vmwp.Configure", configure },    { "vmwp.Start", start },	     { "vmwp.Pause", pause_machine },
	{ "vmwp.Resume", resume_machine },  { "vmwp.Reset", reset }, { "vmwp.SaveState", save_state }, { "vmwp.RestoreState", restore_state },	     { "vmwp.TurnOff", turn_off },
	{ "vmwp.Shutdown", shut_down },	    { "vmwp.GetStatus", get_status }, { "vmwp.Watch", watch },
	{ "vmwp.SetMedia", set_media },	    { "vmwp.OpenDisplay", open_display }, { "vmwp.OpenSerial", open_serial },
	{ "vmwp.SetGuestItem", set_guest_item }, { "vmwp.SetGuestAddresses", set_guest_addresses }, { "vmwp.CopyToGuest", copy_to_guest },
	{ "vmwp.CancelCopyToGuest", cancel_copy },
	{ "vmwp.SetServices", set_services }, { "vmwp.ListenSockets", listen_sockets },
	{ "vmwp.SetMemory", set_memory },   { "vmwp.AttachDisk", attach_disk }, { "vmwp.DetachDisk", detach_disk },
	{ "vmwp.MergeDisk", merge_disk }, { "vmwp.CancelMerge", cancel_merge },
	{ NULL, NULL },
};

/* In qemu-img's place: an import that stands at 50 %, once it has looked around. */
static int be_an_import(void)
{
	const char *hole = getuid() != 60901 || geteuid() != getuid() ? "user"
			 : open("/etc/passwd", O_RDONLY) >= 0	       ? "files"
			 : open("/proc/1/status", O_RDONLY) >= 0	       ? "processes"
			 : open("/proc/sys/kernel/hostname", O_RDONLY) >= 0 ? "kernel"
			 : open("/made", O_CREAT | O_WRONLY, 0600) >= 0  ? "writable root"
			 : interface_is_up("lo")			       ? "network"
			 : open("/proc/self/fd/3", O_RDWR) >= 0	       ? "image can be written"
			 : open("/proc/self/fd/3", O_RDONLY) < 0	       ? "image cannot be read"
			 : open("/proc/self/fd/4", O_RDWR) < 0	       ? "result cannot be written"
								       : NULL;

	if (hole) {
		printf("qemu-img: %s\n", hole);
		return 1;
	}
	printf("    (50.00/100%%)\r");
	fflush(stdout);
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	struct ipc_server *server;

	alarm(LIFE_SECONDS);
	if (argc > 1 && strcmp(argv[0], "qemu-img") == 0)
		return be_an_import();
	if (fcntl(3, F_GETFD) < 0 || fcntl(4, F_GETFD) < 0 || sd_event_default(&w.loop) < 0 ||
	    ipc_serve(w.loop, 3, methods, NULL, NULL, &server) < 0)
		return 3;
	return sd_event_loop(w.loop);
}
