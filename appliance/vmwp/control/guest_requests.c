/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that the guest answers in its own time: the request waits; should its peer go away, the answer has nowhere to go. */
#include "vmwp/control/guest.h"

#include "vmwp/vsp/services.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct pending { struct ipc_request *request; const char *what; };	/* request NULL: nobody waits any more */

static void problem_of(struct problem *p, int result, const char *what)
{
	if (result == -ENOTCONN)
		problem_set(p, PROBLEM_UNAVAILABLE, NULL, "%s: the guest does not have that service, or has just lost it.", what);
	else if (result == -EBUSY || result == -EALREADY)
		problem_set(p, PROBLEM_VM_WRONG_STATE, NULL, "%s: not now, something of the kind is under way or nothing to be undone.", what);
	else if (result == -EINVAL)
		problem_set(p, PROBLEM_BAD_PARAMETERS, NULL, "%s: the text is too long, empty, or not UTF-8.", what);
	else
		problem_from_errno(p, result, what);
}

static void on_gone(struct ipc_request *r, void *data)
{
	(void)r;
	((struct pending *)data)->request = NULL;
}

static struct pending *pending_new(struct ipc_request *r, const char *what)
{
	struct pending *pending = calloc(1, sizeof(*pending));

	if (pending)
		*pending = (struct pending){ r, what };
	return pending;
}

/* The service's callback: event loop's thread, under the machine lock. */
static void pending_done(void *context, int result)
{
	struct pending *pending = context;
	struct problem p = { 0 };

	if (pending->request && result == 0) {
		ipc_reply(pending->request, NULL);
	} else if (pending->request) {
		problem_of(&p, result, pending->what);
		problem_reply(pending->request, &p);
	}
	free(pending);
}

/* What the service said at once: 0 means that pending_done() will come. */
static void pending_started(struct pending *pending, int result)
{
	if (result < 0)
		pending_done(pending, result);
	else
		ipc_request_on_gone(pending->request, on_gone, pending);
}

static void refuse(struct ipc_request *r, int result, const char *what)
{
	struct problem p = { 0 };

	problem_of(&p, result, what);
	problem_reply(r, &p);
}

static void with_vss(struct ipc_request *r, struct machine *m, const char *what, int (*start)(struct machine *, vss_done *, void *))
{
	struct pending *pending = pending_new(r, what);

	if (!pending) {
		refuse(r, -ENOMEM, what);
		return;
	}
	machine_lock(m);
	pending_started(pending, start(m, pending_done, pending));
	machine_unlock(m);
}

void guest_on_freeze(struct ipc_request *r, struct machine *m)
{
	with_vss(r, m, "Freezing the guest's file systems", vss_freeze);
}

void guest_on_thaw(struct ipc_request *r, struct machine *m)
{
	with_vss(r, m, "Thawing the guest's file systems", vss_thaw);
}

/* --- file copy --- */

static int copy_parse(const json_t *parameters, int fd, struct fcopy_request *request)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EBADF;
	*request = (struct fcopy_request){
		.folder = json_string_value(json_object_get(parameters, "folder")), .name = json_string_value(json_object_get(parameters, "name")),
		.overwrite = json_is_true(json_object_get(parameters, "overwrite")),
		.create_folder = json_is_true(json_object_get(parameters, "createFolder")), .fd = fd, .size = (uint64_t)st.st_size,
	};
	return 0;
}

void guest_on_copy(struct ipc_request *r, const json_t *parameters, struct machine *m)
{
	static const char what[] = "Copying the file into the guest";
	int fd = ipc_message_take_fd(ipc_request_message(r), 0), result;
	struct pending *pending = pending_new(r, what);
	struct fcopy_request request;

	result = pending ? copy_parse(parameters, fd, &request) : -ENOMEM;
	machine_lock(m);
	if (result == 0)
		result = fcopy_start(m, &request, pending_done, pending);
	if (result < 0 && fd >= 0)
		close(fd);
	if (pending)
		pending_started(pending, result);
	machine_unlock(m);
	if (!pending)
		refuse(r, -ENOMEM, what);
}

/* --- addresses --- */

static const char *text_of(const json_t *parameters, const char *key)
{
	const char *text = json_string_value(json_object_get(parameters, key));

	return text ? text : "";
}

void guest_on_set_addresses(struct ipc_request *r, const json_t *parameters, struct machine *m)
{
	static const char what[] = "Setting the guest's addresses";
	struct pending *pending = pending_new(r, what);
	struct kvp_addresses a = {
		.adapter = text_of(parameters, "adapter"), .dhcp = json_is_true(json_object_get(parameters, "dhcp")),
		.addresses = text_of(parameters, "addresses"), .masks = text_of(parameters, "masks"),
		.gateways = text_of(parameters, "gateways"), .dns = text_of(parameters, "dns"),
	};

	if (!pending) {
		refuse(r, -ENOMEM, what);
		return;
	}
	a.ipv6 = strchr(a.addresses, ':') != NULL;
	a.ipv4 = strchr(a.addresses, '.') != NULL || (a.dhcp && !a.ipv6);
	machine_lock(m);
	pending_started(pending, kvp_set_addresses(m, &a, pending_done, pending));
	machine_unlock(m);
}
