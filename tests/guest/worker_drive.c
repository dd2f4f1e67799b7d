/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays vmms for one worker, in tests: starts vmwp with its two descriptors, configures and starts a VM, copies COM1 to
 * standard output, presses keys at given seconds, writes screen shots into a file, and ends with the worker's exit code.
 *
 * worker-drive WORKER BIOS VGABIOS [iso=FILE] [disk=FILE] [memory=MiB] [vps=N] [seconds=N] [screens=FILE] [every=N]
 *              [key=SECOND:SCANCODE]... [pointer=SECOND:X,Y,BUTTONS]... [do=SECOND:METHOD[:JSON]]... [file=FILE] [maximum=MiB]
 *              [debug] [uefi] [rom=FILE]
 *              [from=WORD] [scsi=FILE]... [hot=FILE] [socket=SECOND:PORT:TEXT]... [answer=WORD:TEXT]...
 * "from": the seconds of keys, pointer and calls count from the moment COM1 says WORD, not from the start.
 * "answer": each, in their order, is typed on COM1 with a carriage return once COM1 has said its WORD (without a colon).
 * "socket" sends a line to what listens on that port in the guest and prints the line that comes back.
 * "do" prints what it is answered; the descriptor of "file" goes with every one. "maximum" makes the memory dynamic.
 * "scsi": disks of SCSI controller 0 from location 0 on, attached before the start. A line "host: METHOD JSON" on COM1 is done
 * at once; the descriptor of "hot", open for writing, goes with it when its parameters name one.
 * The line "host: save N" pauses and saves the VM into a file, kills the worker, and restores and resumes it in a new one.
 * The line "host: memory" closes the display and prints the worker's memory (PSS) beyond the guest's RAM.
 * With "uefi" the VM is of generation 2 and the two files are the firmware's code and its variables; rom is our driver.
 */
#include "partita/display.h"
#include "partita/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX	64
#define SHOT_SIZE	(16u << 20)	/* room of one screen shot in the file: a PPM */
#define CALL_MS		60000
#define LINE_MS		60000	/* for a line from the guest, which may be slow */
#define SCSI_MAX	8
#define ANSWERS_MAX	8

enum timed_kind { TIMED_KEY, TIMED_POINTER, TIMED_SOCKET, TIMED_CALL };
struct timed { unsigned int second; char what[256]; enum timed_kind kind; bool done; };

