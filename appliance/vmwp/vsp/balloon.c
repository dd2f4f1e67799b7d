/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dynamic memory channel: versions, capabilities, reports, and one movement at a time towards the target. Pages are
 * known by their number within RAM (low RAM, then the part above 4 GiB), so that one bitmap covers both.
 */
#include "vmwp/vsp/balloon.h"
#include "vmwp/vsp/balloon_pages.h"
#include "vmwp/vsp/balloon_wire.h"
#include "vmwp/vsp/vsp.h"

#include <errno.h>
#include <string.h>

#define PAGE			4096ull
#define HIGH_PAGE		0x100000ull	/* page number of 4 GiB */
#define MESSAGE_MAX		4096u
#define BOOT_DELAY_NS		50000000000ull	/* Windows Server 2019 has crashed when asked earlier */
#define AGAIN_NS		10000000000ull	/* after a guest gave or took less than asked */
#define BALLOON_PAGES_MAX	585728u		/* in one request; as QEMU asks Windows for */
#define RANGE_PAGES_MAX		524288u		/* 2 GiB */
#define UNBALLOON_RANGES_MAX	256u
#define WORTH_MOVING_PAGES	256u		/* less than 1 MiB from the target is there */

enum step { STEP_IDLE, STEP_BALLOON, STEP_UNBALLOON, STEP_HOT_ADD };

struct balloon {
	struct device *device;
	struct vmbus_channel *channel;
	struct device_timer *timer;
	bool agreed, ready;		/* on a version; capabilities are known */
	uint32_t transaction;
	uint64_t capabilities;
	struct balloon_pages pages;	/* in the balloon */
	uint64_t start_pages, added_pages, target_pages;
	enum step step;
	uint64_t given_pages;		/* in the balloon request under way */
	uint64_t hot_page, hot_count;	/* the hot-add request under way, or to be repeated; count 0: none */
	bool no_hot_add;		/* the guest has said for good that it cannot */
	uint64_t booting_until_ns, again_ns;	/* no request before either; a new target is worth a new try */
	uint64_t available_pages, committed_pages, reported_ns;
};

static struct balloon *balloon_of(struct machine *m)
{
	struct device *dev = machine_device(m, &balloon_model);

	return dev ? device_state(dev) : NULL;
}

static uint64_t now_ns(const struct balloon *b)
{
	return machine_now_ns(b->device->machine);
}

static uint64_t assigned_pages(const struct balloon *b)
{
	return b->start_pages + b->added_pages - b->pages.count;
}

static int balloon_send(struct balloon *b, struct dm_header *message, uint16_t type, size_t size)
{
	struct iovec iov = { message, size };

	message->type = type;
	message->size = (uint16_t)size;
	message->transaction = ++b->transaction;
	return vmbus_send(b->channel, 0, false, &iov, 1);
}

/* --- towards the target --- */

static int take(struct balloon *b, uint64_t pages)
{
	struct dm_balloon request = { .pages = (uint32_t)(pages < BALLOON_PAGES_MAX ? pages : BALLOON_PAGES_MAX) };

	if (!(b->capabilities & DM_CAN_BALLOON))
		return -ENOTSUP;
	b->given_pages = 0;
	b->step = STEP_BALLOON;
	return balloon_send(b, &request.h, DM_BALLOON_REQUEST, sizeof(request));
}

static uint64_t page_of_ram(const struct balloon *b, uint64_t index)
{
	uint64_t low = guest_ram_low(b->device->machine) / PAGE;

	return index < low ? index : HIGH_PAGE + index - low;
}

/* The pages are RAM again as soon as the guest touches them: they leave the balloon before it hears of it. */
static int give_back(struct balloon *b, uint64_t pages)
{
	struct { struct dm_unballoon head; uint64_t ranges[UNBALLOON_RANGES_MAX]; } request = { 0 };
	uint64_t low = guest_ram_low(b->device->machine) / PAGE;

	while (pages && b->pages.count && request.head.count < UNBALLOON_RANGES_MAX) {
		uint64_t max = pages < RANGE_PAGES_MAX ? pages : RANGE_PAGES_MAX, index, run;

		if (b->pages.first < low && max > low - b->pages.first)
			max = low - b->pages.first;	/* a range does not reach over the hole below 4 GiB */
		run = balloon_pages_take(&b->pages, max, &index);
		request.ranges[request.head.count++] = dm_range(page_of_ram(b, index), run);
		pages -= run;
	}
	b->step = STEP_UNBALLOON;
	return balloon_send(b, &request.head.h, DM_UNBALLOON_REQUEST,
			    sizeof(request.head) + request.head.count * sizeof(request.ranges[0]));
}

static uint64_t alignment_pages(const struct balloon *b)
{
	return 256ull << (b->capabilities >> DM_ALIGNMENT_SHIFT & DM_ALIGNMENT_MASK);
}

