/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that reach into a guest: files, addresses, items. */
#include "adapters.h"
#include "guest_addresses.h"
#include "guest_items.h"
#include "guest_jobs.h"
#include "methods.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SPACE_LEFT	(256ull << 20)	/* on the volume, beside the file */

/* --- files --- */

static int check_copy(const struct vm *vm, struct problem *p)
{
	if (vm->state != VM_RUNNING)
		return problem_set(p, PROBLEM_VM_NOT_RUNNING, NULL, "%s is %s; a file can be copied into a guest that runs.", vm_name(vm),
				   vm_state_words[vm->state]);
	if (!vm->config.services.on[VM_SERVICE_FILE_COPY])
		return problem_set(p, PROBLEM_VM_WRONG_STATE, "integrationServices.guestFileCopy",
				   "The integration service for file copy is switched off for %s.", vm_name(vm));
	return 0;
}

/* A file without a name: it goes with the last process that has it open. */
static int temporary_open(const struct vmms *v, uint64_t size, struct problem *p)
{
	struct statvfs space;
	int fd;

	if (fstatvfs(v->state_dir, &space) == 0 && (uint64_t)space.f_bavail * space.f_frsize < size + SPACE_LEFT)
		return problem_set(p, PROBLEM_NO_SPACE, NULL, "There is not enough free space on the data volume to take the file on its way.");
	fd = openat(v->state_dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? problem_from_errno(p, -errno, "The file on its way") : fd;
}

static void begin_guest_copy(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	json_int_t size = json_integer_value(json_object_get(parameters, "sizeBytes"));
	struct vm *vm = vm_of(v, r, parameters);
	struct problem p = { 0 };
	int fd;

	if (!vm)
		return;
	fd = check_copy(vm, &p);
	if (fd == 0)
		fd = size < 0 ? problem_set(&p, PROBLEM_OUT_OF_RANGE, "sizeBytes", "sizeBytes is negative.") : temporary_open(v, (uint64_t)size, &p);
	if (fd < 0) {
		problem_reply(r, &p);
		return;
	}
	ipc_reply_fds(r, NULL, &fd, 1);
	close(fd);
}

static void reply_job(struct ipc_request *r, struct vm *vm, const struct guest_task *task)
{
	struct problem p = { 0 };
	struct job *job = NULL;

	if (guest_job_start(vm, task, &job, &p) < 0)
		problem_reply(r, &p);
	else
		ipc_reply(r, json_pack("{s:o}", "job", job_to_json(job)));
}

static void copy_to_guest(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	int fd = ipc_message_take_fd(ipc_request_message(r), 0);
	struct vm *vm = vm_of(v, r, parameters);
	struct problem p = { 0 };
	struct stat st;

	if (vm && (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		problem_set(&p, PROBLEM_BAD_PARAMETERS, NULL, "The descriptor of a file is needed.");
	if (vm && (p.code != PROBLEM_NONE || check_copy(vm, &p) < 0)) {
		problem_reply(r, &p);
	} else if (vm) {
		json_t *call = json_deep_copy(parameters);

		json_object_del(call, "id");
		reply_job(r, vm, &(struct guest_task){ "vm.copy-file", "vmwp.CopyToGuest", call, fd, "vmwp.CancelCopyToGuest" });
	}
	if (fd >= 0)
		close(fd);
}

/* --- addresses --- */

static bool has_adapter(const struct vm *vm, const char *id)
{
	for (unsigned int i = 0; i < vm->config.adapters.count; i++)
		if (strcmp(vm->config.adapters.items[i].id, id) == 0)
			return true;
	return false;
}

static void set_guest_addresses(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);
	const char *adapter = text_of(parameters, "adapterId");
	struct problem p = { 0 };
	json_t *call = NULL;

	if (!vm)
		return;
	if (!has_adapter(vm, adapter))
		problem_set(&p, PROBLEM_ADAPTER_NOT_FOUND, NULL, "The virtual machine has no network adapter with this id.");
	else
		call = guest_addresses_parse(adapter, json_object_get(parameters, "addresses"), &p);
	if (call)
		reply_job(r, vm, &(struct guest_task){ "vm.set-addresses", "vmwp.SetGuestAddresses", call, -1, NULL });
	else
		problem_reply(r, &p);
}

/* --- items --- */

static void reply_items(struct ipc_request *r, const struct vm *vm)
{
	ipc_reply(r, json_pack("{s:{s:o}}", "guestItems", "items", guest_items_to_json(vm)));
}

static void get_guest_items(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);

	if (vm)
		reply_items(r, vm);
}

static void update_guest_items(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);
	struct problem p = { 0 };

	if (!vm)
		return;
	if (guest_items_patch(vm, json_object_get(parameters, "items"), &p) < 0)
		problem_reply(r, &p);
	else
		reply_items(r, vm);
}

const struct method_row guest_method_rows[] = {
	{ "vmms.BeginGuestCopy",    "id:s sizeBytes:i",						   begin_guest_copy },
	{ "vmms.CopyToGuest",	    "id:s folder:s name:s overwrite?:b createFolder?:b",	   copy_to_guest },
	{ "vmms.SetGuestAddresses", "id:s adapterId:s addresses:v",				   set_guest_addresses },
	{ "vmms.GetGuestItems",	    "id:s",							   get_guest_items },
	{ "vmms.UpdateGuestItems",  "id:s items:v",						   update_guest_items },
	{ NULL, NULL, NULL },
};
