/* SPDX-License-Identifier: Apache-2.0 */
/* vmwp.Configure's "vm": checked field by field; every descriptor is named once and leaves the message here. */
#include "vmwp/control/control.h"
#include "vmwp/vsp/storage.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_MIN	(32ull << 20)
#define MEMORY_MAX	(4ull << 40)
#define MEMORY_STEP	(2ull << 20)

void vm_config_init(struct vm_config *c)
{
	memset(c, 0, sizeof(*c));
	c->bios_fd = c->vga_bios_fd = c->code_fd = c->vars_fd = c->driver_fd = -1;
	for (unsigned int i = 0; i < VM_DISKS_MAX; i++)
		c->disks[i].fd = -1;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void vm_disk_clear(struct vm_disk *d)
{
	close_fd(&d->fd);
	while (d->parent_count > 0)
		close_fd(&d->parents[--d->parent_count].fd);
}

void vm_config_clear(struct vm_config *c)
{
	close_fd(&c->bios_fd);
	close_fd(&c->vga_bios_fd);
	close_fd(&c->code_fd);
	close_fd(&c->vars_fd);
	close_fd(&c->driver_fd);
	for (unsigned int i = 0; i < VM_DISKS_MAX; i++)
		vm_disk_clear(&c->disks[i]);
}

static int refuse(struct problem *p, const char *field)
{
	return problem_set(p, PROBLEM_BAD_PARAMETERS, field, "%s is missing or not what it may be.", field);
}

static int take_text(const json_t *object, const char *key, char *to, size_t size, struct problem *p)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text || strlen(text) >= size)
		return refuse(p, key);
	memcpy(to, text, strlen(text) + 1);
	return 0;
}

static int take_number(const json_t *object, const char *key, uint64_t min, uint64_t max, uint64_t *to, struct problem *p)
{
	const json_t *value = json_object_get(object, key);
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || (uint64_t)n < min || (uint64_t)n > max)
		return refuse(p, key);
	*to = (uint64_t)n;
	return 0;
}

/* An index into the message's descriptors; absent, null or -1 means none. */
static int take_fd(const json_t *object, const char *key, struct ipc_message *message, int *to, struct problem *p)
{
	const json_t *value = json_object_get(object, key);
	int fd;

	if (!value || json_is_null(value) || json_integer_value(value) == -1)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) >= IPC_FDS_MAX)
		return refuse(p, key);
	fd = ipc_message_take_fd(message, (size_t)json_integer_value(value));
	if (fd < 0)
		return refuse(p, key);
	*to = fd;
	return 0;
}

int controller_parse(const json_t *controller, struct vm_place *place, struct problem *p)
{
	const char *type = json_string_value(json_object_get(controller, "type"));
	uint64_t number, location, last_number = 1, last_location = 1;

	place->scsi = type && strcmp(type, "scsi") == 0;
	if (place->scsi) {
		last_number = STORAGE_CONTROLLERS - 1;
		last_location = STORAGE_LOCATIONS - 1;
	} else if (!type || strcmp(type, "ide") != 0) {
		return refuse(p, "controller.type");
	}
	if (take_number(controller, "number", 0, last_number, &number, p) < 0 ||
	    take_number(controller, "location", 0, last_location, &location, p) < 0)
		return -EINVAL;
	place->controller = (unsigned int)number;
	place->location = (unsigned int)location;
	return 0;
}

/* parents: [{fd, format}], the nearest first. */
static int parents_parse(const json_t *list, struct ipc_message *message, struct vm_disk *d, struct problem *p)
{
	if (list && (!json_is_array(list) || json_array_size(list) > VM_PARENTS_MAX || d->fd < 0))
		return refuse(p, "parents");
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct vm_disk_parent *parent = &d->parents[i];
		int r;

		parent->fd = -1;
		r = take_fd(json_array_get(list, i), "fd", message, &parent->fd, p);
		if (r == 0 && parent->fd < 0)
			r = refuse(p, "parents");
		if (r < 0)
			return r;
		d->parent_count++;
		if (take_text(json_array_get(list, i), "format", parent->format, sizeof(parent->format), p) < 0)
			return -EINVAL;
	}
	return 0;
}

