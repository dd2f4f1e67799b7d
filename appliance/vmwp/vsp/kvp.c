/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key-value exchange: what a guest tells of itself (its name, system, addresses), pairs the host puts into the guest, and
 * addresses for its network adapters. A guest answers one question at a time, often through a daemon, so everything waits
 * for its turn: an address change first, then pairs not told yet, then the next question of the current round.
 */
#include "vmwp/vsp/ic.h"
#include "vmwp/vsp/kvp_wire.h"
#include "vmwp/vsp/services.h"
#include "vmwp/vsp/utf16.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUND_NS	15000000000ull	/* between two rounds of questions */
#define PATIENCE_NS	60000000000ull	/* Linux gives its own daemon 30 s */
#define GUEST_ITEMS_MAX	64u		/* of a pool; a guest may name more, we do not listen */
#define HOST_ITEMS_MAX	64u

enum kvp_doing { NOTHING, ASKING, TELLING, ADDRESSING };

struct host_item { struct kvp_pair pair; enum kvp_pool pool; bool told; };	/* value NULL: to be deleted */

struct kvp {
	struct ic ic;
	struct device_timer *timer;	/* the next round, or the end of patience */
	enum kvp_doing doing;
	enum kvp_pool pool;		/* of the current round */
	uint32_t index;
	struct kvp_list round;		/* being collected */
	struct kvp_list items[2];	/* KVP_POOL_GUEST, KVP_POOL_AUTO as of the last whole round */
	struct host_item host[HOST_ITEMS_MAX];
	unsigned int host_count;
	struct kvp_wire_ip *addresses;	/* to be set; NULL none */
	kvp_done *done;
	void *done_context;
};

static struct kvp *kvp_of(struct machine *m)
{
	struct device *dev = machine_device(m, &kvp_model);

	return dev ? device_state(dev) : NULL;
}

/* --- lists --- */

static void pair_clear(struct kvp_pair *p)
{
	free(p->key);
	free(p->value);
	*p = (struct kvp_pair){ 0 };
}

static void list_clear(struct kvp_list *l)
{
	for (unsigned int i = 0; i < l->count; i++)
		pair_clear(&l->pairs[i]);
	free(l->pairs);
	*l = (struct kvp_list){ 0 };
}

static void list_add(struct kvp_list *l, char *key, char *value)
{
	struct kvp_pair *pairs = key && value ? realloc(l->pairs, (l->count + 1) * sizeof(*pairs)) : NULL;

	if (!pairs) {
		free(key);
		free(value);
		return;
	}
	l->pairs = pairs;
	l->pairs[l->count++] = (struct kvp_pair){ key, value };
}

static struct kvp_list *items_of(struct kvp *k, enum kvp_pool pool)
{
	return &k->items[pool == KVP_POOL_AUTO];
}

const struct kvp_list *kvp_guest_items(struct machine *m, enum kvp_pool pool)
{
	static const struct kvp_list none;
	struct kvp *k = kvp_of(m);

	return k ? items_of(k, pool) : &none;
}

/* --- what is asked next --- */

static int ask(struct kvp *k)
{
	struct kvp_wire_enumerate m = { .operation = KVP_ENUMERATE, .pool = (uint8_t)k->pool, .index = k->index };

	return ic_request(&k->ic, &m, sizeof(m));	/* whole: the guest answers in place */
}

static int tell(struct kvp *k, struct host_item *item)
{
	struct kvp_wire_set set = { .operation = KVP_SET, .pool = (uint8_t)item->pool, .data.type = KVP_STRING };
	struct kvp_wire_delete del = { .operation = KVP_DELETE, .pool = (uint8_t)item->pool };
	uint16_t key[KVP_KEY_MAX], value[KVP_VALUE_MAX];
	uint32_t key_size = 2 * (uint32_t)utf16_from_utf8(key, KVP_KEY_MAX, item->pair.key);

	if (!item->pair.value) {
		memcpy(del.key, key, sizeof(key));
		del.key_size = key_size;
		return ic_request(&k->ic, &del, sizeof(del));
	}
	set.data.value_size = 2 * (uint32_t)utf16_from_utf8(value, KVP_VALUE_MAX, item->pair.value);
	set.data.key_size = key_size;
	memcpy(set.data.key, key, sizeof(key));
	memcpy(set.data.value.text, value, sizeof(value));
	return ic_request(&k->ic, &set, sizeof(set));
}

static struct host_item *find_untold(struct kvp *k)
{
	for (unsigned int i = 0; i < k->host_count; i++)
		if (!k->host[i].told)
			return &k->host[i];
	return NULL;
}

