/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest may ask its adapter (QUERY) and tell it (SET): one row per NDIS object. Numbers that never change are in the
 * row, the others have a function.
 */
#include "vmwp/vsp/net_adapter.h"

#include "vmwp/machine.h"

#include <string.h>

#define LOOKAHEAD_BYTES		4096u
#define VENDOR_ID		0x00155du	/* of the addresses of virtual machines */
#define DRIVER_VERSION		0x0600u		/* NDIS 6.0 */
#define MAC_OPTIONS		(0x01u | 0x02u | 0x08u | 0x40u | 0x80u)	/* copies, no pending, no loopback, 802.1p, 802.1Q */

/* --- answers --- */

static size_t put_u32(uint8_t *to, uint32_t value)
{
	memcpy(to, &value, sizeof(value));
	return sizeof(value);
}

static size_t get_frame_size(struct net_adapter *a, uint8_t *to)
{
	return put_u32(to, a->frame_bytes - ETH_HEADER_BYTES);
}

static size_t get_total_size(struct net_adapter *a, uint8_t *to)
{
	return put_u32(to, a->frame_bytes);
}

static size_t get_filter(struct net_adapter *a, uint8_t *to)
{
	return put_u32(to, a->filter);
}

static size_t get_connect(struct net_adapter *a, uint8_t *to)
{
	a->link_told = a->config.link_up;	/* it knows now */
	a->link_told_ns = machine_now_ns(a->machine);
	return put_u32(to, a->config.link_up ? 0 : 1);
}

static size_t get_vendor(struct net_adapter *a, uint8_t *to)
{
	static const char text[] = "Partita network adapter";

	(void)a;
	memcpy(to, text, sizeof(text));
	return sizeof(text);
}

/* UTF-16 without a terminator; UTF-8 as checked by vmms, what is beyond the basic plane becomes U+FFFD. */
static size_t get_name(struct net_adapter *a, uint8_t *to)
{
	const uint8_t *p = (const uint8_t *)a->config.name;
	size_t bytes = 0;

	while (*p) {
		unsigned int extra = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
		uint32_t c = extra ? *p & (0x3fu >> extra) : *p;

		for (p++; extra > 0 && (*p & 0xc0) == 0x80; extra--)
			c = c << 6 | (*p++ & 0x3f);
		if (c > 0xffff)
			c = 0xfffd;
		to[bytes++] = (uint8_t)c;
		to[bytes++] = (uint8_t)(c >> 8);
	}
	return bytes;
}

static size_t get_permanent(struct net_adapter *a, uint8_t *to)
{
	memcpy(to, a->config.mac, sizeof(a->config.mac));
	return sizeof(a->config.mac);
}

static size_t get_current(struct net_adapter *a, uint8_t *to)
{
	memcpy(to, a->mac, sizeof(a->mac));
	return sizeof(a->mac);
}

static size_t get_multicast(struct net_adapter *a, uint8_t *to)
{
	memcpy(to, a->multicast, a->multicast_count * 6);
	return a->multicast_count * 6;
}

#define GET_COUNTER(name, field)						\
static size_t get_##name(struct net_adapter *a, uint8_t *to)			\
{										\
	memcpy(to, &a->counters.field, sizeof(a->counters.field));		\
	return sizeof(a->counters.field);					\
}
GET_COUNTER(xmit_ok, sent)
GET_COUNTER(rcv_ok, received)
GET_COUNTER(xmit_error, send_errors)
GET_COUNTER(rcv_no_buffer, receive_drops)

static size_t get_max_speed(struct net_adapter *a, uint8_t *to)
{
	const uint64_t speeds[2] = { NET_LINK_SPEED, NET_LINK_SPEED };

	(void)a;
	memcpy(to, speeds, sizeof(speeds));
	return sizeof(speeds);
}

static size_t get_link_state(struct net_adapter *a, uint8_t *to)
{
	struct ndis_link_state s = {
		.header = { NDIS_OBJECT_DEFAULT, 1, sizeof(s) }, .connect = a->config.link_up ? 1 : 2, .duplex = 2 /* full */,
		.transmit_speed = NET_LINK_SPEED, .receive_speed = NET_LINK_SPEED,
	};

	memcpy(to, &s, sizeof(s));
	return sizeof(s);
}

static size_t get_rss_capabilities(struct net_adapter *a, uint8_t *to)
{
	struct ndis_rss_capabilities c = {
		.header = { NDIS_OBJECT_RSS_CAPABILITIES, 2, 18 },
		.flags = NDIS_HASH_TOEPLITZ | 0x100u /* TCP over IPv4 */ | 0x200u /* and IPv6 */,
		.interrupt_messages = 1, .table_entries = NDIS_RSS_TABLE_MAX,
		.queues = a->machine->config.processors < NET_QUEUES_MAX ? a->machine->config.processors : NET_QUEUES_MAX,
	};

	memcpy(to, &c, 18);		/* revision 2 ends with the number of table entries */
	return 18;
}

