/* SPDX-License-Identifier: Apache-2.0 */
/* See switches.h. What is stored holds even when vmpriv cannot make it now: it is tried again whenever vmpriv connects. */
#include "switches.h"

#include "fields.h"
#include "partita/file.h"
#include "partita/log.h"
#include "vm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define DESCRIPTION_MAX	65536
#define DEFAULT_NAME	"Default Switch"

static const char *const kind_words[] = { "external", "internal", "private", NULL };

struct switch_item *switch_find(const struct vmms *v, const char *id)
{
	for (struct switch_item *s = v->switches; s; s = s->next)
		if (strcmp(s->id, id) == 0)
			return s;
	return NULL;
}

struct switch_item *switch_default(const struct vmms *v)
{
	for (struct switch_item *s = v->switches; s; s = s->next)
		if (s->spec.nat)
			return s;
	return NULL;
}

static void insert_by_name(struct vmms *v, struct switch_item *s)
{
	struct switch_item **at = &v->switches;

	while (*at && strcasecmp((*at)->spec.name, s->spec.name) < 0)
		at = &(*at)->next;
	s->next = *at;
	*at = s;
}

static void unlink_item(struct vmms *v, struct switch_item *s)
{
	for (struct switch_item **at = &v->switches; *at; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			return;
		}
}

/* --- what it is --- */

static json_t *spec_to_json(const struct switch_spec *s)
{
	return json_pack("{s:s, s:s, s:b, s:o}", "name", s->name, "type", kind_words[s->kind], "nat", s->nat, "uplink",
			 s->uplink[0] ? json_string(s->uplink) : json_null());
}

static int spec_parse(const json_t *body, struct switch_spec *s, struct problem *p)
{
	struct fields f;

	*s = (struct switch_spec){ .kind = SWITCH_KIND_INTERNAL };
	fields_begin(&f, body, "", p);
	field_text(&f, "name", REQUIRED, SWITCH_NAME_CHARS, s->name, sizeof(s->name));
	field_choice(&f, "type", REQUIRED, kind_words, &s->kind);
	field_bool(&f, "nat", &s->nat);
	if (json_is_null(json_object_get(f.object, "uplink")))
		(void)field_is_present(&f, "uplink");
	else
		field_text(&f, "uplink", OPTIONAL, UPLINK_SIZE - 1, s->uplink, sizeof(s->uplink));
	name_check(s->name, "name", p);
	if (fields_end(&f) < 0)
		return -EINVAL;
	if (s->nat && s->kind != SWITCH_KIND_INTERNAL)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "nat", "nat is for internal switches.");
	if ((s->kind == SWITCH_KIND_EXTERNAL) == (s->uplink[0] == '\0'))
		return problem_set(p, s->uplink[0] ? PROBLEM_OUT_OF_RANGE : PROBLEM_MISSING_FIELD, "uplink", "%s",
				   s->uplink[0] ? "uplink is for external switches." : "uplink is missing: an external switch needs a network adapter of the host.");
	return 0;
}

json_t *switch_to_json(const struct vmms *v, const struct switch_item *s)
{
	json_t *o = spec_to_json(&s->spec), *attached = json_array();
	char etag[24];

	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		for (unsigned int i = 0; i < vm->config.adapters.count; i++)
			if (strcmp(vm->config.adapters.items[i].switch_id, s->id) == 0)
				json_array_append_new(attached, json_pack("{s:s, s:s}", "vmId", vm->id, "vmName", vm_name(vm)));
	snprintf(etag, sizeof(etag), "%" PRIu64, s->revision);
	json_object_update_new(o, json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "id", s->id, "etag", etag, "state",
					    s->ready ? "ready" : "unavailable", "stateReason", s->reason, "attachedTo", attached,
					    "createdAt", json_time(s->created_at)));
	return o;
}

json_t *switches_to_json(const struct vmms *v)
{
	json_t *list = json_array();

	for (const struct switch_item *s = v->switches; s; s = s->next)
		json_array_append_new(list, switch_to_json(v, s));
	return list;
}

/* --- the host's adapters --- */

