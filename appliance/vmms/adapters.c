/* SPDX-License-Identifier: Apache-2.0 */
/* See adapters.h. */
#include "adapters.h"

#include "fields.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define DEFAULT_NAME	"Network Adapter"

int mac_choose(char mac[MAC_TEXT_SIZE], bool (*taken)(const char *mac, void *data), void *data)
{
	unsigned char r[3];

	do {
		if (getrandom(r, sizeof(r), 0) != sizeof(r))
			return -EIO;
		snprintf(mac, MAC_TEXT_SIZE, "00:15:5d:%02x:%02x:%02x", r[0], r[1], r[2]);
	} while (taken(mac, data));
	return 0;
}

/* Six hexadecimal bytes with colons or hyphens, of one adapter (no group bit), not all zero; stored in lower case. */
static bool mac_read(const char *text, char mac[MAC_TEXT_SIZE])
{
	unsigned int b[6], sum = 0;
	char s[5];
	int end = 0;

	if (strlen(text) != MAC_TEXT_SIZE - 1 ||
	    sscanf(text, "%2x%c%2x%c%2x%c%2x%c%2x%c%2x%n", &b[0], &s[0], &b[1], &s[1], &b[2], &s[2], &b[3], &s[3], &b[4], &s[4], &b[5], &end) != 11 ||
	    end != MAC_TEXT_SIZE - 1)
		return false;
	for (unsigned int i = 0; i < 5; i++)
		if (s[i] != ':' && s[i] != '-')
			return false;
	for (unsigned int i = 0; i < 6; i++)
		sum |= b[i];
	if (b[0] & 1 || sum == 0)
		return false;
	snprintf(mac, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", b[0] & 255, b[1] & 255, b[2] & 255, b[3] & 255, b[4] & 255, b[5] & 255);
	return true;
}

static void parse_mac(struct fields *f, bool own_file, struct adapter *a)
{
	char text[32] = "", path[96];

	field_text(f, "macAddress", own_file ? REQUIRED : OPTIONAL, 17, text, sizeof(text));
	if (!text[0] || mac_read(text, a->mac))
		return;
	field_path(f, "macAddress", path, sizeof(path));
	problem_set(f->problem, PROBLEM_OUT_OF_RANGE, path, "%s is %s; it must be an address of one adapter such as 00:15:5d:01:02:03.", path, text);
}

static void parse_switch(struct fields *f, struct adapter *a)
{
	if (json_is_null(json_object_get(f->object, "switchId")))
		(void)field_is_present(f, "switchId");
	else
		field_id(f, "switchId", OPTIONAL, a->switch_id);
}

static void parse_vlan(struct fields *parent, struct adapter *a)
{
	static const char *const modes[] = { "access", NULL };
	const json_t *value = json_object_get(parent->object, "vlan");
	unsigned int mode;
	char path[96];
	struct fields f;

	if (!value || json_is_null(value)) {
		(void)field_is_present(parent, "vlan");
		return;
	}
	field_path(parent, "vlan", path, sizeof(path));
	fields_begin(&f, field_object(parent, "vlan", OPTIONAL), path, parent->problem);
	field_choice(&f, "mode", REQUIRED, modes, &mode);
	field_u64(&f, "id", REQUIRED, 1, VLAN_ID_MAX, &a->vlan);
	fields_end(&f);
}

int adapter_parse(const json_t *body, const char *path, bool own_file, struct adapter *a, struct problem *p)
{
	char name[96];
	bool connected;
	struct fields f;

	*a = (struct adapter){ .name = DEFAULT_NAME };
	fields_begin(&f, body, path, p);
	if (own_file)
		field_id(&f, "id", REQUIRED, a->id);
	field_text(&f, "name", OPTIONAL, ADAPTER_NAME_CHARS, a->name, sizeof(a->name));
	parse_switch(&f, a);
	parse_mac(&f, own_file, a);
	parse_vlan(&f, a);
	field_bool(&f, "macAddressSpoofing", &a->mac_spoofing);
	if (own_file)
		field_bool(&f, "connected", &connected);	/* as the switch says */
	field_path(&f, "name", name, sizeof(name));
	name_check(a->name, name, p);
	if (fields_end(&f) < 0)
		return -EINVAL;
	if (!a->id[0] && guid_new(a->id) < 0)
		return problem_set(p, PROBLEM_INTERNAL, NULL, "No random numbers.");
	return 0;
}

int adapters_parse(const json_t *list, bool own_file, struct adapters *out, struct problem *p)
{
	char path[32];

	*out = (struct adapters){ .count = 0 };
	for (size_t i = 0; i < json_array_size(list) && i < VM_ADAPTERS_MAX; i++) {
		snprintf(path, sizeof(path), "networkAdapters[%zu]", i);
		if (adapter_parse(json_array_get(list, i), path, own_file, &out->items[i], p) < 0)
			return -EINVAL;
		out->count++;
	}
	return 0;
}

json_t *adapter_to_json(const struct adapter *a)
{
	json_t *vlan = a->vlan ? json_pack("{s:s, s:I}", "mode", "access", "id", (json_int_t)a->vlan) : json_null();

	return json_pack("{s:s, s:s, s:o, s:s, s:o, s:b, s:b}", "id", a->id, "name", a->name, "switchId",
			 a->switch_id[0] ? json_string(a->switch_id) : json_null(), "macAddress", a->mac, "vlan", vlan,
			 "macAddressSpoofing", a->mac_spoofing, "connected", a->switch_id[0] != '\0');
}

json_t *adapters_to_json(const struct adapters *a)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < a->count; i++)
		json_array_append_new(list, adapter_to_json(&a->items[i]));
	return list;
}

int adapter_patch(const struct adapter *old, const json_t *patch, struct adapter *out, struct problem *p)
{
	json_t *merged = adapter_to_json(old), *value;
	const char *name;

	if (!json_is_object(patch)) {
		json_decref(merged);
		return problem_set(p, PROBLEM_WRONG_TYPE, NULL, "The patch must be an object.");
	}
	json_object_del(merged, "id");
	json_object_del(merged, "connected");
	json_object_foreach((json_t *)patch, name, value)
		json_object_set(merged, name, value);		/* null clears switchId and vlan; elsewhere it is refused */
	if (adapter_parse(merged, "", false, out, p) == 0)
		memcpy(out->id, old->id, sizeof(out->id));
	json_decref(merged);
	return p->code == PROBLEM_NONE ? 0 : -EINVAL;
}

struct adapter *adapters_find(struct adapters *a, const char *id)
{
	for (unsigned int i = 0; i < a->count; i++)
		if (strcmp(a->items[i].id, id) == 0)
			return &a->items[i];
	return NULL;
}

void adapters_remove(struct adapters *a, struct adapter *which)
{
	unsigned int index = (unsigned int)(which - a->items);

	memmove(which, which + 1, (a->count - index - 1) * sizeof(*which));
	a->count--;
}
