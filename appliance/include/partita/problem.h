/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A refusal, decided once in vmms and handed on by webapi as application/problem+json: HTTP status and stable code come from
 * one table (problem.c), the detail is a sentence a person can act on, and the field is the JSON path of what is wrong.
 */
#ifndef PARTITA_PROBLEM_H
#define PARTITA_PROBLEM_H

#include "partita/ipc.h"

enum problem_code {
	PROBLEM_NONE,
	PROBLEM_BAD_PARAMETERS,		/* 400 */
	PROBLEM_VM_NOT_FOUND,		/* 404 … */
	PROBLEM_DISK_NOT_FOUND,
	PROBLEM_ISO_NOT_FOUND,
	PROBLEM_UPLOAD_NOT_FOUND,
	PROBLEM_VOLUME_NOT_FOUND,
	PROBLEM_JOB_NOT_FOUND,
	PROBLEM_PORT_NOT_FOUND,
	PROBLEM_DISK_SLOT_NOT_FOUND,
	PROBLEM_SWITCH_NOT_FOUND,
	PROBLEM_ADAPTER_NOT_FOUND,
	PROBLEM_VM_WRONG_STATE,		/* 409 … */
	PROBLEM_VM_NOT_OFF,
	PROBLEM_VM_NOT_RUNNING,
	PROBLEM_NAME_IN_USE,
	PROBLEM_DISK_ATTACHED,
	PROBLEM_DISK_HAS_CHILDREN,
	PROBLEM_ISO_ATTACHED,
	PROBLEM_POSITION_IN_USE,
	PROBLEM_SWITCH_IN_USE,
	PROBLEM_UPLINK_IN_USE,
	PROBLEM_MAC_IN_USE,
	PROBLEM_UPLOAD_IN_PROGRESS,
	PROBLEM_WRONG_OFFSET,
	PROBLEM_JOB_FINISHED,
	PROBLEM_JOB_NOT_CANCELLABLE,
	PROBLEM_HOST_GOES_DOWN,
	PROBLEM_STALE_ETAG,		/* 412 */
	PROBLEM_LOCKED_BY_JOB,		/* 423 */
	PROBLEM_UNKNOWN_FIELD,		/* 422 … */
	PROBLEM_MISSING_FIELD,
	PROBLEM_WRONG_TYPE,
	PROBLEM_OUT_OF_RANGE,
	PROBLEM_NOT_SUPPORTED_YET,
	PROBLEM_TOO_MANY,
	PROBLEM_ISO_TRUNCATED,
	PROBLEM_ISO_INVALID,
	PROBLEM_INTERNAL,		/* 500 */
	PROBLEM_UNAVAILABLE,		/* 503 */
	PROBLEM_NO_MEMORY,		/* 507 … */
	PROBLEM_NO_PROCESSOR,
	PROBLEM_NO_SPACE,
	PROBLEM_CODES
};

struct problem {
	enum problem_code code;
	char field[96];			/* "" when none */
	char detail[320];
};

/* Fills *p (the first one said stays) and returns -EINVAL, so that a check reads `return problem_set(…)`. */
int problem_set(struct problem *p, enum problem_code code, const char *field, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int problem_from_errno(struct problem *p, int error, const char *what);	/* negative errno of an operation; returns it */
int problem_status(enum problem_code code);
const char *problem_name(enum problem_code code);
void problem_reply(struct ipc_request *r, const struct problem *p);		/* ends the request */

#endif
