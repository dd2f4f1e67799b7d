/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a VM from and to JSON, with every limit of the REST contract. What the contract knows but this version
 * cannot do yet is refused by name (not_supported_yet), never ignored.
 */
#include "vm_config.h"

#include "fields.h"
#include "storage/disk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const controller_words[] = { "ide", "scsi", NULL };
const char *const medium_words[] = { "dvd", "disk", NULL };
const char *const disk_format_words[] = { "raw", "vhd", "vhdx", NULL };
const char *const disk_kind_words[] = { [DISK_FIXED] = "fixed", [DISK_DYNAMIC] = "dynamic", [DISK_DIFFERENCING] = "differencing", NULL };
const char *const automatic_start_words[] = { "never", "if-was-running", "always", NULL };
const char *const automatic_stop_words[] = { "shutdown", "turn-off", NULL };

static int not_yet(struct problem *p, const char *field, const char *what)
{
	return problem_set(p, PROBLEM_NOT_SUPPORTED_YET, field, "%s: %s not supported yet.", field, what);
}

/* --- disks --- */

static void check_disk_size(const struct disk_spec *d, const char *field, struct problem *p)
{
	static const uint64_t most[] = { [DISK_FORMAT_RAW] = 64ull << 40, [DISK_FORMAT_VHD] = 2040ull << 30, [DISK_FORMAT_VHDX] = 64ull << 40 };

	if (d->size_bytes % 512 != 0)
		problem_set(p, PROBLEM_OUT_OF_RANGE, field, "%s is %" PRIu64 "; it must be a multiple of 512.", field, d->size_bytes);
	else if (d->size_bytes > most[d->format])
		problem_set(p, PROBLEM_OUT_OF_RANGE, field, "%s is %" PRIu64 "; a %s disk has at most %" PRIu64 " bytes.", field,
			    d->size_bytes, disk_format_words[d->format], most[d->format]);
}

int disk_spec_parse(const json_t *body, const char *path, struct disk_spec *d, struct problem *p)
{
	bool differencing;
	char name[96];
	struct fields f;

	*d = (struct disk_spec){ .format = DISK_FORMAT_VHDX };
	fields_begin(&f, body, path, p);
	field_text(&f, "name", REQUIRED, DISK_NAME_CHARS, d->name, sizeof(d->name));
	field_choice(&f, "format", OPTIONAL, disk_format_words, &d->format);
	d->kind = d->format == DISK_FORMAT_RAW ? DISK_FIXED : DISK_DYNAMIC;
	field_choice(&f, "type", OPTIONAL, disk_kind_words, &d->kind);
	differencing = d->kind == DISK_DIFFERENCING;
	field_u64(&f, "sizeBytes", differencing ? OPTIONAL : REQUIRED, DISK_SIZE_MIN, DISK_SIZE_MAX, &d->size_bytes);
	field_u64(&f, "blockBytes", OPTIONAL, DISK_BLOCK_MIN, DISK_BLOCK_MAX, &d->block_bytes);
	if (differencing)
		field_id(&f, "parentId", REQUIRED, d->parent);
	field_path(&f, "sizeBytes", name, sizeof(name));
	if (p->code == PROBLEM_NONE)
		check_disk_size(d, name, p);
	field_path(&f, "blockBytes", name, sizeof(name));
	if (p->code == PROBLEM_NONE && d->block_bytes & (d->block_bytes - 1))
		problem_set(p, PROBLEM_OUT_OF_RANGE, name, "%s is %" PRIu64 "; it must be a power of two.", name, d->block_bytes);
	field_path(&f, "type", name, sizeof(name));
	if (p->code == PROBLEM_NONE && d->format == DISK_FORMAT_RAW && d->kind != DISK_FIXED)
		problem_set(p, PROBLEM_OUT_OF_RANGE, name, "%s: a raw disk can only be fixed.", name);
	field_path(&f, "name", name, sizeof(name));
	if (p->code == PROBLEM_NONE)
		name_check(d->name, name, p);
	return fields_end(&f);
}

/* --- drives --- */

