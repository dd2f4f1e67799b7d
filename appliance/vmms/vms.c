/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One folder per VM: vms/<id>/config.json is what the client chose, state.json is what the next vmms must know (that it ran, or
 * failed). A folder without config.json is a creation or a deletion that a crash cut off, and is removed at start.
 */
#include "vm.h"

#include "alarms.h"
#include "guest.h"
#include "guest_items.h"
#include "firmware.h"
#include "library.h"
#include "network.h"
#include "memory.h"
#include "metrics.h"
#include "partita/file.h"
#include "partita/log.h"
#include "processors.h"
#include "saved_state.h"
#include "volumes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define CONFIG_FILE	"config.json"
#define STATE_FILE	"state.json"
#define CONFIG_MAX	(1u << 20)

const char *const vm_state_words[] = { "off", "starting", "running", "stopping", "paused", "failed", "saved", "saving", "restoring", NULL };

const char *vm_name(const struct vm *vm)
{
	return vm->config.name;
}

struct vm *vm_find(const struct vmms *v, const char *id)
{
	for (struct vm *vm = v->vms; vm; vm = vm->next)
		if (strcmp(vm->id, id) == 0)
			return vm;
	return NULL;
}

static bool config_uses(const struct vm_config *c, const char *medium_id)
{
	for (unsigned int i = 0; i < c->drive_count; i++)
		if (strcmp(c->drives[i].source, medium_id) == 0)
			return true;
	return false;
}

struct vm *vm_using(const struct vmms *v, const char *medium_id)
{
	for (struct vm *vm = v->vms; vm; vm = vm->next)
		if (config_uses(&vm->config, medium_id))
			return vm;
	return NULL;
}

json_t *vms_using(const struct vmms *v, const char *medium_id)
{
	json_t *list = json_array();

	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		if (config_uses(&vm->config, medium_id))
			json_array_append_new(list,
			                      json_pack("{s:s, s:s}", "vmId", vm->id, "vmName", vm_name(vm)));
	return list;
}

uint64_t vms_assigned_bytes(const struct vmms *v)
{
	uint64_t sum = 0;

	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		if (vm->worker.present)
			sum += memory_held(vm);
	return sum;
}

/* --- as the client sees it --- */

void vm_etag(const struct vm *vm, char out[24])
{
	snprintf(out, 24, "%" PRIu64, vm->revision);
}

static json_t *health_to_json(const struct vm *vm)
{
	json_t *reasons = json_array();
	const char *level = "ok";

	if (vm->worker.unresponsive) {
		json_array_append_new(reasons, json_string("The worker process runs but does not answer."));
		level = "warning";
	}
	if (vm->worker.no_space[0]) {
		json_array_append_new(reasons, json_string("It stands still because a disk found no free space; it goes on when there is some."));
		level = "critical";
	}
	if (vm->state == VM_RUNNING && guest_is_lost(vm)) {
		json_array_append_new(reasons, json_string("The guest no longer answers the heartbeat."));
		level = "warning";
	}
	if (vm->state == VM_SAVED && vm->reason[0]) {
		json_array_append_new(reasons, json_string(vm->reason));
		level = "warning";
	}
	if (vm->state == VM_FAILED) {
		json_array_append_new(reasons, json_string(vm->reason));
		level = "critical";
	}
	return json_pack("{s:s, s:o}", "level", level, "reasons", reasons);
}

json_int_t vm_uptime_seconds(const struct vm *vm)
{
	struct timespec now;

	if (vm->started_usec == 0)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (json_int_t)now.tv_sec - (json_int_t)(vm->started_usec / 1000000);
}

/* Names of the media, for display. */
static void name_sources(const struct vm *vm, json_t *drives)
{
	for (unsigned int i = 0; i < vm->config.drive_count; i++) {
		const struct drive *d = &vm->config.drives[i];
		json_t *source = json_object_get(json_array_get(drives, i), "source");
		const struct disk_item *disk =
		    d->medium == MEDIUM_DISK ? disk_find(vm->vmms, d->source) : NULL;
		const struct iso_item *iso = d->medium == MEDIUM_DVD ? iso_find(vm->vmms, d->source) : NULL;

		if (disk || iso)
			json_object_set_new(source, "name", json_string(disk ? disk->name : iso->name));
	}
}

