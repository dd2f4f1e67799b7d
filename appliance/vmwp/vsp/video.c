/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic video (synthvid 3.0 to 3.5) over a message pipe: versions, where the guest puts VRAM, its mode, what it drew,
 * and the modes we offer. Pixels and viewers are video_screen.c's, the pointer's shape is video_cursor.c's. Source for layouts: Linux drivers/gpu/drm/hyperv/hyperv_drm_proto.c.
 */
#include "vmwp/vsp/video.h"

#include <errno.h>
#include <string.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define VERSION(major, minor)	((uint32_t)(minor) << 16 | (major))
#define MESSAGE_MAX	(16u + 10 + 8192)	/* a part of a pointer shape is the largest */
#define DIRT_RECTS_MAX	255u

enum video_message {
	VERSION_REQUEST = 1, VERSION_RESPONSE, VRAM_LOCATION, VRAM_LOCATION_ACK, SITUATION_UPDATE, SITUATION_UPDATE_ACK,
	POINTER_POSITION, POINTER_SHAPE, FEATURE_CHANGE, DIRT, BIOS_INFO_REQUEST, BIOS_INFO_RESPONSE,
	RESOLUTIONS_REQUEST, RESOLUTIONS_RESPONSE, CAPABILITY_REQUEST, CAPABILITY_RESPONSE, VIDEO_MESSAGES
};

struct wire_header { uint32_t type, size; };		/* size: with this header */
struct wire_version_response { uint32_t version; uint8_t accepted, max_outputs; } __attribute__((packed));
struct wire_vram { uint64_t context; uint8_t specified; uint64_t gpa; } __attribute__((packed));
struct wire_output { uint8_t active; uint32_t offset; uint8_t depth; uint32_t width, height, pitch; } __attribute__((packed));
struct wire_situation { uint64_t context; uint8_t count; struct wire_output output; } __attribute__((packed));
struct wire_features { uint8_t dirt, pointer_position, pointer_shape, situation; };
struct wire_size { uint16_t width, height; };
struct wire_resolutions { uint8_t edid[128], count, preferred, is_standard; } __attribute__((packed));
_Static_assert(sizeof(struct wire_version_response) == 6, "version response");
_Static_assert(sizeof(struct wire_vram) == 17, "VRAM location");
_Static_assert(sizeof(struct wire_situation) == 27, "situation update");
_Static_assert(sizeof(struct wire_resolutions) == 131, "supported resolutions");

/*
 * All fit VIDEO_VRAM_BYTES at 32 bits. Guests take the preferred one until someone asks for another: the largest that the last
 * viewer had room for. They ask when their driver starts; it cannot be told to ask again (Linux' would take it for another answer).
 */
static const struct wire_size resolutions[] = {
	{ 640, 480 }, { 800, 600 }, { 1024, 768 }, { 1152, 864 }, { 1280, 720 }, { 1280, 800 }, { 1280, 960 }, { 1280, 1024 },
	{ 1366, 768 }, { 1440, 900 }, { 1600, 900 }, { 1600, 1200 }, { 1680, 1050 }, { 1920, 1080 }, { 1920, 1200 },
	{ 2560, 1080 }, { 2560, 1440 }, { 2560, 1600 },
};
#define RESOLUTION_PREFERRED	2u		/* when nobody has looked yet */

/* --- sending --- */

static int video_send(struct video *v, uint32_t type, const void *body, size_t size)
{
	uint8_t message[sizeof(struct wire_header) + sizeof(struct wire_resolutions) + sizeof(resolutions)];
	struct wire_header h = { type, (uint32_t)(sizeof(h) + size) };

	memcpy(message, &h, sizeof(h));
	memcpy(message + sizeof(h), body, size);
	return vmbus_pipe_send(v->channel, message, sizeof(h) + size);
}

void video_tell_features(struct video *v)
{
	struct wire_features f = { .dirt = v->dirt_wanted, .pointer_position = 1, .pointer_shape = 1, .situation = 1 };

	if (v->agreed)
		(void)video_send(v, FEATURE_CHANGE, &f, sizeof(f));
}

/* --- what each message means; the body is at least as long as its row says --- */

static bool version_request(struct video *v, const uint8_t *body, size_t size)
{
	static const uint32_t known[] = { VERSION(3, 5), VERSION(3, 4), VERSION(3, 3), VERSION(3, 2), VERSION(3, 0) };
	struct wire_version_response r = { .max_outputs = 1 };
	unsigned int i = 0;

	(void)size;
	memcpy(&r.version, body, sizeof(r.version));
	while (i < ARRAY_SIZE(known) && known[i] != r.version)
		i++;
	v->agreed = i < ARRAY_SIZE(known);
	r.accepted = v->agreed ? 2 : 0;		/* 2 as Hyper-V says it; guests ask for "not zero" */
	(void)video_send(v, VERSION_RESPONSE, &r, sizeof(r));
	return true;
}

