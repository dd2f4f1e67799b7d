/* SPDX-License-Identifier: Apache-2.0 */
/* See vm_services.h. File copy is off unless asked for, as it lets the host write into the guest. */
#include "vm_services.h"

static const struct { const char *name; bool usual; } services[VM_SERVICES] = {
	[VM_SERVICE_SHUTDOWN] = { "shutdown", true },	[VM_SERVICE_TIME_SYNC] = { "timeSync", true },
	[VM_SERVICE_HEARTBEAT] = { "heartbeat", true },	[VM_SERVICE_KEY_VALUE] = { "keyValue", true },
	[VM_SERVICE_BACKUP] = { "backup", true },	[VM_SERVICE_FILE_COPY] = { "guestFileCopy", false },
};

void services_parse(struct fields *parent, struct vm_services *s)
{
	const json_t *section = field_object(parent, "integrationServices", OPTIONAL);
	struct fields f;

	for (unsigned int i = 0; i < VM_SERVICES; i++)
		s->on[i] = services[i].usual;
	if (!section)
		return;
	fields_begin(&f, section, "integrationServices", parent->problem);
	for (unsigned int i = 0; i < VM_SERVICES; i++)
		field_bool(&f, services[i].name, &s->on[i]);
	fields_end(&f);
}

json_t *services_to_json(const struct vm_services *s)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < VM_SERVICES; i++)
		json_object_set_new(o, services[i].name, json_boolean(s->on[i]));
	return o;
}

bool services_differ(const struct vm_services *a, const struct vm_services *b)
{
	for (unsigned int i = 0; i < VM_SERVICES; i++)
		if (a->on[i] != b->on[i])
			return true;
	return false;
}