struct drive {
	const char *worker, *bios, *vga_bios, *iso, *disk, *screens, *rom, *file, *from, *hot, *scsi[SCSI_MAX];
	unsigned int scsi_count;
	struct { char word[32]; const char *text; } answers[ANSWERS_MAX];
	unsigned int answer_count, answered;
	char heard[33];			/* the last characters of COM1, for answers */
	char shown[4096];		/* a line of COM1 that is not printed yet: what the drive says must not cut it */
	size_t shown_length;
	char line[512];			/* of COM1, as far as it has come */
	size_t line_length;
	unsigned int memory_mib, maximum_mib, vps, seconds, every;
	bool debug, uefi;
	struct timed events[EVENTS_MAX];
	unsigned int event_count;
	struct ipc_client *control;
	int serial_fd, display_fd, screens_fd;
	unsigned int shots, saves;
	struct display_mode mode;
	void *pixels;
	pid_t pid;
	double started, events_from;	/* events_from 0: not yet */
	char said[128];			/* the end of what COM1 said */
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void die(const char *what, int error)
{
	printf("worker-drive: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(3);
}

static bool option(const char *arg, const char *name, const char **value)
{
	size_t length = strlen(name);

	if (strncmp(arg, name, length) || arg[length] != '=')
		return false;
	*value = arg + length + 1;
	return true;
}

static void parse_timed(struct drive *d, const char *text, enum timed_kind kind)
{
	struct timed *t = &d->events[d->event_count++ % EVENTS_MAX];

	t->kind = kind;
	if (sscanf(text, "%u:%255s", &t->second, t->what) != 2)
		die(text, EINVAL);
}

static void parse_answer(struct drive *d, const char *text)
{
	unsigned int i = d->answer_count++ % ANSWERS_MAX;
	int length = 0;

	if (sscanf(text, "%31[^:]:%n", d->answers[i].word, &length) != 1 || length == 0)
		die(text, EINVAL);
	d->answers[i].text = text + length;
}

static void parse(struct drive *d, int argc, char **argv)
{
	const char *value;

	if (argc < 4)
		die("arguments", EINVAL);
	d->worker = argv[1], d->bios = argv[2], d->vga_bios = argv[3];
	d->memory_mib = 256, d->vps = 1, d->seconds = 60, d->every = 5;
	for (int i = 4; i < argc; i++) {
		if (option(argv[i], "iso", &d->iso) || option(argv[i], "disk", &d->disk) || option(argv[i], "screens", &d->screens) ||
		    option(argv[i], "rom", &d->rom) || option(argv[i], "file", &d->file) ||
		    option(argv[i], "from", &d->from) || option(argv[i], "hot", &d->hot))
			continue;
		if (option(argv[i], "scsi", &value)) {
			d->scsi[d->scsi_count++ % SCSI_MAX] = value;
			continue;
		}
		if (option(argv[i], "memory", &value)) d->memory_mib = (unsigned int)atoi(value);
		else if (option(argv[i], "vps", &value)) d->vps = (unsigned int)atoi(value);
		else if (option(argv[i], "seconds", &value)) d->seconds = (unsigned int)atoi(value);
		else if (option(argv[i], "every", &value)) d->every = (unsigned int)atoi(value);
		else if (option(argv[i], "maximum", &value)) d->maximum_mib = (unsigned int)atoi(value);
		else if (option(argv[i], "key", &value)) parse_timed(d, value, TIMED_KEY);
		else if (option(argv[i], "pointer", &value)) parse_timed(d, value, TIMED_POINTER);
		else if (option(argv[i], "socket", &value)) parse_timed(d, value, TIMED_SOCKET);
		else if (option(argv[i], "answer", &value)) parse_answer(d, value);
		else if (option(argv[i], "do", &value)) parse_timed(d, value, TIMED_CALL);
		else if (strcmp(argv[i], "debug") == 0) d->debug = true;
		else if (strcmp(argv[i], "uefi") == 0) d->uefi = true;
		else die(argv[i], EINVAL);
	}
}

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		die(path, errno);
	return fd;
}

static void start_worker(struct drive *d)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/tmp/worker.sock" };
	int listen_fd = socket(AF_UNIX, SOCK_STREAM, 0), mshv;

	unlink(address.sun_path);
	if (listen_fd < 0 || bind(listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listen_fd, 4) < 0)
		die("control socket", errno);
	mshv = open_or_die("/dev/mshv", O_RDWR);
	d->pid = fork();
	if (d->pid == 0) {
		int control = fcntl(listen_fd, F_DUPFD, 10), device = fcntl(mshv, F_DUPFD, 10);

		dup2(control, 3);
		dup2(device, 4);
		close_range(5, ~0u, 0);
		execl(d->worker, "vmwp", d->debug ? "--debug-port" : NULL, NULL);
		_exit(127);
	}
	close(listen_fd);
	close(mshv);
	if (ipc_connect(address.sun_path, &d->control) < 0)
		die("connect", ECONNREFUSED);
}

static struct ipc_message call(struct drive *d, const char *method, json_t *parameters, const int *fds, size_t count)
{
	struct ipc_message reply = { 0 };
	int r = ipc_call(d->control, method, parameters, fds, count, CALL_MS, &reply);

	if (r < 0) {
		printf("worker-drive: %s: %s\n", method, strerror(-r));
		if (reply.body)
			json_dumpf(reply.body, stdout, 0);
		printf("\n");
	}
	return reply;
}

/* Disk and CD: masters of the two IDE channels, or the first two places of the SCSI controller. */
static json_t *drive_json(const struct drive *d, int fd, int number, const char *medium)
{
	return json_pack("{s:i, s:{s:s, s:i, s:i}, s:s, s:s, s:b}", "fd", fd, "controller", "type", d->uefi ? "scsi" : "ide",
			 "number", d->uefi ? 0 : number, "location", d->uefi ? number : 0, "medium", medium, "format", "raw", "readOnly", 0);
}