static void read_word(const char *nic, const char *what, char *out, size_t size)
{
	char path[96];
	FILE *f;

	out[0] = '\0';
	snprintf(path, sizeof(path), "/sys/class/net/%.15s/%s", nic, what);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(out, (int)size, f))
		out[strcspn(out, "\n")] = '\0';
	else
		out[0] = '\0';		/* some cannot be read while the link is down */
	fclose(f);
}

static bool is_uplink(const char *nic)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/class/net/%.15s/device", nic);
	return nic[0] != '.' && strlen(nic) < UPLINK_SIZE && access(path, F_OK) == 0;
}

static const struct switch_item *switch_of_uplink(const struct vmms *v, const char *nic)
{
	for (const struct switch_item *s = v->switches; s; s = s->next)
		if (strcmp(s->spec.uplink, nic) == 0)
			return s;
	return NULL;
}

static json_t *uplink_to_json(const struct vmms *v, const char *nic)
{
	const struct switch_item *s = switch_of_uplink(v, nic);
	char mac[32], carrier[8], speed[16];

	read_word(nic, "address", mac, sizeof(mac));
	read_word(nic, "carrier", carrier, sizeof(carrier));
	read_word(nic, "speed", speed, sizeof(speed));
	return json_pack("{s:s, s:s, s:b, s:i, s:o}", "name", nic, "macAddress", mac, "connected", carrier[0] == '1', "speedMbps",
			 atoi(speed) > 0 ? atoi(speed) : 0, "switchId", s ? json_string(s->id) : json_null());
}

json_t *uplinks_to_json(const struct vmms *v)
{
	json_t *list = json_array();
	struct dirent **names = NULL;
	int n = scandir("/sys/class/net", &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (is_uplink(names[i]->d_name))
			json_array_append_new(list, uplink_to_json(v, names[i]->d_name));
		free(names[i]);
	}
	free(names);
	return list;
}

/* --- storing --- */

static int save(const struct vmms *v, const struct switch_item *s)
{
	json_t *o = json_pack("{s:i, s:s, s:I, s:o, s:o}", "formatVersion", 1, "id", s->id, "revision", (json_int_t)s->revision,
			      "createdAt", json_time(s->created_at), "switch", spec_to_json(&s->spec));
	char name[64];
	int r;

	snprintf(name, sizeof(name), "%s.json", s->id);
	r = o ? file_write_json(v->switches_dir, name, o, 0600) : -ENOMEM;
	json_decref(o);
	return r;
}

static int spec_check(const struct vmms *v, const struct switch_item *self, const struct switch_spec *spec, struct problem *p)
{
	for (const struct switch_item *s = v->switches; s; s = s->next) {
		if (s == self)
			continue;
		if (strcasecmp(s->spec.name, spec->name) == 0)
			return problem_set(p, PROBLEM_NAME_IN_USE, "name", "There is already a switch named %s.", s->spec.name);
		if (spec->uplink[0] && strcmp(s->spec.uplink, spec->uplink) == 0)
			return problem_set(p, PROBLEM_UPLINK_IN_USE, "uplink", "The network adapter %s belongs to the switch %s.", spec->uplink, s->spec.name);
	}
	if (spec->uplink[0] && !is_uplink(spec->uplink))
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "uplink", "This host has no network adapter %s.", spec->uplink);
	return 0;
}

/* --- vmpriv's side --- */

struct applying {
	struct vmms *vmms;
	char id[GUID_TEXT_SIZE];
	switch_applied *done;
	void *data;
};

static void on_applied(struct ipc_message *m, int result, bool continues, void *data)
{
	struct applying a = *(struct applying *)data;
	struct switch_item *s = switch_find(a.vmms, a.id);
	const char *detail = result == -EREMOTE ? json_string_value(json_object_get(json_object_get(m->body, "parameters"), "detail")) : NULL;

	(void)continues;
	free(data);
	if (s) {
		s->ready = result == 0;
		snprintf(s->reason, sizeof(s->reason), "%s", result == 0 ? "" : detail ? detail : strerror(-result));
		if (result < 0)
			log_warning("switch %s: %s", s->spec.name, s->reason);
	}
	if (a.done)
		a.done(a.vmms, a.id, a.data);
}