/* Answered also when the range cannot be had: the guest goes on without a picture, and does not wait for us in vain. */
static bool vram_location(struct video *v, const uint8_t *body, size_t size)
{
	struct wire_vram w;

	(void)size;
	memcpy(&w, body, sizeof(w));
	(void)video_place_vram(v, w.specified ? w.gpa : 0);
	(void)video_send(v, VRAM_LOCATION_ACK, &w.context, sizeof(w.context));
	return true;
}

static bool situation_update(struct video *v, const uint8_t *body, size_t size)
{
	struct wire_situation w;
	struct video_situation s;

	(void)size;
	memcpy(&w, body, sizeof(w));
	if (w.count != 1)
		return false;
	s = (struct video_situation){ w.output.active, w.output.offset, w.output.width, w.output.height, w.output.pitch };
	if (s.active && w.output.depth != 32)
		s.active = false;		/* the modes offered are all of 32 bits */
	if (!video_set_situation(v, &s))
		return false;
	(void)video_send(v, SITUATION_UPDATE_ACK, &w.context, sizeof(w.context));
	return true;
}

static bool dirt(struct video *v, const uint8_t *body, size_t size)
{
	struct video_rect rects[DIRT_RECTS_MAX];
	unsigned int count = body[1];

	if (size < 2 + count * sizeof(rects[0]))
		return false;
	memcpy(rects, body + 2, count * sizeof(rects[0]));
	video_dirt(v, rects, count);
	return true;
}

static bool bios_info_request(struct video *v, const uint8_t *body, size_t size)
{
	uint32_t info[3] = { 1 };		/* the adapter that firmware drives can be stopped */

	(void)body;
	(void)size;
	(void)video_send(v, BIOS_INFO_RESPONSE, info, sizeof(info));
	return true;
}

/* A base block without any timing (VESA E-EDID 3): name and size of nothing, the list beside it says what there is. */
static void make_edid(uint8_t edid[128])
{
	static const uint8_t head[] = {
		0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00,		/* magic */
		0x42, 0x92, 0x01, 0x00, 0, 0, 0, 0, 1, 30,		/* maker "PTR", product, serial, week, year */
		1, 4, 0xa5, 0, 0, 0x78, 0x06,				/* 1.4, digital, 8 bits a colour, sRGB */
		0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54, 0, 0, 0,	/* sRGB, no established timing */
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,		/* no standard timing */
	};
	static const uint8_t name[18] = { 0, 0, 0, 0xfc, 0, 'P', 'a', 'r', 't', 'i', 't', 'a', '\n', ' ', ' ', ' ', ' ', ' ' };
	uint8_t sum = 0;

	memcpy(edid, head, sizeof(head));
	memcpy(edid + 54, name, sizeof(name));
	for (unsigned int d = 1; d < 4; d++)
		edid[54 + 18 * d + 3] = 0x10;			/* an unused descriptor */
	for (unsigned int i = 0; i < 127; i++)
		sum = (uint8_t)(sum + edid[i]);
	edid[127] = (uint8_t)-sum;
}

static unsigned int resolution_preferred(const struct video *v)
{
	unsigned int best = 0;

	if (!v->room_width)
		return RESOLUTION_PREFERRED;
	for (unsigned int i = 1; i < ARRAY_SIZE(resolutions); i++)
		if (resolutions[i].width <= v->room_width && resolutions[i].height <= v->room_height &&
		    resolutions[i].width * resolutions[i].height > resolutions[best].width * resolutions[best].height)
			best = i;
	return best;
}

static bool resolutions_request(struct video *v, const uint8_t *body, size_t size)
{
	struct { struct wire_resolutions r; uint8_t list[sizeof(resolutions)]; } __attribute__((packed)) a = { 0 };
	unsigned int count = body[0] < ARRAY_SIZE(resolutions) ? body[0] : ARRAY_SIZE(resolutions);

	(void)size;
	make_edid(a.r.edid);
	a.r.count = (uint8_t)count;
	a.r.preferred = (uint8_t)(count > resolution_preferred(v) ? resolution_preferred(v) : 0);
	memcpy(a.list, resolutions, count * sizeof(resolutions[0]));
	(void)video_send(v, RESOLUTIONS_RESPONSE, &a, sizeof(a.r) + count * sizeof(resolutions[0]));
	return true;
}