static void configure(struct drive *d)
{
	int fds[5], count = 0, rom = -1;
	json_t *disks = json_array(), *vm;
	struct ipc_message reply;

	fds[count++] = open_or_die(d->bios, O_RDONLY);
	fds[count++] = open_or_die(d->vga_bios, d->uefi ? O_RDWR : O_RDONLY);
	if (d->disk) {
		json_array_append_new(disks, drive_json(d, count, 0, "disk"));
		fds[count++] = open_or_die(d->disk, O_RDWR);
	}
	if (d->iso) {
		json_array_append_new(disks, drive_json(d, count, 1, "dvd"));
		fds[count++] = open_or_die(d->iso, O_RDONLY);
	}
	if (d->rom) {
		rom = count;
		fds[count++] = open_or_die(d->rom, O_RDONLY);
	}
	vm = json_pack("{s:s, s:s, s:i, s:i, s:I, s:[s, s], s:o, s:{s:i, s:i}}", "id", "6f1c2b1e-0f52-4a8b-9d8e-2f6c6a1f7a01", "name", "test",
		       "generation", d->uefi ? 2 : 1, "processors", (int)d->vps, "memoryBytes", (json_int_t)d->memory_mib << 20,
		       "bootOrder", "dvd", "disk", "disks", disks, "firmware", d->uefi ? "codeFd" : "biosFd", 0, d->uefi ? "varsFd" : "vgaBiosFd", 1);
	if (d->uefi)
		json_object_set_new(json_object_get(vm, "firmware"), "driverFd", json_integer(rom));
	if (d->maximum_mib)
		json_object_update_new(vm, json_pack("{s:b, s:I}", "dynamicMemory", 1, "maximumMemoryBytes", (json_int_t)d->maximum_mib << 20));
	reply = call(d, "vmwp.Configure", json_pack("{s:o}", "vm", vm), fds, (size_t)count);
	ipc_message_clear(&reply);
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

static void attach_scsi(struct drive *d)
{
	for (unsigned int i = 0; i < d->scsi_count; i++) {
		int fd = open_or_die(d->scsi[i], O_RDWR);
		struct ipc_message reply = call(d, "vmwp.AttachDisk", json_pack("{s:{s:s, s:i, s:i}, s:s, s:s, s:s, s:i}", "controller", "type", "scsi",
							"number", 0, "location", (int)i, "medium", "disk", "format", "raw", "serial", d->scsi[i], "fd", 0), &fd, 1);

		ipc_message_clear(&reply);
		close(fd);
	}
}

static int open_stream(struct drive *d, const char *method, json_t *parameters)
{
	struct ipc_message reply = call(d, method, parameters, NULL, 0);
	int fd = ipc_message_take_fd(&reply, 0);

	ipc_message_clear(&reply);
	return fd;
}

/* --- display --- */

static void take_mode(struct drive *d, const struct display_mode *mode, int memfd)
{
	if (d->pixels)
		munmap(d->pixels, d->mode.size);
	d->mode = *mode;
	d->pixels = mmap(NULL, mode->size, PROT_READ, MAP_SHARED, memfd, (off_t)mode->offset);
	close(memfd);
	if (d->pixels == MAP_FAILED)
		d->pixels = NULL;
	printf("worker-drive: display %ux%u at %.1f s\n", mode->width, mode->height, now() - d->started);
}

static void display_readable(struct drive *d)
{
	union { struct display_mode mode; struct display_damage damage; uint32_t type; } packet;
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
	struct iovec iov = { &packet, sizeof(packet) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(d->display_fd, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	int memfd;

	if (n <= 0) {
		close(d->display_fd);
		d->display_fd = -1;
		return;
	}
	if (packet.type != DISPLAY_MODE || !c)
		return;
	memcpy(&memfd, CMSG_DATA(c), sizeof(memfd));
	take_mode(d, &packet.mode, memfd);
}

static void screen_shot(struct drive *d)
{
	uint32_t request = DISPLAY_REQUEST, width = d->mode.width, height = d->mode.height;
	char *ppm = malloc(SHOT_SIZE);
	size_t length;

	if (d->display_fd < 0 || !d->pixels || !ppm)
		return;
	send(d->display_fd, &request, sizeof(request), MSG_NOSIGNAL);
	usleep(200000);					/* the worker draws into the memfd for that request */
	length = (size_t)sprintf(ppm, "P6 %u %u 255\n", width, height);
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++) {
			const uint8_t *p = (const uint8_t *)d->pixels + (size_t)y * d->mode.stride + 4u * x;

			ppm[length++] = (char)p[2], ppm[length++] = (char)p[1], ppm[length++] = (char)p[0];
		}
	if (pwrite(d->screens_fd, ppm, length, (off_t)d->shots * SHOT_SIZE) == (ssize_t)length)
		printf("worker-drive: screen shot %u, %ux%u, at %.1f s\n", d->shots, width, height, now() - d->started);
	fsync(d->screens_fd);
	d->shots++;
	free(ppm);
}

/* --- the loop --- */

static void press(struct drive *d, const char *scancode)
{
	struct display_key key = { .type = DISPLAY_KEY, .scancode = (uint16_t)strtoul(scancode, NULL, 16), .down = 1 };

	send(d->display_fd, &key, sizeof(key), MSG_NOSIGNAL);
	usleep(50000);
	key.down = 0;
	send(d->display_fd, &key, sizeof(key), MSG_NOSIGNAL);
}

static void point(struct drive *d, const char *where)
{
	struct display_pointer pointer = { .type = DISPLAY_POINTER };
	unsigned int x = 0, y = 0;

	if (sscanf(where, "%u,%u,%u", &x, &y, &pointer.buttons) != 3)
		die(where, EINVAL);
	pointer.x = (uint16_t)x;
	pointer.y = (uint16_t)y;
	send(d->display_fd, &pointer, sizeof(pointer), MSG_NOSIGNAL);
}

static void call_and_print(struct drive *d, char *what)
{
	char *json = strchr(what, ':');
	int fd = d->file ? open_or_die(d->file, O_RDONLY) : -1;
	struct ipc_message reply;

	if (json)
		*json++ = '\0';
	reply = call(d, what, json ? json_loads(json, 0, NULL) : NULL, &fd, fd >= 0);
	printf("worker-drive: %s answers ", what);
	if (reply.body)
		json_dumpf(reply.body, stdout, 0);
	printf("\n");
	ipc_message_clear(&reply);
	if (fd >= 0)
		close(fd);
}

/* --- Hyper-V sockets (docs/hvsock.md) --- */

static const struct sockaddr_un guest_sockets = { .sun_family = AF_UNIX, .sun_path = "/tmp/vsock" };

static void listen_sockets(struct drive *d)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct ipc_message reply;

	unlink(guest_sockets.sun_path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&guest_sockets, sizeof(guest_sockets)) < 0 || listen(fd, 4) < 0)
		die("guest sockets", errno);
	reply = call(d, "vmwp.ListenSockets", NULL, &fd, 1);
	ipc_message_clear(&reply);
	close(fd);
}