static const char *priv_type(const struct switch_spec *s)
{
	return s->nat ? "nat" : kind_words[s->kind];
}

static void apply(struct vmms *v, struct switch_item *s, switch_applied *done, void *data)
{
	struct applying *a = calloc(1, sizeof(*a));
	json_t *o = json_pack("{s:s, s:s}", "id", s->id, "type", priv_type(&s->spec));
	int r = -ENOMEM;

	if (s->spec.uplink[0])
		json_object_set_new(o, "uplink", json_string(s->spec.uplink));
	if (a) {
		*a = (struct applying){ .vmms = v, .done = done, .data = data };
		memcpy(a->id, s->id, sizeof(a->id));
		r = priv_call(v, "vmpriv.SetSwitch", o, NULL, 0, on_applied, a);
	} else {
		json_decref(o);
	}
	if (r == 0)
		return;
	free(a);
	s->ready = false;
	snprintf(s->reason, sizeof(s->reason), "%s", strerror(-r));
	if (done)
		done(v, s->id, data);
}

void switches_apply(struct vmms *v)
{
	for (struct switch_item *s = v->switches; s; s = s->next)
		apply(v, s, NULL, NULL);
}

/* --- changing them --- */

static struct switch_item *item_new(const struct switch_spec *spec)
{
	struct switch_item *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->spec = *spec;
	s->created_at = time(NULL);
	s->revision = 1;
	if (guid_new(s->id) == 0)
		return s;
	free(s);
	return NULL;
}

static unsigned int count(const struct vmms *v)
{
	unsigned int n = 0;

	for (const struct switch_item *s = v->switches; s; s = s->next)
		n++;
	return n;
}

static int add(struct vmms *v, const struct switch_spec *spec, struct switch_item **out)
{
	struct switch_item *s = item_new(spec);
	int r = s ? save(v, s) : -ENOMEM;

	if (r < 0) {
		free(s);
		return r;
	}
	insert_by_name(v, s);
	*out = s;
	return 0;
}

int switch_create(struct vmms *v, const json_t *body, switch_applied *done, void *data, struct problem *p)
{
	struct switch_item *s = NULL;
	struct switch_spec spec;
	int r = spec_parse(body, &spec, p);

	if (r == 0)
		r = spec_check(v, NULL, &spec, p);
	if (r == 0 && count(v) >= SWITCHES_MAX)
		r = problem_set(p, PROBLEM_TOO_MANY, NULL, "There are %u switches already; no more are possible.", SWITCHES_MAX);
	if (r < 0)
		return r;
	r = add(v, &spec, &s);
	if (r < 0)
		return problem_from_errno(p, r, "The switch could not be stored");
	event_add(v, "switch.created", SEVERITY_INFO, object_ref("switch", s->id, s->spec.name), NULL, "Switch %s was created.", s->spec.name);
	apply(v, s, done, data);
	return 0;
}

static int merged_parse(const struct switch_item *s, const json_t *patch, struct switch_spec *spec, struct problem *p)
{
	json_t *merged = spec_to_json(&s->spec), *value;
	const char *name;
	int r;

	if (json_is_object(patch)) {
		json_object_foreach((json_t *)patch, name, value)
			json_object_set(merged, name, value);
		r = spec_parse(merged, spec, p);
	} else {
		r = problem_set(p, PROBLEM_WRONG_TYPE, NULL, "The patch must be an object.");
	}
	json_decref(merged);
	return r;
}

static const struct vm *connected_vm(const struct vmms *v, const char *id)
{
	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		for (unsigned int i = 0; i < vm->config.adapters.count; i++)
			if (strcmp(vm->config.adapters.items[i].switch_id, id) == 0)
				return vm;
	return NULL;
}

