/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of problem codes and their HTTP status (api.md "Conventions"); see partita/problem.h. */
#include "partita/problem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct { int status; const char *name; } problem_rows[PROBLEM_CODES] = {
	[PROBLEM_NONE]			= { 500, "internal_error" },
	[PROBLEM_BAD_PARAMETERS]	= { 400, "bad_parameters" },
	[PROBLEM_VM_NOT_FOUND]		= { 404, "vm_not_found" },
	[PROBLEM_DISK_NOT_FOUND]	= { 404, "disk_not_found" },
	[PROBLEM_ISO_NOT_FOUND]		= { 404, "iso_not_found" },
	[PROBLEM_VOLUME_NOT_FOUND]	= { 404, "volume_not_found" },
	[PROBLEM_UPLOAD_NOT_FOUND]	= { 404, "upload_not_found" },
	[PROBLEM_JOB_NOT_FOUND]		= { 404, "job_not_found" },
	[PROBLEM_PORT_NOT_FOUND]	= { 404, "port_not_found" },
	[PROBLEM_DISK_SLOT_NOT_FOUND]	= { 404, "disk_slot_not_found" },
	[PROBLEM_SWITCH_NOT_FOUND]	= { 404, "switch_not_found" },
	[PROBLEM_ADAPTER_NOT_FOUND]	= { 404, "network_adapter_not_found" },
	[PROBLEM_VM_WRONG_STATE]	= { 409, "vm_wrong_state" },
	[PROBLEM_VM_NOT_OFF]		= { 409, "vm_not_off" },
	[PROBLEM_VM_NOT_RUNNING]	= { 409, "vm_not_running" },
	[PROBLEM_NAME_IN_USE]		= { 409, "name_in_use" },
	[PROBLEM_DISK_ATTACHED]		= { 409, "disk_attached" },
	[PROBLEM_DISK_HAS_CHILDREN]	= { 409, "disk_has_children" },
	[PROBLEM_ISO_ATTACHED]		= { 409, "iso_attached" },
	[PROBLEM_POSITION_IN_USE]	= { 409, "position_in_use" },
	[PROBLEM_SWITCH_IN_USE]		= { 409, "switch_in_use" },
	[PROBLEM_UPLINK_IN_USE]		= { 409, "uplink_in_use" },
	[PROBLEM_MAC_IN_USE]		= { 409, "mac_address_in_use" },
	[PROBLEM_UPLOAD_IN_PROGRESS]	= { 409, "upload_in_progress" },
	[PROBLEM_WRONG_OFFSET]		= { 409, "wrong_offset" },
	[PROBLEM_JOB_FINISHED]		= { 409, "job_finished" },
	[PROBLEM_JOB_NOT_CANCELLABLE]	= { 409, "job_not_cancellable" },
	[PROBLEM_HOST_GOES_DOWN]	= { 409, "host_goes_down" },
	[PROBLEM_STALE_ETAG]		= { 412, "stale_etag" },
	[PROBLEM_LOCKED_BY_JOB]		= { 423, "locked_by_job" },
	[PROBLEM_UNKNOWN_FIELD]		= { 422, "unknown_field" },
	[PROBLEM_MISSING_FIELD]		= { 422, "missing_field" },
	[PROBLEM_WRONG_TYPE]		= { 422, "wrong_type" },
	[PROBLEM_OUT_OF_RANGE]		= { 422, "out_of_range" },
	[PROBLEM_NOT_SUPPORTED_YET]	= { 422, "not_supported_yet" },
	[PROBLEM_TOO_MANY]		= { 422, "too_many" },
	[PROBLEM_ISO_TRUNCATED]		= { 422, "iso_truncated" },
	[PROBLEM_ISO_INVALID]		= { 422, "iso_invalid" },
	[PROBLEM_INTERNAL]		= { 500, "internal_error" },
	[PROBLEM_UNAVAILABLE]		= { 503, "service_unavailable" },
	[PROBLEM_NO_MEMORY]		= { 507, "no_memory" },
	[PROBLEM_NO_PROCESSOR]		= { 507, "no_processor" },
	[PROBLEM_NO_SPACE]		= { 507, "no_space" },
};

int problem_set(struct problem *p, enum problem_code code, const char *field, const char *format, ...)
{
	va_list arguments;

	if (p->code != PROBLEM_NONE)
		return -EINVAL;
	p->code = code;
	snprintf(p->field, sizeof(p->field), "%s", field ? field : "");
	va_start(arguments, format);
	vsnprintf(p->detail, sizeof(p->detail), format, arguments);
	va_end(arguments);
	return -EINVAL;
}

int problem_from_errno(struct problem *p, int error, const char *what)
{
	if (error == -ENOSPC || error == -EDQUOT)
		problem_set(p, PROBLEM_NO_SPACE, NULL,
		            "%s: there is not enough free space on the data volume.", what);
	else
		problem_set(p, PROBLEM_INTERNAL, NULL, "%s: %s.", what, strerror(-error));
	return error;
}

int problem_status(enum problem_code code)
{
	return problem_rows[code < PROBLEM_CODES ? code : PROBLEM_INTERNAL].status;
}

const char *problem_name(enum problem_code code)
{
	return problem_rows[code < PROBLEM_CODES ? code : PROBLEM_INTERNAL].name;
}

void problem_reply(struct ipc_request *r, const struct problem *p)
{
	ipc_fail(r, problem_status(p->code), problem_name(p->code), p->field[0] ? p->field : NULL, "%s",
		 p->detail[0] ? p->detail : "The service could not say what went wrong.");
}
