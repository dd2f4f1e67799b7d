/* SPDX-License-Identifier: Apache-2.0 */
/* /jobs: long work, its progress and its end. */
#include "http/page.h"
#include "http/route.h"
#include "upstream/vmms.h"

static void jobs_list(struct request *req, struct reply *rep)
{
	vmms_reply_page(req->api->vmms, "vmms.ListJobs", "jobs", req, rep);
}

static void job_get(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.GetJob", json_pack("{s:s}", "id", req->param[0]), "job", 200,
	                rep);
}

static void job_delete(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.CancelJob", json_pack("{s:s}", "id", req->param[0]), "job", 202,
	                rep);
}

const struct route job_routes[] = {
	{ "GET", "/jobs", ROLE_VIEWER, BODY_NONE, PAGE_QUERY, jobs_list, 0, NULL, NULL },
	{ "GET", "/jobs/{id}", ROLE_VIEWER, BODY_NONE, NULL, job_get, 0, NULL, NULL },
	{ "DELETE", "/jobs/{id}", ROLE_OPERATOR, BODY_NONE, NULL, job_delete, 0, NULL, NULL },
	{ 0 }
};
