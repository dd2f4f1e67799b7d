/* SPDX-License-Identifier: Apache-2.0 */
/* Guest file copy: one file at a time into the guest, 6 KiB per message, the next when the guest has written the last. */
#include "vmwp/vsp/ic.h"
#include "vmwp/vsp/services.h"
#include "vmwp/vsp/utf16.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEP_NS		60000000000ull
#define PATH_UNITS	260u
#define CHUNK		6144u
enum { OP_START, OP_WRITE, OP_COMPLETE, OP_CANCEL };
enum { FLAG_OVERWRITE = 1, FLAG_CREATE_PATH = 2 };

struct wire_head { uint32_t operation; uint8_t service[2][16]; };
struct wire_start {
	struct wire_head head;
	uint16_t name[PATH_UNITS], path[PATH_UNITS];
	uint32_t flags;
	uint64_t size;
} __attribute__((packed));
struct wire_write { struct wire_head head; uint32_t pad; uint64_t offset; uint32_t length; uint8_t data[CHUNK]; } __attribute__((packed));
_Static_assert(sizeof(struct wire_start) == 1088 && sizeof(struct wire_write) == 6196, "file copy");

struct fcopy {
	struct ic ic;
	struct device_timer *timer;
	int fd;				/* -1: no copy under way */
	uint32_t operation;		/* last asked for */
	uint64_t offset, size;
	int result;			/* once a cancel is under way */
	fcopy_done *done;
	void *context;
};

static struct fcopy *fcopy_of(struct machine *m)
{
	struct device *dev = machine_device(m, &fcopy_model);

	return dev ? device_state(dev) : NULL;
}

static int ask(struct fcopy *f, const void *body, size_t size)
{
	device_timer_arm(f->timer, machine_now_ns(f->ic.device->machine) + STEP_NS);
	memcpy(&f->operation, body, sizeof(f->operation));
	return ic_request(&f->ic, body, size);
}

static void finish(struct fcopy *f, int result)
{
	device_timer_arm(f->timer, 0);
	if (f->fd < 0)
		return;
	close(f->fd);
	f->fd = -1;
	f->done(f->context, result);
}

/* The guest removes or forgets what it has; its answer, or its silence, ends the copy with `result`. */
static void cancel(struct fcopy *f, int result)
{
	struct wire_head head = { .operation = OP_CANCEL };

	ic_give_up(&f->ic);
	f->result = result;
	if (ask(f, &head, sizeof(head)) < 0)
		finish(f, result);
}

static int write_next(struct fcopy *f)
{
	struct wire_write w = { .head.operation = OP_WRITE, .offset = f->offset };
	uint64_t left = f->size - f->offset;
	ssize_t n = pread(f->fd, w.data, left < CHUNK ? (size_t)left : CHUNK, (off_t)f->offset);

	if (n <= 0)
		return n < 0 ? -errno : -EIO;	/* the file has become shorter */
	w.length = (uint32_t)n;
	f->offset += (uint64_t)n;
	return ask(f, &w, sizeof(w));
}

static int complete(struct fcopy *f)
{
	struct wire_head head = { .operation = OP_COMPLETE };

	return ask(f, &head, sizeof(head));
}

static int result_of(uint32_t status)
{
	return status == IC_OK ? 0 : status == IC_EXISTS ? -EEXIST : status == IC_DISK_FULL ? -ENOSPC : -EIO;
}

static void fcopy_answered(struct ic *ic, uint32_t status, const uint8_t *body, size_t size)
{
	struct fcopy *f = (struct fcopy *)ic;
	int r = result_of(status);

	(void)body;
	(void)size;
	if (f->fd < 0)
		return;
	if (f->operation == OP_CANCEL || f->operation == OP_COMPLETE || (f->operation == OP_START && r < 0)) {
		finish(f, f->operation == OP_CANCEL ? f->result : r);
		return;
	}
	if (r == 0)
		r = f->offset < f->size ? write_next(f) : complete(f);
	if (r < 0)
		cancel(f, r);
}