json_t *vm_to_json(const struct vm *vm)
{
	json_t *o = vm_config_to_json(&vm->config);
	char etag[24];

	vm_etag(vm, etag);
	name_sources(vm, json_object_get(o, "disks"));
	memory_add_to_json(vm, json_object_get(o, "memory"));
	json_object_set_new(o, "guest", guest_to_json(vm));
	json_object_set_new(o, "coreScheduling", json_string(vm->worker.core_scheduling));
	json_object_update_new(o,
	                       json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:o, s:[{s:i, s:b}, {s:i, s:b}]}",
	                                 "id", vm->id, "etag", etag, "state", vm_state_words[vm->state],
	                                 "stateReason", vm->reason, "health", health_to_json(vm),
	                                 "uptimeSeconds", vm_uptime_seconds(vm), "createdAt", json_time(vm->created_at),
	                                 "comPorts", "number", 1, "enabled", 1, "number", 2, "enabled", 1));
	return o;
}

json_t *vms_to_json(const struct vmms *v)
{
	json_t *list = json_array();

	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		json_array_append_new(list, vm_to_json(vm));
	return list;
}

/* --- rules between VMs, and between a VM and the library --- */

static int check_drive(const struct vmms *v, const struct vm *self, const struct vm_config *c,
                       unsigned int index, struct problem *p)
{
	const struct drive *d = &c->drives[index];
	const struct vm *user;
	char field[40];

	snprintf(field, sizeof(field), "disks[%u].source", index);
	if (!d->source[0])
		return 0;
	if (d->medium == MEDIUM_DVD) {
		const struct iso_item *iso = iso_find(v, d->source);

		return iso && iso->ready ? 0
		                         : problem_set(p, PROBLEM_OUT_OF_RANGE, field,
		                                       "There is no complete ISO with the id %s.", d->source);
	}
	if (!disk_find(v, d->source) || !disk_find(v, d->source)->ready)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, field, "There is no disk with the id %s.",
		                   d->source);
	for (unsigned int i = 0; i < index; i++)
		if (strcmp(c->drives[i].source, d->source) == 0)
			return problem_set(p, PROBLEM_DISK_ATTACHED, field,
			                   "The same disk is attached twice.");
	user = vm_using(v, d->source);
	if (user && user != self)
		return problem_set(p, PROBLEM_DISK_ATTACHED, field, "The disk is attached to the VM %s.",
		                   vm_name(user));
	return 0;
}

int vm_check(const struct vmms *v, const struct vm *self, const struct vm_config *c, struct problem *p)
{
	for (const struct vm *other = v->vms; other; other = other->next)
		if (other != self && strcasecmp(vm_name(other), c->name) == 0)
			return problem_set(p, PROBLEM_NAME_IN_USE, "name", "There is already a VM named %s.",
			                   vm_name(other));
	for (unsigned int i = 0; i < c->drive_count; i++)
		if (check_drive(v, self, c, i, p) < 0)
			return -EINVAL;
	if (c->memory.paging_volume[0] && !volume_is_known(v, c->memory.paging_volume))
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "memory.smartPagingVolumeId", "memory.smartPagingVolumeId is no volume of this host.");
	return network_check(v, self, c, p);
}

/* --- storing --- */

static int folder_open(const struct vm *vm)
{
	return directory_open(vm->vmms->vms_dir, vm->id, 0700);
}

static int config_save(const struct vm *vm, const struct vm_config *c, uint64_t revision)
{
	json_t *o = json_pack("{s:i, s:s, s:I, s:o, s:o}", "formatVersion", 1, "id", vm->id, "revision",
	                      (json_int_t)revision, "createdAt", json_time(vm->created_at), "config",
	                      vm_config_to_json(c));
	int dir = folder_open(vm), r = dir;

	if (dir >= 0) {
		r = o ? file_write_json(dir, CONFIG_FILE, o, 0600) : -ENOMEM;
		close(dir);
	}
	json_decref(o);
	return r;
}

static int variables_create(const struct vm *vm)
{
	int dir = vm->config.generation == 2 ? folder_open(vm) : 0, r;

	if (dir <= 0)
		return dir;
	r = firmware_variables_create(vm->vmms, dir);
	close(dir);
	return r;
}

static const char *stored_word(enum vm_state state)
{
	switch (state) {
	case VM_FAILED:	return "failed";
	case VM_OFF:	return "stopped";
	case VM_SAVED:	return "saved";
	case VM_SAVING:	return "saving";
	default:	return "running";
	}
}

void vm_state_save(const struct vm *vm)
{
	bool off = (vm->state == VM_OFF && !vm->stopped_with_host) || (vm->state == VM_SAVED && !vm->reason[0]);
	bool resumes = vm->resumes && (vm->state == VM_SAVING || vm->state == VM_RESTORING);
	json_t *o = json_pack("{s:s, s:s, s:s, s:b}", "state", stored_word(vm->state), "reason", vm->reason, "bootId", vm->vmms->boot_id,
			      "resumes", resumes);
	int dir = folder_open(vm), r = dir;

	if (dir >= 0) {
		r = off ? file_remove(dir, STATE_FILE) : file_write_json(dir, STATE_FILE, o, 0600);
		close(dir);
	}
	if (r < 0)
		log_error("vms/%s/%s: %s", vm->id, STATE_FILE, strerror(-r));
	json_decref(o);
}