static bool capability_request(struct video *v, const uint8_t *body, size_t size)
{
	uint32_t capabilities = 0;		/* no lock when the viewer goes */

	(void)body;
	(void)size;
	(void)video_send(v, CAPABILITY_RESPONSE, &capabilities, sizeof(capabilities));
	return true;
}

static const struct video_row {
	size_t body_min;
	bool before_version;
	bool (*handle)(struct video *v, const uint8_t *body, size_t size);	/* false: refused */
} rows[VIDEO_MESSAGES] = {
	[VERSION_REQUEST]	= { 4,				   true,  version_request },
	[VRAM_LOCATION]		= { sizeof(struct wire_vram),	   false, vram_location },
	[SITUATION_UPDATE]	= { sizeof(struct wire_situation), false, situation_update },
	[POINTER_POSITION]	= { 10,				   false, video_cursor_position },
	[POINTER_SHAPE]		= { 18,				   false, video_cursor_shape },
	[DIRT]			= { 2,				   false, dirt },
	[BIOS_INFO_REQUEST]	= { 0,				   false, bios_info_request },
	[RESOLUTIONS_REQUEST]	= { 1,				   false, resolutions_request },
	[CAPABILITY_REQUEST]	= { 0,				   false, capability_request },
};

static bool video_message(struct video *v, const uint8_t *message, size_t size)
{
	const struct video_row *row;
	struct wire_header h;

	if (size < sizeof(h))
		return false;
	memcpy(&h, message, sizeof(h));
	if (h.type >= VIDEO_MESSAGES || !rows[h.type].handle)
		return false;
	row = &rows[h.type];
	if (size - sizeof(h) < row->body_min || (!v->agreed && !row->before_version))
		return false;
	return row->handle(v, message + sizeof(h), size - sizeof(h));
}

/* --- channel --- */

static int video_opened(struct vmbus_channel *c, const uint8_t user[120])
{
	(void)c;
	(void)user;
	return 0;
}

static bool video_received(struct vmbus_channel *c, const struct vmbus_packet *p)
{
	struct video *v = vsp_state(c);
	const uint8_t *message;
	int size;

	vsp_complete(c, p);
	if (p->type != VMBUS_PACKET_INBAND)
		return true;
	size = vmbus_pipe_message(p, &message);
	if (size < 0 || !video_message(v, message, (size_t)size))
		vmbus_channel_fault(c, "unknown, short or senseless message");
	return true;
}

static bool video_closed(struct vmbus_channel *c)
{
	struct video *v = vsp_state(c);

	v->agreed = false;
	video_cursor_forget(v);
	video_screen_off(v);
	return true;
}

static void video_state(struct vmbus_channel *c, struct state *s)
{
	struct video *v = vsp_state(c);

	if (state_record_begin(s, "video", 1) != 1)
		return;
	state_bool(s, &v->agreed);
	video_screen_state(v, s);
	state_record_end(s);
}

static const struct vmbus_device video_device = {
	.name = "video",
	.class = VMBUS_GUID(0xda0a7802, 0xe377, 0x4aac, 0x8e, 0x77, 0x05, 0x58, 0xeb, 0x10, 0x73, 0xf8),
	.offer_flags = VMBUS_OFFER_PIPE,
	.mmio_mib = VIDEO_VRAM_MIB,
	.packet_max = MESSAGE_MAX,
	.opened = video_opened, .received = video_received, .closed = video_closed, .state = video_state,
};

static void video_resize(struct display_source *source, uint32_t width, uint32_t height)
{
	struct video *v = (struct video *)((char *)source - offsetof(struct video, source));

	v->room_width = (uint16_t)width;
	v->room_height = (uint16_t)height;
}

static void video_fini(struct device *dev)
{
	video_screen_fini(dev);
	video_cursor_fini(device_state(dev));
}

static int video_init(struct device *dev)
{
	static const struct vmbus_guid instance =
		VMBUS_GUID(0x5620e0c7, 0x8062, 0x4dce, 0xae, 0xb7, 0x52, 0x0c, 0x7e, 0xf7, 0x61, 0x71);
	struct video *v = device_state(dev);
	int r = video_screen_init(dev);

	if (r == 0)
		r = video_cursor_init(v);
	v->source.resize = video_resize;
	return r < 0 ? r : vsp_offer(dev, &video_device, &instance, &v->channel);
}

const struct device_model video_model = {
	.name = "synthetic video", .state_size = sizeof(struct video), .init = video_init, .fini = video_fini,
};