static void read_line(int fd, char *line, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;

	while (n + 1 < size && poll(&p, 1, LINE_MS) == 1 && read(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
}

static void speak(struct drive *d, const char *what)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *text = strchr(what, ':');
	char line[256];

	(void)d;
	if (fd < 0 || !text || connect(fd, (const struct sockaddr *)&guest_sockets, sizeof(guest_sockets)) < 0)
		die(what, errno);
	dprintf(fd, "CONNECT %u\n%s\n", (unsigned int)atoi(what), text + 1);
	read_line(fd, line, sizeof(line));
	printf("worker-drive: socket: %s\n", line);
	read_line(fd, line, sizeof(line));
	printf("worker-drive: socket: %s\n", line);
	close(fd);
}

static void run_events(struct drive *d, double elapsed)
{
	static void (*const run[])(struct drive *d, const char *what) = {
		[TIMED_KEY] = press, [TIMED_POINTER] = point, [TIMED_SOCKET] = speak,
	};

	for (unsigned int i = 0; i < d->event_count; i++) {
		struct timed *t = &d->events[i];

		if (t->done || elapsed < t->second)
			continue;
		t->done = true;
		printf("worker-drive: %s\n", t->what);
		if (t->kind == TIMED_CALL)
			call_and_print(d, t->what);
		else
			run[t->kind](d, t->what);
	}
}

/* --- saving: one worker ends, the next goes on --- */

static void call_with_file(struct drive *d, const char *method, int fd)
{
	struct ipc_message reply = call(d, method, NULL, &fd, fd >= 0);

	ipc_message_clear(&reply);
}

static void connect_streams(struct drive *d)
{
	d->display_fd = open_stream(d, "vmwp.OpenDisplay", NULL);
	d->serial_fd = open_stream(d, "vmwp.OpenSerial", json_pack("{s:i}", "port", 1));
	listen_sockets(d);
}

static void kill_worker(struct drive *d)
{
	kill(d->pid, SIGKILL);
	waitpid(d->pid, NULL, 0);
	ipc_disconnect(d->control);
	close(d->serial_fd);
	close(d->display_fd);
}

static void save_and_restore(struct drive *d, unsigned int number)
{
	double begun = now(), saved;
	int fd;

	if (number != d->saves + 1)		/* said before, and shown again from the scrollback */
		return;
	d->saves = number;
	fd = open("/tmp/saved", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	call_with_file(d, "vmwp.Pause", -1);
	call_with_file(d, "vmwp.SaveState", fd);
	saved = now();
	kill_worker(d);
	start_worker(d);
	configure(d);
	attach_scsi(d);
	call_with_file(d, "vmwp.RestoreState", fd);
	connect_streams(d);
	call_with_file(d, "vmwp.Resume", -1);
	printf("worker-drive: saved %u: %lld bytes in %.2f s, restored in %.2f s\n", number, (long long)lseek(fd, 0, SEEK_END), saved - begun, now() - saved);
	close(fd);
}

/* --- the worker's own memory --- */

static void report_memory(struct drive *d)
{
	char path[64], line[512], rights[8];
	unsigned long long kib, own = 0;
	bool guest = false;
	FILE *maps;

	if (d->display_fd >= 0)			/* who looks costs the pixels */
		close(d->display_fd);
	d->display_fd = -1;
	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)d->pid);
	maps = fopen(path, "re");
	if (!maps)
		die(path, errno);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%*x-%*x %7s", rights) == 1)
			guest = strstr(line, "guest-ram") != NULL;
		else if (!guest && sscanf(line, "Pss: %llu kB", &kib) == 1)
			own += kib;
	}
	fclose(maps);
	printf("worker-drive: worker's memory beyond the guest's %llu KiB\n", own);
}