static void insert_by_name(struct vmms *v, struct vm *vm)
{
	struct vm **at = &v->vms;

	while (*at && strcasecmp(vm_name(*at), vm_name(vm)) < 0)
		at = &(*at)->next;
	vm->next = *at;
	*at = vm;
	v->vm_count++;
}

static void unlink_vm(struct vm *vm)
{
	for (struct vm **at = &vm->vmms->vms; *at; at = &(*at)->next)
		if (*at == vm) {
			*at = vm->next;
			vm->vmms->vm_count--;
			return;
		}
}

/* config.json goes first: what is left of the folder after a crash is removed at the next start. */
static int folder_remove(const struct vmms *v, const char *id)
{
	int dir = openat(v->vms_dir, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), r;

	if (dir < 0)
		return -errno;
	r = file_remove(dir, CONFIG_FILE);
	if (r == 0)
		r = file_remove(dir, STATE_FILE);
	if (r == 0)
		r = file_remove(dir, SAVED_STATE_FILE);
	if (r == 0)
		r = file_remove(dir, FIRMWARE_VARIABLES_FILE);
	if (r == 0)
		r = file_remove(dir, GUEST_ITEMS_FILE);
	file_remove_temporaries(dir);
	close(dir);
	if (r == 0 && unlinkat(v->vms_dir, id, AT_REMOVEDIR) < 0)
		r = -errno;
	if (r == 0 && fsync(v->vms_dir) < 0)
		r = -errno;
	return r;
}

int vm_add(struct vmms *v, const struct vm_config *c, const char *id, struct vm **out, struct problem *p)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int r = vm ? 0 : -ENOMEM;

	if (vm) {
		*vm = (struct vm){ .vmms = v, .config = *c, .created_at = time(NULL), .revision = 1 };
		snprintf(vm->id, sizeof(vm->id), "%s", id);
		r = variables_create(vm);
		if (r == 0)
			r = config_save(vm, c, 1);
	}
	if (r < 0) {
		folder_remove(v, id);
		free(vm);
		return problem_from_errno(p, r, "The VM could not be stored");
	}
	insert_by_name(v, vm);
	event_add(v, "vm.created", SEVERITY_INFO, object_ref("vm", vm->id, vm_name(vm)), NULL,
	          "VM %s was created.", vm_name(vm));
	*out = vm;
	return 0;
}

int vm_change(struct vm *vm, const struct vm_config *c, struct problem *p)
{
	int r = config_save(vm, c, vm->revision + 1);

	if (r < 0)
		return problem_from_errno(p, r, "The change could not be stored");
	unlink_vm(vm);
	vm->config = *c;
	vm->revision++;
	insert_by_name(vm->vmms, vm);
	processors_apply(vm->vmms);
	event_add(vm->vmms, "vm.updated", SEVERITY_INFO, object_ref("vm", vm->id, vm_name(vm)), NULL,
	          "VM %s was changed.", vm_name(vm));
	return 0;
}

/* The disk goes with the VM, unless another was laid over it meanwhile. */
static struct disk_item *own_disk(const struct vm *vm, const struct drive *drive)
{
	struct disk_item *d = disk_find(vm->vmms, drive->source);

	return d && strcmp(d->created_with, vm->id) == 0 && !disk_item_child(vm->vmms, d) ? d : NULL;
}

static int remove_check(const struct vm *vm, struct problem *p)
{
	for (unsigned int i = 0; i < vm->config.drive_count; i++) {
		const struct disk_item *d = own_disk(vm, &vm->config.drives[i]);

		if (d && d->busy)
			return problem_set(p, PROBLEM_LOCKED_BY_JOB, NULL, "A job works on the disk %s, which would be deleted with the VM.",
					   d->name);
	}
	return 0;
}

int vm_remove(struct vm *vm, struct problem *p)
{
	struct vmms *v = vm->vmms;
	int r = remove_check(vm, p);

	if (r < 0)
		return r;
	r = folder_remove(v, vm->id);
	if (r < 0)
		return problem_from_errno(p, r, "The VM could not be deleted");
	unlink_vm(vm);
	for (unsigned int i = 0; i < vm->config.drive_count; i++) {
		struct disk_item *d = own_disk(vm, &vm->config.drives[i]);

		if (d)
			disk_item_discard(v, d);
	}
	event_add(v, "vm.deleted", SEVERITY_INFO, object_ref("vm", vm->id, vm_name(vm)), NULL,
	          "VM %s was deleted.", vm_name(vm));
	alarms_forget(v, vm->id);
	metrics_forget(vm);
	sd_event_source_disable_unref(vm->timer);
	free(vm);
	return 0;
}

