/* SPDX-License-Identifier: Apache-2.0 */
/* Methods on the host, jobs and events. */
#include "guest_jobs.h"
#include "host_power.h"
#include "host_stop.h"
#include "methods.h"

#include "job_work.h"

#include <errno.h>
#include <unistd.h>

#define EVENTS_LIMIT_DEFAULT	200
#define EVENTS_LIMIT_MAX	1000

static void get_host(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	(void)parameters;
	ipc_reply(r, json_pack("{s:o}", "host", host_to_json(v)));
}

static void list_jobs(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	(void)parameters;
	ipc_reply(r, json_pack("{s:o}", "jobs", jobs_to_json(v)));
}

static struct job *job_of(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct job *j = job_find(v, text_of(parameters, "id"));
	struct problem p = { 0 };

	if (j)
		return j;
	problem_set(&p, PROBLEM_JOB_NOT_FOUND, NULL, "There is no job with this id.");
	problem_reply(r, &p);
	return NULL;
}

static void get_job(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct job *j = job_of(v, r, parameters);

	if (j)
		ipc_reply(r, json_pack("{s:o}", "job", job_to_json(j)));
}

static void cancel_job(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct job *j = job_of(v, r, parameters);
	struct problem p = { 0 };
	int result;

	if (!j)
		return;
	result = job_work_cancel(j, &p);
	if (result == -ENOENT)
		result = guest_job_cancel(v, j, &p);
	if (result == -ENOENT)
		result = power_cancel(v, j, &p);
	if (result < 0)
		problem_reply(r, &p);
	else
		ipc_reply(r, json_pack("{s:o}", "job", job_to_json(j)));
}

static json_int_t since_of(const json_t *parameters)
{
	const json_t *since = json_object_get(parameters, "since");

	return since ? json_integer_value(since) : -1;
}

static void list_events(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	json_int_t limit = json_integer_value(json_object_get(parameters, "limit"));

	if (limit <= 0)
		limit = EVENTS_LIMIT_DEFAULT;
	if (limit > EVENTS_LIMIT_MAX)
		limit = EVENTS_LIMIT_MAX;
	ipc_reply(r, json_pack("{s:o}", "events", events_list(v, since_of(parameters), limit)));
}

static void watch_events(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	if (ipc_request_wants_more(r))
		events_watch(v, r, since_of(parameters));
	else
		ipc_fail(r, 400, "bad_parameters", NULL, "This method is a stream.");
}

static void get_host_power(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	(void)parameters;
	ipc_reply(r, json_pack("{s:o}", "power", host_power_to_json(v)));
}

static void power_host(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	host_power(v, r, text_of(parameters, "action"));
}

static void stop_vms(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	(void)parameters;
	if (ipc_request_uid(r) != 0 && ipc_request_uid(r) != geteuid())
		ipc_fail(r, 403, "forbidden", NULL, "Only the host itself stops every virtual machine.");
	else
		host_stop_begin(v, r);
}

const struct method_row other_method_rows[] = {
	{ "vmms.GetHost",     "",		    get_host },
	{ "vmms.GetHostPower", "",		    get_host_power },
	{ "vmms.PowerHost",   "action:s",	    power_host },
	{ "vmms.StopVms",     "",		    stop_vms },
	{ "vmms.ListJobs",    "",		    list_jobs },
	{ "vmms.GetJob",      "id:s",		    get_job },
	{ "vmms.CancelJob",   "id:s",		    cancel_job },
	{ "vmms.ListEvents",  "since?:i limit?:i",  list_events },
	{ "vmms.WatchEvents", "since?:i",	    watch_events },
	{ NULL, NULL, NULL },
};