/* RAM grows above 4 GiB; what lies between its end and the first aligned page is left out. */
static int hot_add(struct balloon *b, uint64_t pages)
{
	struct machine *m = b->device->machine;
	uint64_t align = alignment_pages(b), end = HIGH_PAGE + guest_ram_high(m) / PAGE;
	struct dm_hot_add request = { 0 };
	int r;

	if (!(b->capabilities & DM_CAN_HOT_ADD) || b->no_hot_add)
		return -ENOTSUP;
	if (!b->hot_count) {
		uint64_t first = (end + align - 1) / align * align, count = pages < RANGE_PAGES_MAX ? pages : RANGE_PAGES_MAX;

		count -= count % align;
		if (count == 0)
			return -ERANGE;
		r = guest_memory_grow(m, (first + count - HIGH_PAGE) * PAGE);
		if (r < 0)
			return r;
		b->hot_page = first;
		b->hot_count = count;
	}
	request.range = request.region = dm_range(b->hot_page, b->hot_count);
	b->step = STEP_HOT_ADD;
	return balloon_send(b, &request.h, DM_HOT_ADD_REQUEST, sizeof(request));
}

static void balloon_move(struct balloon *b)
{
	uint64_t assigned = assigned_pages(b), now = now_ns(b);
	int r = 0;

	if (!b->ready || b->step != STEP_IDLE)
		return;
	if (now < b->booting_until_ns || now < b->again_ns) {
		device_timer_arm(b->timer, b->again_ns > b->booting_until_ns ? b->again_ns : b->booting_until_ns);
		return;
	}
	if (assigned >= b->target_pages + WORTH_MOVING_PAGES)
		r = take(b, assigned - b->target_pages);
	else if (assigned + WORTH_MOVING_PAGES <= b->target_pages && b->pages.count)
		r = give_back(b, b->target_pages - assigned);
	else if (assigned + WORTH_MOVING_PAGES <= b->target_pages)
		r = hot_add(b, b->target_pages - assigned);
	if (r < 0) {			/* cannot be, or the ring has no room */
		b->step = STEP_IDLE;
		b->again_ns = now + AGAIN_NS;
		device_timer_arm(b->timer, b->again_ns);
	}
}

static void balloon_timer(struct device *dev)
{
	balloon_move(device_state(dev));
}

static void step_done(struct balloon *b, uint64_t delay_ns)
{
	b->step = STEP_IDLE;
	b->again_ns = delay_ns ? now_ns(b) + delay_ns : 0;
	balloon_move(b);
}

/* --- messages; each is at least as long as its row says --- */

static bool on_version(struct balloon *b, const uint8_t *message, size_t size)
{
	static const uint32_t known[] = { DM_VERSION(2, 0), DM_VERSION(1, 0), DM_VERSION(0, 3) };
	struct dm_version_request m;
	struct dm_accept answer = { 0 };

	(void)size;
	memcpy(&m, message, sizeof(m));
	for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i] == m.version)
			answer.accepted = 1;
	b->agreed = answer.accepted;
	return balloon_send(b, &answer.h, DM_VERSION_RESPONSE, sizeof(answer)) == 0;
}

static bool on_capabilities(struct balloon *b, const uint8_t *message, size_t size)
{
	struct dm_accept answer = { .accepted = 1 };	/* no hot remove, and reports are wanted */
	struct dm_capabilities m;

	(void)size;
	memcpy(&m, message, sizeof(m));
	b->capabilities = m.capabilities;
	b->ready = balloon_send(b, &answer.h, DM_CAPABILITIES_RESPONSE, sizeof(answer)) == 0;
	b->booting_until_ns = now_ns(b) + BOOT_DELAY_NS;
	balloon_move(b);
	return b->ready;
}

static bool on_status(struct balloon *b, const uint8_t *message, size_t size)
{
	struct dm_status m;

	(void)size;
	memcpy(&m, message, sizeof(m));
	b->available_pages = m.available;
	b->committed_pages = m.committed;
	b->reported_ns = now_ns(b);
	return true;
}

/* A range of the guest's: what is not RAM, or is in the balloon already, does not count. */
static void take_range(struct balloon *b, uint64_t range)
{
	struct machine *m = b->device->machine;
	uint64_t page = dm_range_page(range), count = dm_range_count(range), low = guest_ram_low(m) / PAGE;
	uint64_t index = page < HIGH_PAGE ? page : page - HIGH_PAGE + low;

	if (count == 0 || !guest_memory(m, page * PAGE, count * PAGE))
		return;
	for (uint64_t i = 0; i < count; i++)
		b->given_pages += balloon_pages_add(&b->pages, index + i);
	(void)guest_memory_release(m, page * PAGE, count * PAGE);	/* failing that, they stay resident */
}