static void drive_parse_controller(struct fields *parent, struct drive *d)
{
	const json_t *value = field_object(parent, "controller", OPTIONAL);
	char path[96];
	struct fields f;
	bool scsi;

	if (!value)
		return;
	field_path(parent, "controller", path, sizeof(path));
	fields_begin(&f, value, path, parent->problem);
	field_choice(&f, "type", REQUIRED, controller_words, &d->controller);
	scsi = d->controller == CONTROLLER_SCSI;
	field_u64(&f, "number", REQUIRED, 0, scsi ? VM_SCSI_CONTROLLERS - 1 : 1, &d->number);
	field_u64(&f, "location", REQUIRED, 0, scsi ? VM_SCSI_LOCATIONS - 1 : 1, &d->location);
	d->has_position = fields_end(&f) == 0;
}

static const char *const source_words[] = { [MEDIUM_DVD] = "isoId", [MEDIUM_DISK] = "diskId" };

static void drive_parse_source(struct fields *parent, struct drive *d)
{
	const json_t *value = json_object_get(parent->object, "source");
	const char *path = "source";
	char full[96];
	struct fields f;

	if (parent->problem->code != PROBLEM_NONE)
		return;
	field_path(parent, path, full, sizeof(full));
	if (!field_is_present(parent, "source") || (json_is_null(value) && d->medium == MEDIUM_DISK)) {
		problem_set(parent->problem, PROBLEM_MISSING_FIELD, full, "%s is missing: a disk needs one.",
		            full);
		return;
	}
	if (json_is_null(value))
		return;
	fields_begin(&f, value, full, parent->problem);
	if (d->medium == MEDIUM_DISK && json_object_get(value, "newDisk")) {
		char nested[120];

		snprintf(nested, sizeof(nested), "%s.newDisk", full);
		d->make_new = disk_spec_parse(field_object(&f, "newDisk", REQUIRED), nested, &d->spec,
		                              parent->problem) == 0;
	} else {
		field_id(&f, source_words[d->medium], REQUIRED, d->source);
	}
	fields_end(&f);
}

int drive_parse(const json_t *body, const char *path, bool own_file, struct drive *d, struct problem *p)
{
	struct fields f;

	*d = (struct drive){ 0 };
	fields_begin(&f, body, path, p);
	if (own_file)
		field_id(&f, "id", REQUIRED, d->id);
	field_choice(&f, "medium", REQUIRED, medium_words, &d->medium);
	field_bool(&f, "readOnly", &d->read_only);
	drive_parse_controller(&f, d);
	drive_parse_source(&f, d);
	if (d->medium == MEDIUM_DVD)
		d->read_only = true;
	if (!d->id[0] && guid_new(d->id) < 0)
		return problem_set(p, PROBLEM_INTERNAL, NULL, "No random numbers.");
	return fields_end(&f);
}

struct drive *vm_config_drive_at(struct vm_config *c, unsigned int controller, uint64_t number, uint64_t location)
{
	for (unsigned int i = 0; i < c->drive_count; i++) {
		struct drive *d = &c->drives[i];

		if (d->has_position && d->controller == controller && d->number == number && d->location == location)
			return d;
	}
	return NULL;
}

static int drive_keep_place(struct vm_config *c, const struct drive *d, const char *path, struct problem *p)
{
	const struct drive *other = vm_config_drive_at(c, d->controller, d->number, d->location);
	char field[96];

	snprintf(field, sizeof(field), "%s.controller", path);
	if (c->generation == 2 && d->controller == CONTROLLER_IDE)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, field, "%s: a virtual machine of generation 2 has no IDE controllers.", field);
	if (!other || other == d)
		return 0;
	return problem_set(p, PROBLEM_POSITION_IN_USE, field, "%s controller %" PRIu64 ", position %" PRIu64 " is already taken.",
			   d->controller == CONTROLLER_SCSI ? "SCSI" : "IDE", d->number, d->location);
}

static bool drive_take_first(struct vm_config *c, struct drive *d, unsigned int controller, unsigned int numbers, unsigned int locations)
{
	for (unsigned int i = 0; i < numbers * locations; i++) {
		if (vm_config_drive_at(c, controller, i / locations, i % locations))
			continue;
		d->controller = controller;
		d->number = i / locations;
		d->location = i % locations;
		d->has_position = true;
		return true;
	}
	return false;
}

int drive_place(struct vm_config *c, struct drive *d, bool scsi, const char *path, struct problem *p)
{
	if (d->has_position)
		return drive_keep_place(c, d, path, p);
	if (!scsi && c->generation != 2 && drive_take_first(c, d, CONTROLLER_IDE, 2, 2))
		return 0;
	if (drive_take_first(c, d, CONTROLLER_SCSI, VM_SCSI_CONTROLLERS, VM_SCSI_LOCATIONS))
		return 0;
	return problem_set(p, PROBLEM_TOO_MANY, path, "Every position of the controllers is taken.");
}