static size_t get_offload(struct net_adapter *a, uint8_t *to)
{
	static const uint32_t e = NDIS_ENCAPSULATION_802_3;
	uint8_t revision = a->version >= NVSP_VERSION_5 ? 3 : a->version >= NVSP_VERSION_4 ? 2 : 1;
	uint16_t size = revision == 3 ? NDIS_OFFLOAD_BYTES_3 : revision == 2 ? NDIS_OFFLOAD_BYTES_2 : NDIS_OFFLOAD_BYTES_1;
	struct ndis_offload o = {
		.header = { NDIS_OBJECT_OFFLOAD, revision, size },
		.checksum4 = { e, NDIS_CHECKSUM4_ALL, e, NDIS_CHECKSUM4_ALL },
		.checksum6 = { e, NDIS_CHECKSUM6_ALL, e, NDIS_CHECKSUM6_ALL },
		.lso4 = { e, NDIS_LSO_BYTES_MAX, NDIS_LSO_SEGMENTS_MIN },
		.lso6 = { e, NDIS_LSO_BYTES_MAX, NDIS_LSO_SEGMENTS_MIN, NDIS_LSO6_OPTIONS },
	};

	memcpy(to, &o, size);
	return size;
}

/* --- settings --- */

static uint32_t set_filter(struct net_adapter *a, const uint8_t *value, size_t size)
{
	uint32_t old = a->filter;

	(void)size;
	memcpy(&a->filter, value, sizeof(a->filter));
	if (a->filter == 0)
		net_rx_stop(a);
	else if (old == 0)
		net_rx_flush_tap(a);
	net_rx_start(a);
	return NDIS_STATUS_SUCCESS;
}

static uint32_t set_multicast(struct net_adapter *a, const uint8_t *value, size_t size)
{
	if (size % 6 != 0 || size / 6 > NET_MULTICAST_MAX)
		return NDIS_STATUS_INVALID_LENGTH;
	memcpy(a->multicast, value, size);
	a->multicast_count = (unsigned int)(size / 6);
	return NDIS_STATUS_SUCCESS;
}

static uint32_t set_nothing(struct net_adapter *a, const uint8_t *value, size_t size)
{
	(void)a;
	(void)value;
	(void)size;
	return NDIS_STATUS_SUCCESS;	/* every frame says itself what is to be done with it */
}

/* --- receive-side scaling --- */

static bool part_of(uint64_t offset, uint64_t bytes, size_t size)
{
	return offset <= size && bytes <= size - offset;
}

static uint32_t rss_table(const struct net_adapter *a, const struct ndis_rss_parameters *p, const uint8_t *value, size_t size,
			  struct net_rss *rss)
{
	uint32_t entries = p->table_bytes / 4u, queue;

	if (entries == 0 || entries > NDIS_RSS_TABLE_MAX || (entries & (entries - 1)) != 0 || p->table_bytes % 4u != 0 ||
	    !part_of(p->table_offset, p->table_bytes, size))
		return NDIS_STATUS_INVALID_DATA;
	for (uint32_t i = 0; i < entries; i++) {
		memcpy(&queue, value + p->table_offset + 4 * i, sizeof(queue));
		if (queue > a->subchannels)
			return NDIS_STATUS_INVALID_DATA;
		rss->table[i] = (uint8_t)queue;
	}
	rss->table_size = entries;
	return NDIS_STATUS_SUCCESS;
}

static uint32_t set_rss(struct net_adapter *a, const uint8_t *value, size_t size)
{
	struct net_rss rss = a->rss;
	struct ndis_rss_parameters p = { 0 };
	uint32_t status = NDIS_STATUS_SUCCESS;

	memcpy(&p, value, size < sizeof(p) ? size : sizeof(p));
	if (p.header.type != NDIS_OBJECT_RSS_PARAMETERS)
		return NDIS_STATUS_INVALID_DATA;
	if (p.flags & NDIS_RSS_DISABLE || p.hash == 0) {
		a->rss.enabled = false;
		return NDIS_STATUS_SUCCESS;
	}
	if (!(p.flags & NDIS_RSS_TABLE_UNCHANGED))
		status = rss_table(a, &p, value, size, &rss);
	if (status == NDIS_STATUS_SUCCESS && !(p.flags & NDIS_RSS_KEY_UNCHANGED)) {
		if (p.key_bytes != NDIS_RSS_KEY_BYTES || !part_of(p.key_offset, p.key_bytes, size))
			return NDIS_STATUS_INVALID_DATA;
		memcpy(rss.key, value + p.key_offset, NDIS_RSS_KEY_BYTES);
	}
	if (status != NDIS_STATUS_SUCCESS || !(p.hash & NDIS_HASH_TOEPLITZ) || rss.table_size == 0)
		return NDIS_STATUS_INVALID_DATA;
	rss.types = p.hash & NDIS_RSS_TYPES;
	rss.enabled = true;
	a->rss = rss;
	return NDIS_STATUS_SUCCESS;
}