static bool on_balloon(struct balloon *b, const uint8_t *message, size_t size)
{
	struct dm_ranges m;
	uint32_t count;

	memcpy(&m, message, sizeof(m));
	count = m.more_count >> 1;
	if (b->step != STEP_BALLOON || count > (size - sizeof(m)) / sizeof(uint64_t))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t range;

		memcpy(&range, message + sizeof(m) + i * sizeof(range), sizeof(range));
		take_range(b, range);
	}
	if (!(m.more_count & 1))
		step_done(b, assigned_pages(b) > b->target_pages ? AGAIN_NS : 0);
	return true;
}

static bool on_unballoon(struct balloon *b, const uint8_t *message, size_t size)
{
	(void)message;
	(void)size;
	if (b->step != STEP_UNBALLOON)
		return false;
	step_done(b, 0);
	return true;
}

/* Result 1 with no page: never again. 0 with none: later, the same range. Of a range taken in part the rest is lost. */
static bool on_hot_added(struct balloon *b, const uint8_t *message, size_t size)
{
	struct dm_hot_added m;

	(void)size;
	memcpy(&m, message, sizeof(m));
	if (b->step != STEP_HOT_ADD || m.pages > b->hot_count)
		return false;
	b->added_pages += m.pages;
	if (m.pages || m.result)
		b->hot_count = 0;
	b->no_hot_add = m.pages == 0 && m.result;
	step_done(b, m.pages ? 0 : AGAIN_NS);
	return true;
}

static bool on_info(struct balloon *b, const uint8_t *message, size_t size)
{
	(void)b;
	(void)message;
	(void)size;
	return true;			/* the largest number of pages the guest could use: not more than we offer */
}

static const struct dm_row {
	size_t min;
	bool (*handle)(struct balloon *b, const uint8_t *message, size_t size);	/* false: refused */
	bool needs_version, needs_ready;
} rows[DM_TYPES] = {
	[DM_VERSION_REQUEST]	= { sizeof(struct dm_version_request), on_version, false, false },
	[DM_CAPABILITIES]	= { sizeof(struct dm_capabilities),    on_capabilities, true, false },
	[DM_STATUS]		= { sizeof(struct dm_status),	       on_status, true, true },
	[DM_BALLOON_RESPONSE]	= { sizeof(struct dm_ranges),	       on_balloon, true, true },
	[DM_UNBALLOON_RESPONSE]	= { sizeof(struct dm_header),	       on_unballoon, true, true },
	[DM_HOT_ADD_RESPONSE]	= { sizeof(struct dm_hot_added),       on_hot_added, true, true },
	[DM_INFO]		= { sizeof(struct dm_header),	       on_info, true, true },
};

static bool balloon_message(struct balloon *b, const uint8_t *message, size_t size)
{
	const struct dm_row *row;
	struct dm_header h;

	if (size < sizeof(h))
		return false;
	memcpy(&h, message, sizeof(h));
	if (h.type >= DM_TYPES || !rows[h.type].handle)
		return false;
	row = &rows[h.type];
	if (h.size > size || h.size < row->min || (row->needs_version && !b->agreed) || (row->needs_ready && !b->ready))
		return false;
	return row->handle(b, message, h.size);
}

/* --- channel --- */

static int balloon_opened(struct vmbus_channel *c, const uint8_t user[120])
{
	(void)c;
	(void)user;
	return 0;
}

static bool balloon_received(struct vmbus_channel *c, const struct vmbus_packet *p)
{
	vsp_complete(c, p);
	if (p->type == VMBUS_PACKET_INBAND && !balloon_message(vsp_state(c), p->payload, p->size))
		vmbus_channel_fault(c, "unknown, short or unexpected message");
	return true;
}

/* Whoever drives the guest's memory next (another kernel, or firmware) has all of it again. */
static bool balloon_closed(struct vmbus_channel *c)
{
	struct balloon *b = vsp_state(c);

	device_timer_arm(b->timer, 0);
	b->agreed = b->ready = b->no_hot_add = false;
	b->step = STEP_IDLE;
	b->hot_count = 0;
	b->available_pages = b->committed_pages = b->reported_ns = 0;
	balloon_pages_clear(&b->pages);
	return true;
}

/* Ranges as pairs (index, count), ended by a count of 0. */
static void pages_state(struct balloon *b, struct state *s)
{
	struct balloon_pages *p = &b->pages;
	uint64_t at = 0, count;

	do {
		count = 0;
		if (!state_loading(s)) {
			while (at < p->limit && !(p->bits[at / 64] >> (at % 64) & 1))
				at++;
			while (at + count < p->limit && (p->bits[(at + count) / 64] >> ((at + count) % 64) & 1))
				count++;
		}
		state_u64(s, &at);
		state_u64(s, &count);
		if (state_loading(s) && (at > p->limit || count > p->limit - at))
			state_refuse(s);
		for (uint64_t i = 0; state_loading(s) && !state_error(s) && i < count; i++)
			balloon_pages_add(p, at + i);
		at += count;
	} while (count && !state_error(s));
}