/* "host: METHOD JSON": what the guest's script wants of its host. */
static void do_as_asked(struct drive *d)
{
	char method[64] = "";
	int at = 0, fd = -1;
	json_t *parameters;
	struct ipc_message reply;

	if (sscanf(d->line, "host: %63s %n", method, &at) != 1)
		return;
	if (strcmp(method, "memory") == 0) {
		report_memory(d);
		return;
	}
	if (strcmp(method, "save") == 0) {
		save_and_restore(d, (unsigned int)atoi(d->line + at));
		return;
	}
	parameters = json_loads(d->line + at, 0, NULL);
	if (d->hot && json_object_get(parameters, "fd"))
		fd = open_or_die(d->hot, O_RDWR);
	reply = call(d, method, parameters, &fd, fd >= 0);
	ipc_message_clear(&reply);
	if (fd >= 0)
		close(fd);
}

static void listen_for_host(struct drive *d, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] != '\n' && text[i] != '\r' && d->line_length < sizeof(d->line) - 1) {
			d->line[d->line_length++] = text[i];
			continue;
		}
		d->line[d->line_length] = '\0';
		d->line_length = 0;
		do_as_asked(d);
	}
}

/* The word may come in two halves. */
static void listen_for(struct drive *d, const char *text, size_t size)
{
	char both[sizeof(d->said) + 4096] = { 0 };
	size_t kept = strlen(d->said), all = kept + size, keep;

	if (!d->from || d->events_from > 0)
		return;
	memcpy(both, d->said, kept);
	memcpy(both + kept, text, size);
	for (size_t i = 0; i < all; i++)
		if (!both[i])
			both[i] = ' ';
	if (strstr(both, d->from))
		d->events_from = now();
	keep = all < sizeof(d->said) - 1 ? all : sizeof(d->said) - 1;
	memcpy(d->said, both + all - keep, keep);
	d->said[keep] = '\0';
}