int disk_parse(const json_t *value, struct ipc_message *message, struct vm_disk *d, struct problem *p)
{
	char medium[8];
	int r = controller_parse(json_object_get(value, "controller"), &d->place, p);

	if (r == 0)
		r = take_text(value, "medium", medium, sizeof(medium), p);
	if (r == 0)
		r = take_fd(value, "fd", message, &d->fd, p);
	if (r < 0)
		return r;
	d->cd = strcmp(medium, "dvd") == 0;
	d->read_only = d->cd || json_is_true(json_object_get(value, "readOnly"));
	strcpy(d->format, d->cd && d->place.scsi ? "iso" : "raw");
	if (!d->cd && strcmp(medium, "disk") != 0)
		return refuse(p, "medium");
	if (!d->cd && d->fd < 0)
		return refuse(p, "fd");
	if (!d->cd && json_object_get(value, "format") && take_text(value, "format", d->format, sizeof(d->format), p) < 0)
		return -EINVAL;
	if (parents_parse(json_object_get(value, "parents"), message, d, p) < 0)
		return -EINVAL;
	if (json_is_string(json_object_get(value, "serial")))
		return take_text(value, "serial", d->serial, sizeof(d->serial), p);
	return 0;
}

static bool place_is_taken(const struct vm_config *c, const struct vm_place *place)
{
	for (unsigned int i = 0; i < c->disk_count; i++) {
		const struct vm_place *other = &c->disks[i].place;

		if (other->scsi == place->scsi && other->controller == place->controller && other->location == place->location)
			return true;
	}
	return false;
}

static int disks_parse(const json_t *list, struct ipc_message *message, struct vm_config *c, struct problem *p)
{
	int r = 0;

	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > VM_DISKS_MAX)
		return refuse(p, "disks");
	for (c->disk_count = 0; r == 0 && c->disk_count < json_array_size(list); c->disk_count++) {
		struct vm_disk *d = &c->disks[c->disk_count];

		r = disk_parse(json_array_get(list, c->disk_count), message, d, p);
		if (r == 0 && (place_is_taken(c, &d->place) || (c->generation == 2 && !d->place.scsi)))
			return refuse(p, "controller");
	}
	return r;
}

static int boot_order_parse(const json_t *list, struct vm_config *c, struct problem *p)
{
	if (list && (!json_is_array(list) || json_array_size(list) > VM_BOOT_MAX))
		return refuse(p, "bootOrder");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_array_get(list, i));

		if (!word)
			return refuse(p, "bootOrder");
		c->boot[i] = strcmp(word, "dvd") == 0 ? VM_BOOT_CD : strcmp(word, "disk") == 0 ? VM_BOOT_DISK : VM_BOOT_NONE;
	}
	return 0;
}

static int firmware_parse(const json_t *firmware, struct ipc_message *message, struct vm_config *c, struct problem *p)
{
	const struct { unsigned int generation; const char *key; int *fd; bool needed; } parts[] = {
		{ 1, "biosFd", &c->bios_fd, true }, { 1, "vgaBiosFd", &c->vga_bios_fd, false },
		{ 2, "codeFd", &c->code_fd, true }, { 2, "varsFd", &c->vars_fd, true },
		{ 2, "driverFd", &c->driver_fd, false },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].generation != c->generation)
			continue;
		if (take_fd(firmware, parts[i].key, message, parts[i].fd, p) < 0)
			return -EINVAL;
		if (parts[i].needed && *parts[i].fd < 0)
			return refuse(p, parts[i].key);
	}
	return 0;
}

int configure_parse(json_t *vm, struct ipc_message *message, struct vm_config *c, struct problem *p)
{
	uint64_t generation = 0, processors = 0;
	int r = take_text(vm, "id", c->id, sizeof(c->id), p);

	if (r == 0)
		r = take_text(vm, "name", c->name, sizeof(c->name), p);
	if (r == 0)
		r = take_number(vm, "generation", 1, 2, &generation, p);
	c->generation = (unsigned int)generation;
	if (r == 0)
		r = take_number(vm, "processors", 1, MACHINE_VPS_MAX, &processors, p);
	if (r == 0)
		r = take_number(vm, "memoryBytes", MEMORY_MIN, MEMORY_MAX, &c->memory_bytes, p);
	if (r == 0 && c->memory_bytes % MEMORY_STEP)
		r = refuse(p, "memoryBytes");
	if (r == 0 && json_object_get(vm, "maximumMemoryBytes"))
		r = take_number(vm, "maximumMemoryBytes", c->memory_bytes, MEMORY_MAX, &c->memory_maximum_bytes, p);
	if (r == 0)
		r = boot_order_parse(json_object_get(vm, "bootOrder"), c, p);
	if (r == 0)
		r = disks_parse(json_object_get(vm, "disks"), message, c, p);
	if (r == 0)
		r = firmware_parse(json_object_get(vm, "firmware"), message, c, p);
	c->processors = (unsigned int)processors;
	return r;
}