/* --- at start --- */

/* "running" stays so for now: priv.c learns from vmpriv what became of the worker. After a restart of the host it is off. */
static enum vm_state state_of_word(const char *word)
{
	return strcmp(word, "stopped") == 0 || strcmp(word, "saved") == 0 ? VM_OFF : strcmp(word, "saving") == 0 ? VM_SAVING : VM_RUNNING;
}

static void load_state(struct vm *vm, int dir)
{
	const char *state = NULL, *reason = "", *boot = "";
	json_t *o = NULL;
	int resumes = 0;

	if (file_read_json(dir, STATE_FILE, CONFIG_MAX, &o) < 0 ||
	    json_unpack(o, "{s:s, s:s, s:s, s?b}", "state", &state, "reason", &reason, "bootId", &boot, "resumes", &resumes) < 0) {
		json_decref(o);
		return;
	}
	vm->was_running = strcmp(state, "running") == 0 || strcmp(state, "stopped") == 0 || strcmp(state, "saving") == 0;
	vm->resumes = resumes;
	if (strcmp(state, "failed") == 0 || (strcmp(state, "saved") == 0 && vm->has_saved_state)) {
		vm->state = VM_FAILED;
		snprintf(vm->reason, sizeof(vm->reason), "%s", reason);
	} else if (strcmp(boot, vm->vmms->boot_id) == 0) {
		vm->state = state_of_word(state);
	} else {
		snprintf(vm->reason, sizeof(vm->reason), "The host was restarted.");
	}
	json_decref(o);
}

static struct vm *load_config(struct vmms *v, int dir, const char *id)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	struct problem p = { 0 };
	json_t *o = NULL;
	int r = vm ? file_read_json(dir, CONFIG_FILE, CONFIG_MAX, &o) : -ENOMEM;

	if (r == 0 && vm_config_parse(json_object_get(o, "config"), NULL, &vm->config, &p) < 0)
		r = -EINVAL;
	if (r < 0) {
		log_error("vms/%s: %s", id, p.code ? p.detail : strerror(-r));
		free(vm);
		json_decref(o);
		return NULL;
	}
	vm->vmms = v;
	snprintf(vm->id, sizeof(vm->id), "%s", id);
	vm->revision = (uint64_t)json_integer_value(json_object_get(o, "revision"));
	vm->created_at = json_to_time(json_object_get(o, "createdAt"));
	json_decref(o);
	return vm;
}

static void load_folder(struct vmms *v, const char *id)
{
	int dir = openat(v->vms_dir, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct vm *vm;

	if (dir < 0)
		return;
	file_remove_temporaries(dir);
	if (faccessat(dir, CONFIG_FILE, F_OK, 0) < 0) {
		log_warning("vms/%s has no %s: left by a crash, removed", id, CONFIG_FILE);
		folder_remove(v, id);
	} else if ((vm = load_config(v, dir, id))) {
		vm->has_saved_state = faccessat(dir, SAVED_STATE_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
		load_state(vm, dir);
		if (vm->has_saved_state)	/* whatever else was under way */
			vm->state = VM_SAVED;
		insert_by_name(v, vm);
	}
	close(dir);
}

/* A disk that came with a VM whose creation or deletion a crash cut off. A folder that cannot be read keeps its disks. */
static void drop_orphan_disks(struct vmms *v)
{
	for (struct disk_item *d = v->disks, *next; d; d = next) {
		next = d->next;
		if (d->created_with[0] && faccessat(v->vms_dir, d->created_with, F_OK, 0) < 0 &&
		    !vm_using(v, d->id) && !disk_item_child(v, d)) {
			log_warning("disk %s belonged to a VM that is not there; removed", d->name);
			disk_item_discard(v, d);
		}
	}
}

int vms_open(struct vmms *v)
{
	DIR *dir = fdopendir(dup(v->vms_dir));

	if (!dir)
		return -errno;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		if (guid_is_valid(e->d_name))
			load_folder(v, e->d_name);
	closedir(dir);
	drop_orphan_disks(v);
	return 0;
}

void vms_close(struct vmms *v)
{
	while (v->vms) {
		struct vm *vm = v->vms;

		v->vms = vm->next;
		worker_forget(vm);
		sd_event_source_disable_unref(vm->timer);
		free(vm);
	}
}