static void fcopy_timer(struct device *dev)
{
	struct fcopy *f = device_state(dev);

	if (f->operation == OP_CANCEL)
		finish(f, f->result);
	else
		cancel(f, -ETIMEDOUT);
}

/* Linux' daemon makes every folder that a slash follows, so a folder there ends with one. Units with the zero, or negative. */
static int folder_text(uint16_t *text, const char *folder)
{
	int units = utf16_from_utf8(text, PATH_UNITS, folder);

	if (units < 2 || folder[0] != '/' || text[units - 2] == '/')
		return units;
	if (units == PATH_UNITS)
		return -E2BIG;
	text[units - 1] = '/';
	return units + 1;
}

int fcopy_start(struct machine *m, const struct fcopy_request *request, fcopy_done *done, void *context)
{
	struct fcopy *f = fcopy_of(m);
	struct wire_start start = { .head.operation = OP_START, .size = request->size };
	uint16_t text[PATH_UNITS];
	int r;

	if (!f || !f->ic.ready)
		return -ENOTCONN;
	if (f->fd >= 0)
		return -EBUSY;
	if (utf16_from_utf8(text, PATH_UNITS, request->name) < 2)
		return -EINVAL;
	memcpy(start.name, text, sizeof(text));
	if (folder_text(text, request->folder) < 2)
		return -EINVAL;
	memcpy(start.path, text, sizeof(text));
	start.flags = (request->overwrite ? FLAG_OVERWRITE : 0) | (request->create_folder ? FLAG_CREATE_PATH : 0);
	r = ask(f, &start, sizeof(start));
	if (r < 0) {
		device_timer_arm(f->timer, 0);
		return r;
	}
	f->fd = request->fd;
	f->offset = 0;
	f->size = request->size;
	f->done = done;
	f->context = context;
	return 0;
}

bool fcopy_progress(struct machine *m, uint64_t *sent, uint64_t *total)
{
	struct fcopy *f = fcopy_of(m);

	if (!f || f->fd < 0)
		return false;
	*sent = f->offset;
	*total = f->size;
	return true;
}

int fcopy_cancel(struct machine *m)
{
	struct fcopy *f = fcopy_of(m);

	if (!f || f->fd < 0 || f->operation == OP_CANCEL)
		return -EALREADY;
	cancel(f, -ECANCELED);
	return 0;
}

static void fcopy_ready(struct ic *ic)
{
	(void)ic;
}

static void fcopy_gone(struct ic *ic)
{
	finish((struct fcopy *)ic, -ENOTCONN);
}

static const uint32_t frameworks[] = { IC_VERSION(3, 0), 0 };
static const uint32_t versions[] = { IC_VERSION(1, 1), 0 };

static const struct ic_service fcopy_service = {
	.message_type = IC_FILE_COPY, .frameworks = frameworks, .versions = versions,
	.ready = fcopy_ready, .answered = fcopy_answered, .gone = fcopy_gone,
	.channel = IC_CHANNEL("file copy", 0x34d14be3, 0xdee4, 0x41c8, 0x9a, 0xe7, 0x6b, 0x17, 0x49, 0x77, 0xc1, 0x92),
	.instance = VMBUS_GUID(0xeb765408, 0x105f, 0x49b6, 0xb4, 0xaa, 0xc1, 0x23, 0xb6, 0x4d, 0x17, 0xd4),
};

static int fcopy_init(struct device *dev)
{
	struct fcopy *f = device_state(dev);

	f->fd = -1;
	f->timer = device_timer_new(dev, fcopy_timer);
	return f->timer ? ic_init(dev, &fcopy_service) : -ENOMEM;
}

static void fcopy_fini(struct device *dev)
{
	struct fcopy *f = device_state(dev);

	device_timer_free(f->timer);
	if (f->fd >= 0)
		close(f->fd);
}

const struct device_model fcopy_model = {
	.name = "file copy service", .state_size = sizeof(struct fcopy), .init = fcopy_init, .fini = fcopy_fini,
};