/* --- the address, as a text parameter --- */

static bool utf16_is(const uint8_t *p, size_t bytes, const char *ascii)
{
	size_t i = 0;

	for (; ascii[i]; i++)
		if (2 * i + 1 >= bytes || p[2 * i] != (uint8_t)ascii[i] || p[2 * i + 1] != 0)
			return false;
	return bytes == 2 * i;
}

static int hex_digit(const uint8_t *utf16)
{
	uint8_t c = utf16[1] ? 0 : utf16[0];

	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_address(const uint8_t *utf16, uint8_t mac[6])
{
	for (unsigned int i = 0; i < 6; i++) {
		int high = hex_digit(utf16 + 4 * i), low = hex_digit(utf16 + 4 * i + 2);

		if (high < 0 || low < 0)
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return !(mac[0] & 1);
}

static uint32_t set_parameter(struct net_adapter *a, const uint8_t *value, size_t size)
{
	struct rndis_config_parameter p;
	uint8_t mac[6];

	memcpy(&p, value, sizeof(p));
	if (!part_of(p.name_offset, p.name_length, size) || !part_of(p.value_offset, p.value_length, size))
		return NDIS_STATUS_INVALID_DATA;
	if (p.type != RNDIS_PARAMETER_STRING || !utf16_is(value + p.name_offset, p.name_length, "NetworkAddress"))
		return NDIS_STATUS_NOT_SUPPORTED;
	if (p.value_length != 24 || !read_address(value + p.value_offset, mac))
		return NDIS_STATUS_INVALID_DATA;
	if (!a->config.mac_spoofing && memcmp(mac, a->config.mac, sizeof(mac)) != 0)
		return NDIS_STATUS_FAILURE;
	memcpy(a->mac, mac, sizeof(mac));
	return NDIS_STATUS_SUCCESS;
}

/* --- the table --- */

static size_t get_list(struct net_adapter *a, uint8_t *to);

static const struct oid_row {
	uint32_t oid, number;				/* the answer when there is no function */
	size_t (*get)(struct net_adapter *a, uint8_t *to);	/* at most 2 KiB */
	size_t set_min;
	uint32_t (*set)(struct net_adapter *a, const uint8_t *value, size_t size);
	bool set_only;
} oid_rows[] = {
	{ OID_GEN_SUPPORTED_LIST, 0, get_list, 0, NULL, false },
	{ OID_GEN_HARDWARE_STATUS, 0, NULL, 0, NULL, false },
	{ OID_GEN_MEDIA_SUPPORTED, 0, NULL, 0, NULL, false },
	{ OID_GEN_MEDIA_IN_USE, 0, NULL, 0, NULL, false },
	{ OID_GEN_MAXIMUM_LOOKAHEAD, LOOKAHEAD_BYTES, NULL, 0, NULL, false },
	{ OID_GEN_MAXIMUM_FRAME_SIZE, 0, get_frame_size, 0, NULL, false },
	{ OID_GEN_LINK_SPEED, (uint32_t)(NET_LINK_SPEED / 100), NULL, 0, NULL, false },
	{ OID_GEN_TRANSMIT_BUFFER_SPACE, 1u << 20, NULL, 0, NULL, false },
	{ OID_GEN_RECEIVE_BUFFER_SPACE, 1u << 20, NULL, 0, NULL, false },
	{ OID_GEN_TRANSMIT_BLOCK_SIZE, 1, NULL, 0, NULL, false },
	{ OID_GEN_RECEIVE_BLOCK_SIZE, 1, NULL, 0, NULL, false },
	{ OID_GEN_VENDOR_ID, VENDOR_ID, NULL, 0, NULL, false },
	{ OID_GEN_VENDOR_DESCRIPTION, 0, get_vendor, 0, NULL, false },
	{ OID_GEN_VENDOR_DRIVER_VERSION, 0x10000, NULL, 0, NULL, false },
	{ OID_GEN_CURRENT_PACKET_FILTER, 0, get_filter, 4, set_filter, false },
	{ OID_GEN_CURRENT_LOOKAHEAD, LOOKAHEAD_BYTES, NULL, 4, set_nothing, false },
	{ OID_GEN_DRIVER_VERSION, DRIVER_VERSION, NULL, 0, NULL, false },
	{ OID_GEN_MAXIMUM_TOTAL_SIZE, 0, get_total_size, 0, NULL, false },
	{ OID_GEN_PROTOCOL_OPTIONS, 0, NULL, 4, set_nothing, true },
	{ OID_GEN_MAC_OPTIONS, MAC_OPTIONS, NULL, 0, NULL, false },
	{ OID_GEN_MEDIA_CONNECT_STATUS, 0, get_connect, 0, NULL, false },
	{ OID_GEN_MAXIMUM_SEND_PACKETS, RNDIS_PACKETS_MAX, NULL, 0, NULL, false },
	{ OID_GEN_MAX_LINK_SPEED, 0, get_max_speed, 0, NULL, false },
	{ OID_GEN_LINK_STATE, 0, get_link_state, 0, NULL, false },
	{ OID_GEN_LINK_PARAMETERS, 0, NULL, 4, set_nothing, true },
	{ OID_GEN_XMIT_OK, 0, get_xmit_ok, 0, NULL, false },
	{ OID_GEN_RCV_OK, 0, get_rcv_ok, 0, NULL, false },
	{ OID_GEN_XMIT_ERROR, 0, get_xmit_error, 0, NULL, false },
	{ OID_GEN_RCV_ERROR, 0, NULL, 0, NULL, false },
	{ OID_GEN_RCV_NO_BUFFER, 0, get_rcv_no_buffer, 0, NULL, false },
	{ OID_GEN_FRIENDLY_NAME, 0, get_name, 0, NULL, false },
	{ OID_GEN_RNDIS_CONFIG_PARAMETER, 0, NULL, sizeof(struct rndis_config_parameter), set_parameter, true },
	{ OID_GEN_RECEIVE_SCALE_CAPABILITIES, 0, get_rss_capabilities, 0, NULL, false },
	{ OID_GEN_RECEIVE_SCALE_PARAMETERS, 0, NULL, 20, set_rss, true },
	{ OID_802_3_PERMANENT_ADDRESS, 0, get_permanent, 0, NULL, false },
	{ OID_802_3_CURRENT_ADDRESS, 0, get_current, 0, NULL, false },
	{ OID_802_3_MULTICAST_LIST, 0, get_multicast, 0, set_multicast, false },
	{ OID_802_3_MAXIMUM_LIST_SIZE, NET_MULTICAST_MAX, NULL, 0, NULL, false },
	{ OID_802_3_RCV_ERROR_ALIGNMENT, 0, NULL, 0, NULL, false },
	{ OID_802_3_XMIT_ONE_COLLISION, 0, NULL, 0, NULL, false },
	{ OID_802_3_XMIT_MORE_COLLISIONS, 0, NULL, 0, NULL, false },
	{ OID_OFFLOAD_ENCAPSULATION, 0, NULL, 4, set_nothing, true },
	{ OID_TCP_OFFLOAD_CURRENT_CONFIG, 0, get_offload, 0, NULL, false },
	{ OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES, 0, get_offload, 0, NULL, false },
	{ OID_TCP_OFFLOAD_PARAMETERS, 0, NULL, 4, set_nothing, true },
};
#define OID_ROWS	(sizeof(oid_rows) / sizeof(*oid_rows))

static size_t get_list(struct net_adapter *a, uint8_t *to)
{
	(void)a;
	for (size_t i = 0; i < OID_ROWS; i++)
		memcpy(to + 4 * i, &oid_rows[i].oid, 4);
	return 4 * OID_ROWS;
}

static const struct oid_row *row_find(uint32_t oid)
{
	for (size_t i = 0; i < OID_ROWS; i++)
		if (oid_rows[i].oid == oid)
			return &oid_rows[i];
	return NULL;
}

uint32_t rndis_oid_query(struct net_adapter *a, uint32_t oid, uint8_t *to, size_t *size)
{
	const struct oid_row *row = row_find(oid);

	if (!row || row->set_only)
		return NDIS_STATUS_NOT_SUPPORTED;
	*size = row->get ? row->get(a, to) : put_u32(to, row->number);
	return NDIS_STATUS_SUCCESS;
}

uint32_t rndis_oid_set(struct net_adapter *a, uint32_t oid, const uint8_t *value, size_t size)
{
	const struct oid_row *row = row_find(oid);

	if (!row || !row->set)
		return NDIS_STATUS_NOT_SUPPORTED;
	return size < row->set_min ? NDIS_STATUS_INVALID_LENGTH : row->set(a, value, size);
}
