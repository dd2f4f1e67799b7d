/* SPDX-License-Identifier: Apache-2.0 */
/* One small file per VM that has items. Keys and values are text for the guest's programs; nothing here reads them. */
#include "guest_items.h"

#include "fields.h"
#include "partita/file.h"
#include "partita/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ITEMS_MAX	64u
#define KEY_CHARS	255u	/* of UTF-16 on the wire, less the NUL */
#define VALUE_CHARS	1023u
#define FILE_MAX	(1u << 20)

static int folder_open(const struct vm *vm)
{
	int fd = openat(vm->vmms->vms_dir, vm->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

json_t *guest_items_to_json(const struct vm *vm)
{
	int folder = folder_open(vm);
	json_t *items = NULL;
	int r = folder < 0 ? folder : file_read_json(folder, GUEST_ITEMS_FILE, FILE_MAX, &items);

	if (folder >= 0)
		close(folder);
	if (r < 0 && r != -ENOENT)
		log_warning("VM %s: %s: %s", vm_name(vm), GUEST_ITEMS_FILE, strerror(-r));
	return r == 0 ? items : json_object();
}

/* --- checks --- */

/* Characters beyond the basic plane take two units. */
static size_t utf16_units(const char *text)
{
	size_t units = 0;

	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		units += ((*c & 0xc0) != 0x80) + (*c >= 0xf0);
	return units;
}

static int check_item(const char *key, const json_t *value, struct problem *p)
{
	const char *text = json_string_value(value);

	if (!key[0] || utf16_units(key) > KEY_CHARS)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "items", "A key has 1 to %u characters.", KEY_CHARS);
	if (!text && !json_is_null(value))
		return problem_set(p, PROBLEM_WRONG_TYPE, "items", "The value of %.80s must be a string, or null to remove it.", key);
	if (text && (utf16_units(text) > VALUE_CHARS || strlen(text) != json_string_length(value)))
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "items", "The value of %.80s has more than %u characters, or a NUL.", key, VALUE_CHARS);
	return 0;
}

static int check_patch(const json_t *patch, struct problem *p)
{
	const char *key;
	json_t *value;

	if (!json_is_object(patch))
		return problem_set(p, PROBLEM_WRONG_TYPE, "items", "items must be an object of keys and values.");
	json_object_foreach((json_t *)patch, key, value)
		if (check_item(key, value, p) < 0)
			return -EINVAL;
	return 0;
}

static void merge(json_t *items, const json_t *patch)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)patch, key, value) {
		if (json_is_null(value))
			json_object_del(items, key);
		else
			json_object_set(items, key, value);
	}
}

/* --- telling --- */

static void on_told(struct ipc_message *m, int result, bool continues, void *data)
{
	const struct vm *vm = data;

	(void)m;
	(void)continues;
	if (result < 0)
		log_warning("VM %s: its worker does not take an item for the guest: %s", vm_name(vm), strerror(-result));
}

static void tell(struct vm *vm, const json_t *items)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)items, key, value)
		(void)worker_call(vm, "vmwp.SetGuestItem", json_pack("{s:s, s:O}", "key", key, "value", value), NULL, 0, on_told, vm);
}

void guest_items_apply(struct vm *vm)
{
	json_t *items = guest_items_to_json(vm);

	tell(vm, items);
	json_decref(items);
}

static int store(struct vm *vm, const json_t *items, struct problem *p)
{
	int folder = folder_open(vm), r;

	if (folder < 0)
		return problem_from_errno(p, folder, "The VM's folder");
	r = file_write_json(folder, GUEST_ITEMS_FILE, items, 0600);
	close(folder);
	return r < 0 ? problem_from_errno(p, r, "The items") : 0;
}

int guest_items_patch(struct vm *vm, const json_t *patch, struct problem *p)
{
	json_t *items;
	int r = check_patch(patch, p);

	if (r < 0)
		return r;
	items = guest_items_to_json(vm);
	merge(items, patch);
	r = json_object_size(items) > ITEMS_MAX
		? problem_set(p, PROBLEM_TOO_MANY, "items", "A virtual machine has at most %u items.", ITEMS_MAX)
		: store(vm, items, p);
	json_decref(items);
	if (r == 0 && vm->worker.control)
		tell(vm, patch);
	return r;
}