static void balloon_state(struct vmbus_channel *c, struct state *s)
{
	struct balloon *b = vsp_state(c);
	uint64_t high = guest_ram_high(b->device->machine);
	uint32_t step = b->step;

	if (state_record_begin(s, "balloon", 1) != 1)
		return;
	state_bool(s, &b->agreed);
	state_bool(s, &b->ready);
	state_bool(s, &b->no_hot_add);
	state_u32(s, &b->transaction);
	state_u32(s, &step);
	state_u64(s, &b->capabilities);
	state_u64(s, &b->added_pages);
	state_u64(s, &b->target_pages);
	state_u64(s, &b->given_pages);
	state_u64(s, &b->hot_page);
	state_u64(s, &b->hot_count);
	state_u64(s, &high);
	pages_state(b, s);
	state_record_end(s);
	if (!state_loading(s))
		return;
	b->step = step;
	if (step > STEP_HOT_ADD || b->pages.count > b->start_pages + b->added_pages ||
	    (high > guest_ram_high(b->device->machine) && guest_memory_grow(b->device->machine, high) < 0))
		state_refuse(s);
	else
		device_timer_arm(b->timer, now_ns(b) + AGAIN_NS);
}

static const struct vmbus_device balloon_device = {
	.name = "balloon",
	.class = VMBUS_GUID(0x525074dc, 0x8985, 0x46e2, 0x80, 0x57, 0xa3, 0x07, 0xdc, 0x18, 0xa5, 0x02),
	.packet_max = MESSAGE_MAX + 64,
	.opened = balloon_opened, .received = balloon_received, .closed = balloon_closed, .state = balloon_state,
};

/* --- the rest of the worker --- */

void balloon_get_figures(struct machine *m, struct balloon_figures *f)
{
	const struct balloon *b = balloon_of(m);
	uint64_t assigned = b ? assigned_pages(b) : 0, committed;

	*f = (struct balloon_figures){ 0 };
	if (!b)
		return;
	/* guests count what they gave as promised to somebody: to us */
	committed = b->committed_pages > b->pages.count ? b->committed_pages - b->pages.count : 0;
	f->driver = b->ready && b->reported_ns;	/* before its first report nobody knows what it needs */
	f->assigned_bytes = assigned * PAGE;
	f->demand_bytes = (b->reported_ns && committed < UINT64_MAX / PAGE ? committed : assigned) * PAGE;
	f->available_bytes = b->available_pages < assigned ? b->available_pages * PAGE : f->assigned_bytes;
	f->reported_ns = b->reported_ns;
	f->target_bytes = b->target_pages * PAGE;
}

int balloon_set_target(struct machine *m, uint64_t bytes)
{
	struct balloon *b = balloon_of(m);

	if (!b)
		return -ENODEV;
	if (bytes < BALLOON_TARGET_MIN || bytes > guest_ram_max(m))
		return -ERANGE;
	if (b->target_pages != bytes / PAGE)
		b->again_ns = 0;
	b->target_pages = bytes / PAGE;
	balloon_move(b);
	return 0;
}

static int balloon_init(struct device *dev)
{
	static const struct vmbus_guid instance =
		VMBUS_GUID(0x1eccfd72, 0x4b41, 0x45ef, 0xb7, 0x3a, 0x4a, 0x6e, 0x44, 0xc1, 0x29, 0x24);
	struct balloon *b = device_state(dev);
	int r;

	b->device = dev;
	b->start_pages = b->target_pages = (guest_ram_low(dev->machine) + guest_ram_high(dev->machine)) / PAGE;
	r = balloon_pages_init(&b->pages, guest_ram_space(dev->machine) / PAGE);
	if (r < 0)
		return r;
	b->timer = device_timer_new(dev, balloon_timer);
	return b->timer ? vsp_offer(dev, &balloon_device, &instance, &b->channel) : -ENOMEM;
}

/* A machine that starts anew has what it is told at its start: memory.c has taken the rest away. */
static void balloon_reset(struct device *dev)
{
	struct balloon *b = device_state(dev);

	b->added_pages = 0;
}

static void balloon_fini(struct device *dev)
{
	struct balloon *b = device_state(dev);

	device_timer_free(b->timer);
	balloon_pages_fini(&b->pages);
}

const struct device_model balloon_model = {
	.name = "dynamic memory", .state_size = sizeof(struct balloon),
	.init = balloon_init, .reset = balloon_reset, .fini = balloon_fini,
};
