/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual switches: what clients made, kept in switches/<id>.json, and whether vmpriv could make them. */
#ifndef VMMS_SWITCHES_H
#define VMMS_SWITCHES_H

#include "vmms.h"

#define SWITCHES_MAX		64u
#define SWITCH_NAME_CHARS	64
#define UPLINK_SIZE		16

enum switch_kind { SWITCH_KIND_EXTERNAL, SWITCH_KIND_INTERNAL, SWITCH_KIND_PRIVATE };

struct switch_spec {
	char name[4 * SWITCH_NAME_CHARS + 1];
	unsigned int kind;
	bool nat;			/* of an internal one: the root is its router and name server */
	char uplink[UPLINK_SIZE];	/* of an external one */
};

struct switch_item {
	struct switch_item *next;
	char id[GUID_TEXT_SIZE];
	struct switch_spec spec;
	time_t created_at;
	uint64_t revision;		/* the etag */
	bool ready;			/* vmpriv has made it */
	char reason[160];		/* why not */
};

int switches_open(struct vmms *v);		/* reads them; the first time there is the Default Switch */
void switches_close(struct vmms *v);
void switches_apply(struct vmms *v);		/* vmpriv answers (again): all of them */
struct switch_item *switch_find(const struct vmms *v, const char *id);
struct switch_item *switch_default(const struct vmms *v);	/* the first internal one with NAT; NULL: none */
json_t *switch_to_json(const struct vmms *v, const struct switch_item *s);
json_t *switches_to_json(const struct vmms *v);
json_t *uplinks_to_json(const struct vmms *v);	/* the host's own network adapters */

/* 0, or -EINVAL and *p. Once vmpriv has answered (also when it refused): done(). */
typedef void switch_applied(struct vmms *v, const char *id, void *data);
int switch_create(struct vmms *v, const json_t *body, switch_applied *done, void *data, struct problem *p);
int switch_update(struct vmms *v, struct switch_item *s, const json_t *patch, switch_applied *done, void *data, struct problem *p);
int switch_delete(struct vmms *v, struct switch_item *s, struct problem *p);	/* refuses while a VM is connected */

#endif
