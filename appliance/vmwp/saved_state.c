/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A paused machine in a file, and back in another process. The file: a header, the records (state.h), the content of RAM, and
 * the magic once more, so that a file that was cut is never taken for a whole one. It may be damaged: everything is checked.
 *
 * Before anything is read, devices end what is on its way (settle): a disk request that ends later would change RAM that is
 * written already. The order of the records is the order in which their owners need each other when they are loaded: RAM's
 * size, VPs with their interrupt controllers, devices, then VMBus, which posts messages and signals to the guest.
 */
#include "vmwp/machine.h"

#include "partita/log.h"
#include "vmwp/saved_file.h"
#include "vmwp/state.h"
#include "vmwp/vmbus/server.h"
#include "vmwp/vp/vp.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAGIC		"partita1"
#define RECORDS_MAX	(256u << 20)	/* a frame buffer is the largest there is */
#define RECORD_VERSION	1u

struct header { char magic[8]; uint64_t records_bytes; };	/* little-endian */

/* --- the records --- */

static void configuration_state(struct machine *m, struct state *s)
{
	uint32_t generation = m->config.generation, processors = m->config.processors;

	state_u32(s, &generation);
	state_u32(s, &processors);
	if (generation != m->config.generation || processors != m->config.processors)
		state_refuse(s);
}

static void device_record(struct device *dev, struct state *s)
{
	const struct device_model *model = dev->model;

	if (!model->state || state_record_begin(s, model->name, model->state_version) == 0)
		return;
	model->state(dev, s);
	state_record_end(s);
	if (state_loading(s) && state_error(s))
		log_warning("the saved state of %s is not this machine's", model->name);
}

void machine_state(struct machine *m, struct state *s)
{
	if (state_record_begin(s, "machine", RECORD_VERSION) == 0)
		return;
	configuration_state(m, s);
	clockwork_state(m, s);
	guest_memory_state(m, s);
	state_record_end(s);
	vps_state(m, s);
	for (unsigned int i = 0; i < m->device_count && !state_error(s); i++)
		device_record(&m->devices[i], s);
	vmbus_state(m->vmbus, s);
}

/* --- the file --- */

static int file_write(struct machine *m, int fd, const void *records, size_t size)
{
	struct header header = { .records_bytes = htole64(size) };
	uint64_t at = 0;
	int r;

	memcpy(header.magic, MAGIC, sizeof(header.magic));
	r = saved_put(fd, &header, sizeof(header), &at);
	if (r == 0)
		r = saved_put(fd, records, size, &at);
	if (r == 0)
		r = guest_memory_save(m, fd, &at);
	return r == 0 ? saved_put(fd, MAGIC, sizeof(header.magic), &at) : r;
}

static int records_read(int fd, void **records, size_t *size, uint64_t *at)
{
	struct header header;
	uint64_t bytes;
	int r = saved_take(fd, &header, sizeof(header), at);

	if (r < 0)
		return r;
	bytes = le64toh(header.records_bytes);
	if (memcmp(header.magic, MAGIC, sizeof(header.magic)) != 0 || bytes == 0 || bytes > RECORDS_MAX)
		return -EBADMSG;
	*records = malloc(bytes);
	if (!*records)
		return -ENOMEM;
	*size = bytes;
	return saved_take(fd, *records, bytes, at);
}

static int end_check(int fd, uint64_t at)
{
	char magic[sizeof(MAGIC) - 1];
	int r = saved_take(fd, magic, sizeof(magic), &at);

	return r == 0 && memcmp(magic, MAGIC, sizeof(magic)) != 0 ? -EBADMSG : r;
}

/* --- save --- */

static void devices_settle(struct machine *m)
{
	for (unsigned int i = 0; i < m->device_count; i++)
		if (m->devices[i].model->settle)
			m->devices[i].model->settle(&m->devices[i]);
}

static int records_make(struct machine *m, void **records, size_t *size)
{
	struct state *s = state_save_begin();

	if (!s)
		return -ENOMEM;
	machine_state(m, s);
	return state_save_end(s, records, size);
}

int machine_save(struct machine *m, int fd)
{
	void *records = NULL;
	size_t size = 0;
	int r;

	if (m->state != MACHINE_PAUSED)
		return -EBUSY;
	machine_lock(m);
	devices_settle(m);
	r = records_make(m, &records, &size);
	if (r == -EBADMSG)			/* a device said that it cannot be saved as it stands */
		r = -EBUSY;
	if (r == 0)
		r = file_write(m, fd, records, size);
	machine_unlock(m);
	free(records);
	return r;
}

/* --- restore --- */

static int records_load(struct machine *m, const void *records, size_t size)
{
	struct state *s = state_load_begin(records, size);

	if (!s)
		return -ENOMEM;
	machine_state(m, s);
	return state_load_end(s);
}

/* RAM first: rings are in it. */
static int machine_load(struct machine *m, const void *records, size_t size, int fd, uint64_t at)
{
	int r;

	machine_devices_reset(m);
	r = machine_power_on(m);
	machine_run_time(m, false);
	if (r == 0)
		r = guest_memory_load(m, fd, &at);
	if (r == 0)
		r = end_check(fd, at);
	return r == 0 ? records_load(m, records, size) : r;
}

static int machine_come_back(struct machine *m, int fd)
{
	void *records = NULL;
	size_t size = 0;
	uint64_t at = 0;
	int r = records_read(fd, &records, &size, &at);

	if (r == 0)
		r = vps_create_threads(m);
	if (r == 0) {
		machine_lock(m);
		r = machine_load(m, records, size, fd, at);
		machine_unlock(m);
	}
	free(records);
	return r;
}

int machine_restore(struct machine *m, int fd)
{
	struct timespec now;
	char reason[64];
	int r;

	if (m->state != MACHINE_CREATED || !m->device_count)
		return -EBUSY;
	r = machine_come_back(m, fd);
	if (r < 0) {
		snprintf(reason, sizeof(reason), "error: cannot be restored: errno %d", -r);
		machine_stop(m, MACHINE_FAILED, reason);
		return r;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	m->started_ns = (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
	machine_set_state(m, MACHINE_PAUSED, "");
	return 0;
}