/* Positions that were asked for are taken before free ones are given away. */
static void parse_drives(struct fields *parent, bool own_file, struct vm_config *c)
{
	const json_t *list = field_array(parent, "disks", VM_DRIVES_MAX);
	char path[32];

	for (size_t i = 0; list && i < json_array_size(list); i++) {
		struct drive d;

		snprintf(path, sizeof(path), "disks[%zu]", i);
		if (drive_parse(json_array_get(list, i), path, own_file, &d, parent->problem) < 0)
			return;
		if (d.has_position && drive_place(c, &d, false, path, parent->problem) < 0)
			return;
		c->drives[c->drive_count++] = d;
	}
	for (unsigned int i = 0; i < c->drive_count; i++) {
		snprintf(path, sizeof(path), "disks[%u]", i);
		drive_place(c, &c->drives[i], false, path, parent->problem);
	}
}

/* --- the rest of a VM --- */

static void parse_generation(struct fields *f, struct vm_config *c)
{
	uint64_t generation = 1;

	field_u64(f, "generation", OPTIONAL, 1, 2, &generation);
	c->generation = (unsigned int)generation;
}

static void parse_boot_entry(const json_t *entry, unsigned int index, struct vm_config *c, struct problem *p)
{
	const char *word = json_string_value(entry);
	char field[40];

	snprintf(field, sizeof(field), "firmware.bootOrder[%u]", index);
	if (word && strcmp(word, "network") == 0) {
		not_yet(p, field, "booting from the network is");
		return;
	}
	for (unsigned int m = 0; word && medium_words[m]; m++)
		if (strcmp(word, medium_words[m]) == 0) {
			if (index == 1 && c->boot[0] == m)
				break;
			c->boot[index] = m;
			return;
		}
	problem_set(p, PROBLEM_OUT_OF_RANGE, field, "%s must be dvd or disk, each at most once.", field);
}

static void parse_firmware(struct fields *parent, struct vm_config *c)
{
	const json_t *value = field_object(parent, "firmware", OPTIONAL), *order;
	bool secure_boot = false;
	struct fields f;

	if (!value)
		return;
	fields_begin(&f, value, "firmware", parent->problem);
	field_bool(&f, "secureBoot", &secure_boot);
	if (secure_boot)
		not_yet(parent->problem, "firmware.secureBoot", "Secure Boot is");
	order = field_array(&f, "bootOrder", 3);
	if (fields_end(&f) < 0 || !order)
		return;
	c->boot_count = 0;
	if (json_array_size(order) == 0)
		problem_set(parent->problem, PROBLEM_OUT_OF_RANGE, "firmware.bootOrder",
		            "firmware.bootOrder must have an entry.");
	for (unsigned int i = 0; i < json_array_size(order) && parent->problem->code == PROBLEM_NONE; i++) {
		if (i >= 2)
			parse_boot_entry(NULL, i, c, parent->problem);
		else
			parse_boot_entry(json_array_get(order, i), i, c, parent->problem);
		c->boot_count = i + 1;
	}
}

static void parse_adapters(struct fields *f, bool own_file, struct vm_config *c)
{
	const json_t *list = field_array(f, "networkAdapters", VM_ADAPTERS_MAX);

	if (f->problem->code == PROBLEM_NONE)
		adapters_parse(list, own_file, &c->adapters, f->problem);
}

int vm_config_parse(const json_t *body, const struct vm_limits *limits, struct vm_config *c,
                    struct problem *p)
{
	struct fields f;

	*c = (struct vm_config){ .boot = { MEDIUM_DVD, MEDIUM_DISK }, .boot_count = 2 };
	fields_begin(&f, body, "", p);
	field_text(&f, "name", REQUIRED, VM_NAME_CHARS, c->name, sizeof(c->name));
	if (p->code == PROBLEM_NONE)
		name_check(c->name, "name", p);
	field_text(&f, "notes", OPTIONAL, VM_NOTES_CHARS, c->notes, sizeof(c->notes));
	parse_generation(&f, c);
	processor_parse(&f, limits, &c->processor);
	memory_parse(&f, limits, &c->memory);
	parse_firmware(&f, c);
	parse_adapters(&f, !limits, c);
	services_parse(&f, &c->services);
	field_choice(&f, "automaticStart", OPTIONAL, automatic_start_words, &c->automatic_start);
	field_choice(&f, "automaticStop", OPTIONAL, automatic_stop_words, &c->automatic_stop);
	parse_drives(&f, !limits, c);
	return fields_end(&f);
}

