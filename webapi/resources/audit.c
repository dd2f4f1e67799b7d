/* SPDX-License-Identifier: Apache-2.0 */
/* /audit: who did what from where. */
#include "auth/audit.h"
#include "http/page.h"
#include "http/route.h"

static void audit_list(struct request *req, struct reply *rep)
{
	uint64_t limit;

	if (page_limit(req, rep, &limit) == 0)
		reply_json(rep, 200, json_pack("{s:o}", "items", audit_newest(req->api->audit, (size_t)limit)));
}

const struct route audit_routes[] = {
	{ "GET", "/audit", ROLE_ADMINISTRATOR, BODY_NONE, "limit", audit_list, 0, NULL, NULL },
	{ 0 }
};