static bool round_is_on(const struct kvp *k)
{
	return k->pool != KVP_POOL_EXTERNAL;	/* which is never asked for */
}

static void kvp_next(struct kvp *k)
{
	uint64_t now = machine_now_ns(k->ic.device->machine);
	struct host_item *item;
	int r = -ENOENT;

	if (k->doing != NOTHING || !k->ic.ready)
		return;
	if (k->addresses) {
		k->doing = ADDRESSING;
		r = ic_request(&k->ic, k->addresses, sizeof(*k->addresses));
	} else if ((item = find_untold(k))) {
		k->doing = TELLING;
		r = tell(k, item);
		item->told = r == 0;	/* also if the guest will refuse it: it would again */
	} else if (round_is_on(k)) {
		k->doing = ASKING;
		r = ask(k);
	}
	if (r < 0)			/* nothing to do, or no room in the ring: the timer comes back */
		k->doing = NOTHING;
	device_timer_arm(k->timer, now + (r < 0 ? ROUND_NS : PATIENCE_NS));
}

/* --- ends --- */

static void addresses_done(struct kvp *k, int result)
{
	kvp_done *done = k->done;

	if (!k->addresses)
		return;
	free(k->addresses);
	k->addresses = NULL;
	done(k->done_context, result);
}

static void forget_deleted(struct kvp *k)
{
	for (unsigned int i = k->host_count; i-- > 0; ) {
		if (k->host[i].pair.value || !k->host[i].told)
			continue;
		pair_clear(&k->host[i].pair);
		k->host[i] = k->host[--k->host_count];
	}
}

static void round_end(struct kvp *k)
{
	struct kvp_list *items = items_of(k, k->pool);

	list_clear(items);
	*items = k->round;
	k->round = (struct kvp_list){ 0 };
	k->index = 0;
	k->pool = k->pool == KVP_POOL_AUTO ? KVP_POOL_GUEST : KVP_POOL_EXTERNAL;	/* the next one, or none */
}

static char *value_text(const struct kvp_wire_value *v)
{
	char number[24];

	if (v->type == KVP_STRING)
		return utf16_to_utf8(v->value.text, v->value_size < sizeof(v->value) ? v->value_size : sizeof(v->value));
	if (v->type != KVP_U32 && v->type != KVP_U64)
		return NULL;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)(v->type == KVP_U32 ? v->value.u32 : v->value.u64));
	return strdup(number);
}

static void take_item(struct kvp *k, uint32_t status, const uint8_t *body, size_t size)
{
	struct kvp_wire_enumerate m;

	if (status != IC_OK || size < sizeof(m) || k->index == GUEST_ITEMS_MAX) {
		round_end(k);
		return;
	}
	memcpy(&m, body, sizeof(m));
	list_add(&k->round, utf16_to_utf8(m.data.key, m.data.key_size < sizeof(m.data.key) ? m.data.key_size : sizeof(m.data.key)),
		 value_text(&m.data));
	k->index++;
}

static void kvp_answered(struct ic *ic, uint32_t status, const uint8_t *body, size_t size)
{
	struct kvp *k = (struct kvp *)ic;
	enum kvp_doing did = k->doing;

	k->doing = NOTHING;
	if (did == ADDRESSING)
		addresses_done(k, status == IC_OK ? 0 : -EIO);
	else if (did == TELLING)
		forget_deleted(k);
	else if (did == ASKING)
		take_item(k, status, body, size);
	kvp_next(k);
}

/* A round is due, or the guest has kept us waiting for too long. */
static void kvp_timer(struct device *dev)
{
	struct kvp *k = device_state(dev);

	if (k->doing == ADDRESSING)
		addresses_done(k, -ETIMEDOUT);
	if (k->doing != NOTHING)
		ic_give_up(&k->ic);
	k->doing = NOTHING;
	if (!round_is_on(k))
		k->pool = KVP_POOL_AUTO;
	kvp_next(k);
}

static void kvp_ready(struct ic *ic)
{
	struct kvp *k = (struct kvp *)ic;

	for (unsigned int i = 0; i < k->host_count; i++)
		k->host[i].told = false;
	k->pool = KVP_POOL_AUTO;
	kvp_next(k);
}

static void kvp_gone(struct ic *ic)
{
	struct kvp *k = (struct kvp *)ic;

	device_timer_arm(k->timer, 0);
	k->doing = NOTHING;
	k->pool = KVP_POOL_EXTERNAL;
	k->index = 0;
	list_clear(&k->round);
	list_clear(&k->items[0]);
	list_clear(&k->items[1]);
	addresses_done(k, -ENOTCONN);
}