/* --- to JSON --- */

json_t *drive_to_json(const struct drive *d)
{
	json_t *source = d->source[0] ? json_pack("{s:s}", source_words[d->medium], d->source) : json_null();

	return json_pack("{s:s, s:{s:s, s:I, s:I}, s:s, s:o, s:b}", "id", d->id, "controller", "type", controller_words[d->controller],
	                 "number", (json_int_t)d->number, "location", (json_int_t)d->location, "medium",
	                 medium_words[d->medium], "source", source, "readOnly", d->read_only);
}

json_t *vm_config_to_json(const struct vm_config *c)
{
	json_t *order = json_array(), *drives = json_array();

	for (unsigned int i = 0; i < c->boot_count; i++)
		json_array_append_new(order, json_string(medium_words[c->boot[i]]));
	for (unsigned int i = 0; i < c->drive_count; i++)
		json_array_append_new(drives, drive_to_json(&c->drives[i]));
	return json_pack("{s:s, s:s, s:i, s:o, s:o, s:{s:o}, s:o, s:o, s:o, s:s, s:s}", "name", c->name, "notes",
			 c->notes, "generation", (int)c->generation, "processor", processor_to_json(&c->processor), "memory",
			 memory_to_json(&c->memory), "firmware", "bootOrder", order, "disks", drives,
			 "networkAdapters", adapters_to_json(&c->adapters), "integrationServices",
			 services_to_json(&c->services), "automaticStart", automatic_start_words[c->automatic_start],
			 "automaticStop", automatic_stop_words[c->automatic_stop]);
}

/* --- merge patch --- */

/* RFC 7396, 2: null removes, objects merge, anything else replaces. Depth is that of the parsed patch, which is limited. */
static void merge(json_t *target, const json_t *patch)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)patch, name, value) {
		json_t *have = json_object_get(target, name);

		if (json_is_null(value))
			json_object_del(target, name);
		else if (json_is_object(value) && json_is_object(have))
			merge(have, value);
		else
			json_object_set_new(target, name, json_deep_copy(value));
	}
}

static bool differs_cold(const struct vm_config *a, const struct vm_config *b)
{
	return a->processor.count != b->processor.count || a->processor.overcommit != b->processor.overcommit ||
	       (a->memory.startup != b->memory.startup && b->memory.dynamic) || a->memory.dynamic != b->memory.dynamic ||
	       a->boot_count != b->boot_count ||
	       memcmp(a->boot, b->boot, a->boot_count * sizeof(a->boot[0])) != 0;
}

int vm_config_patch(const struct vm_config *old, const json_t *patch, const struct vm_limits *limits,
                    struct vm_config *c, bool *cold, struct problem *p)
{
	json_t *merged;

	if (!json_is_object(patch))
		return problem_set(p, PROBLEM_WRONG_TYPE, NULL, "The patch must be an object.");
	if (json_object_get(patch, "disks"))
		return problem_set(p, PROBLEM_UNKNOWN_FIELD, "disks",
		                   "Drives are changed at /vms/{id}/disks, not in the VM.");
	if (json_object_get(patch, "networkAdapters"))
		return problem_set(p, PROBLEM_UNKNOWN_FIELD, "networkAdapters",
		                   "Adapters are changed at /vms/{id}/network-adapters, not in the VM.");
	merged = vm_config_to_json(old);
	json_object_del(merged, "disks");
	json_object_del(merged, "networkAdapters");
	merge(merged, patch);
	if (vm_config_parse(merged, limits, c, p) == 0) {
		memcpy(c->drives, old->drives, sizeof(c->drives));
		c->drive_count = old->drive_count;
		c->adapters = old->adapters;
		*cold = differs_cold(old, c);
	}
	if (p->code == PROBLEM_NONE && c->generation != old->generation)
		problem_set(p, PROBLEM_OUT_OF_RANGE, "generation", "The generation of a VM cannot be changed.");
	json_decref(merged);
	return p->code == PROBLEM_NONE ? 0 : -EINVAL;
}