int switch_update(struct vmms *v, struct switch_item *s, const json_t *patch, switch_applied *done, void *data, struct problem *p)
{
	struct switch_item changed = *s;
	const struct vm *vm;
	int r = merged_parse(s, patch, &changed.spec, p);

	if (r == 0)
		r = spec_check(v, s, &changed.spec, p);
	vm = strcmp(priv_type(&s->spec), priv_type(&changed.spec)) != 0 || strcmp(s->spec.uplink, changed.spec.uplink) != 0 ?
	     connected_vm(v, s->id) : NULL;
	if (r == 0 && vm)
		r = problem_set(p, PROBLEM_SWITCH_IN_USE, NULL, "The VM %s is connected to %s; disconnect it before the switch changes its type.",
				vm_name(vm), s->spec.name);
	if (r < 0)
		return r;
	changed.revision++;
	r = save(v, &changed);
	if (r < 0)
		return problem_from_errno(p, r, "The change could not be stored");
	unlink_item(v, s);
	*s = changed;
	insert_by_name(v, s);
	event_add(v, "switch.updated", SEVERITY_INFO, object_ref("switch", s->id, s->spec.name), NULL, "Switch %s was changed.", s->spec.name);
	apply(v, s, done, data);
	return 0;
}

int switch_delete(struct vmms *v, struct switch_item *s, struct problem *p)
{
	const struct vm *vm = connected_vm(v, s->id);
	char name[64];
	int r;

	if (vm)
		return problem_set(p, PROBLEM_SWITCH_IN_USE, NULL, "The VM %s is connected to %s; disconnect it first.", vm_name(vm), s->spec.name);
	snprintf(name, sizeof(name), "%s.json", s->id);
	r = file_remove(v->switches_dir, name);
	if (r < 0)
		return problem_from_errno(p, r, "The switch could not be deleted");
	priv_call(v, "vmpriv.RemoveSwitch", json_pack("{s:s}", "id", s->id), NULL, 0, NULL, NULL);
	event_add(v, "switch.deleted", SEVERITY_INFO, object_ref("switch", s->id, s->spec.name), NULL, "Switch %s was deleted.", s->spec.name);
	unlink_item(v, s);
	free(s);
	return 0;
}

/* --- at start --- */

static void load(struct vmms *v, const char *file)
{
	struct switch_item *s = calloc(1, sizeof(*s));
	const char *id = NULL;
	json_int_t revision = 0;
	struct problem p = { 0 };
	json_t *o = NULL;

	if (!s || file_read_json(v->switches_dir, file, DESCRIPTION_MAX, &o) < 0 ||
	    json_unpack(o, "{s:s, s:I}", "id", &id, "revision", &revision) < 0 || !guid_is_valid(id) ||
	    spec_parse(json_object_get(o, "switch"), &s->spec, &p) < 0) {
		log_error("switches/%s cannot be read; the switch is not listed", file);
		free(s);
	} else {
		snprintf(s->id, sizeof(s->id), "%s", id);
		s->revision = (uint64_t)revision;
		s->created_at = json_to_time(json_object_get(o, "createdAt"));
		snprintf(s->reason, sizeof(s->reason), "It is being set up.");
		insert_by_name(v, s);
	}
	json_decref(o);
}

/* A new appliance has one, so that a new VM has a network. Whoever deletes it does not get it back. */
static int make_default(struct vmms *v)
{
	const struct switch_spec spec = { .name = DEFAULT_NAME, .kind = SWITCH_KIND_INTERNAL, .nat = true };
	struct switch_item *s;

	return add(v, &spec, &s);
}

int switches_open(struct vmms *v)
{
	bool first = faccessat(v->state_dir, "switches", F_OK, 0) < 0;
	DIR *dir;

	v->switches_dir = directory_open(v->state_dir, "switches", 0700);
	if (v->switches_dir < 0)
		return v->switches_dir;
	if (first)
		return make_default(v);
	file_remove_temporaries(v->switches_dir);
	dir = fdopendir(dup(v->switches_dir));
	if (!dir)
		return -errno;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		if (e->d_name[0] != '.')
			load(v, e->d_name);
	closedir(dir);
	return 0;
}

void switches_close(struct vmms *v)
{
	while (v->switches) {
		struct switch_item *s = v->switches;

		v->switches = s->next;
		free(s);
	}
	if (v->switches_dir >= 0)
		close(v->switches_dir);
}