/* --- from the host --- */

static struct host_item *host_item_find(struct kvp *k, enum kvp_pool pool, const char *key)
{
	for (unsigned int i = 0; i < k->host_count; i++)
		if (k->host[i].pool == pool && strcmp(k->host[i].pair.key, key) == 0)
			return &k->host[i];
	return NULL;
}

static bool fits(const char *text, size_t units)
{
	uint16_t scratch[KVP_VALUE_MAX];

	return utf16_from_utf8(scratch, units, text) > 0;
}

int kvp_set_item(struct machine *m, enum kvp_pool pool, const char *key, const char *value)
{
	struct kvp *k = kvp_of(m);
	struct host_item *item = k ? host_item_find(k, pool, key) : NULL;
	char *copy = value ? strdup(value) : NULL;

	if (!k || !key[0] || !fits(key, KVP_KEY_MAX) || (value && !fits(value, KVP_VALUE_MAX)) || (value && !copy)) {
		free(copy);
		return -EINVAL;
	}
	if (!item && k->host_count < HOST_ITEMS_MAX) {
		item = &k->host[k->host_count];
		*item = (struct host_item){ .pool = pool, .pair.key = strdup(key) };
		k->host_count += item->pair.key != NULL;
	}
	if (!item || !item->pair.key) {
		free(copy);
		return -ENOSPC;
	}
	free(item->pair.value);
	item->pair.value = copy;
	item->told = false;
	kvp_next(k);
	return 0;
}

int kvp_set_addresses(struct machine *m, const struct kvp_addresses *a, kvp_done *done, void *context)
{
	struct kvp *k = kvp_of(m);
	struct kvp_wire_ip w = { .operation = KVP_SET_IP, .dhcp = a->dhcp };
	struct { const char *text; uint16_t *to; size_t units; } texts[] = {
		{ a->adapter, w.adapter, 128 }, { a->addresses, w.addresses, 1024 }, { a->masks, w.masks, 1024 },
		{ a->gateways, w.gateways, 512 }, { a->dns, w.dns, 1024 },
	};

	if (!k || !k->ic.ready)
		return -ENOTCONN;
	if (k->addresses)
		return -EBUSY;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint16_t scratch[1024];

		if (utf16_from_utf8(scratch, texts[i].units, texts[i].text) < 0)
			return -EINVAL;
		memcpy(texts[i].to, scratch, texts[i].units * sizeof(scratch[0]));
	}
	w.family = (uint8_t)((a->ipv4 ? KVP_IPV4 : 0) | (a->ipv6 ? KVP_IPV6 : 0));
	k->addresses = malloc(sizeof(w));
	if (!k->addresses)
		return -ENOMEM;
	*k->addresses = w;
	k->done = done;
	k->done_context = context;
	kvp_next(k);
	return 0;
}

/* --- device --- */

static const uint32_t frameworks[] = { IC_VERSION(3, 0), IC_VERSION(1, 0), 0 };
static const uint32_t versions[] = { IC_VERSION(4, 0), IC_VERSION(3, 0), 0 };	/* 5.0 has other IP messages */

static const struct ic_service kvp_service = {
	.message_type = IC_KVP, .frameworks = frameworks, .versions = versions,
	.ready = kvp_ready, .answered = kvp_answered, .gone = kvp_gone,
	.channel = IC_CHANNEL("key-value exchange", 0xa9a0f4e7, 0x5a45, 0x4d96, 0xb8, 0x27, 0x8a, 0x84, 0x1e, 0x8c, 0x03, 0xe6),
	.instance = VMBUS_GUID(0x242ff919, 0x07db, 0x4180, 0x9c, 0x2e, 0xb8, 0x6c, 0xb6, 0x8c, 0x8c, 0x55),
};

static int kvp_init(struct device *dev)
{
	struct kvp *k = device_state(dev);

	k->timer = device_timer_new(dev, kvp_timer);
	return k->timer ? ic_init(dev, &kvp_service) : -ENOMEM;
}

static void kvp_fini(struct device *dev)
{
	struct kvp *k = device_state(dev);

	device_timer_free(k->timer);
	list_clear(&k->round);
	list_clear(&k->items[0]);
	list_clear(&k->items[1]);
	for (unsigned int i = 0; i < k->host_count; i++)
		pair_clear(&k->host[i].pair);
	free(k->addresses);
}

const struct device_model kvp_model = {
	.name = "key-value service", .state_size = sizeof(struct kvp), .init = kvp_init, .fini = kvp_fini,
};