static void answer(struct drive *d, const char *text, size_t size)
{
	const size_t last = sizeof(d->heard) - 2;

	for (size_t i = 0; i < size && d->answered < d->answer_count; i++) {
		const char *word = d->answers[d->answered].word;

		memmove(d->heard, d->heard + 1, last);
		d->heard[last] = text[i];
		if (memcmp(d->heard + last + 1 - strlen(word), word, strlen(word)) != 0)
			continue;
		dprintf(d->serial_fd, "%s\r", d->answers[d->answered++].text);
		memset(d->heard, 0, sizeof(d->heard));
	}
}

static void show_whole_lines(struct drive *d, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		d->shown[d->shown_length++] = text[i];
		if (text[i] != '\n' && d->shown_length < sizeof(d->shown))
			continue;
		fwrite(d->shown, 1, d->shown_length, stdout);
		d->shown_length = 0;
	}
}

static void copy_serial(struct drive *d)
{
	char text[4096];
	ssize_t n = read(d->serial_fd, text, sizeof(text));

	if (n > 0) {
		show_whole_lines(d, text, (size_t)n);
		listen_for(d, text, (size_t)n);
		listen_for_host(d, text, (size_t)n);
		answer(d, text, (size_t)n);
		return;
	}
	close(d->serial_fd);
	d->serial_fd = -1;
}

static int worker_ended(struct drive *d)
{
	int status;

	if (waitpid(d->pid, &status, WNOHANG) != d->pid)
		return -1;
	printf("worker-drive: worker ended: %s %d\n", WIFEXITED(status) ? "exit" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int watch(struct drive *d)
{
	double start = now(), next_shot = start + d->every;
	int code;

	d->events_from = d->from ? 0 : start;

	while ((code = worker_ended(d)) < 0 && now() - start < d->seconds) {
		struct pollfd fds[2] = { { d->serial_fd, POLLIN, 0 }, { d->display_fd, POLLIN, 0 } };

		poll(fds, 2, 200);
		if (fds[0].revents)
			copy_serial(d);
		if (fds[1].revents)
			display_readable(d);
		if (d->events_from > 0)
			run_events(d, now() - d->events_from);
		if (d->screens && now() >= next_shot) {
			next_shot += d->every;
			screen_shot(d);
		}
		fflush(stdout);
	}
	fwrite(d->shown, 1, d->shown_length, stdout);
	return code;
}

static void show_status(struct drive *d)
{
	struct ipc_message reply = call(d, "vmwp.GetStatus", NULL, NULL, 0);

	printf("worker-drive: status ");
	if (reply.body)
		json_dumpf(reply.body, stdout, 0);
	printf("\n");
	ipc_message_clear(&reply);
}

int main(int argc, char **argv)
{
	struct drive d = { .serial_fd = -1, .display_fd = -1 };
	struct ipc_message reply;
	int code;

	signal(SIGPIPE, SIG_IGN);
	parse(&d, argc, argv);
	start_worker(&d);
	configure(&d);
	attach_scsi(&d);
	d.screens_fd = d.screens ? open_or_die(d.screens, O_WRONLY) : -1;
	connect_streams(&d);
	d.started = now();
	reply = call(&d, "vmwp.Start", NULL, NULL, 0);
	ipc_message_clear(&reply);
	printf("worker-drive: started in %.2f s\n", now() - d.started);
	code = watch(&d);
	if (code >= 0)
		return code;
	show_status(&d);
	reply = call(&d, "vmwp.TurnOff", NULL, NULL, 0);
	ipc_message_clear(&reply);
	for (int i = 0; i < 50 && (code = worker_ended(&d)) < 0; i++)
		usleep(100000);
	return code < 0 ? 4 : code;
}
