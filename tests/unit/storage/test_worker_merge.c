/* SPDX-License-Identifier: Apache-2.0 */
/* vmwp.MergeDisk and vmwp.CancelMerge (appliance/vmwp/control/merge.c) over a real socket, on a chain of two; the machine is made up. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/manage.h"
#include "vmwp/chipset/ide.h"
#include "vmwp/control/control.h"
#include "vmwp/vsp/storage.h"

#define DISK_BYTES	(24u << 20)

static char folder[] = "/tmp/partita-worker-merge-XXXXXX";
static struct disk *disk;		/* the machine's only one */
static struct machine machine;
static struct merge *merges;
static struct ipc_async *client, *canceller;
static int result;			/* of the stream's end; 1: not yet */
static unsigned int notes;		/* of progress */
static bool cancel_at_once;

/* --- the machine --- */

const struct device_model ide_model, storage_model;

struct device *machine_device(struct machine *m, const struct device_model *model)
{
	static struct device device;

	(void)m;
	return model == &storage_model ? &device : NULL;
}

void machine_lock(struct machine *m)
{
	(void)m;
}

void machine_unlock(struct machine *m)
{
	(void)m;
}

struct disk *storage_disk(struct device *storage, struct storage_place place)
{
	(void)storage;
	return place.controller == 1 && place.location == 5 ? disk : NULL;
}

struct disk *ide_disk(struct device *ide, unsigned int location)
{
	(void)ide;
	(void)location;
	return NULL;
}

int controller_parse(const json_t *controller, struct vm_place *place, struct problem *p)
{
	(void)p;
	*place = (struct vm_place){ true, (unsigned int)json_integer_value(json_object_get(controller, "number")),
				    (unsigned int)json_integer_value(json_object_get(controller, "location")) };
	return 0;
}

/* --- both ends of the socket --- */

static void do_merge(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)context;
	merge_start(r, parameters, &machine, &merges);
}

static void do_cancel(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)context;
	merge_cancel(r, parameters, merges);
}

static const struct ipc_method methods[] = { { "vmwp.MergeDisk", do_merge }, { "vmwp.CancelMerge", do_cancel }, { NULL, NULL } };

static void on_lost(struct ipc_async *a, int reason, void *data)
{
	(void)a;
	(void)data;
	result = reason;
}

static void on_cancelled(struct ipc_message *m, int r, bool continues, void *data)
{
	(void)m;
	(void)continues;
	(void)data;
	assert_int_equal(r, 0);
}

static json_t *place_json(int location)
{
	return json_pack("{s:{s:i, s:i}}", "controller", "number", 1, "location", location);
}

static void on_news(struct ipc_message *m, int r, bool continues, void *data)
{
	(void)m;
	(void)data;
	if (r == 0 && continues) {
		notes++;
		if (cancel_at_once && notes == 1)
			assert_int_equal(ipc_async_call(canceller, "vmwp.CancelMerge", place_json(5), NULL, 0, 10000, on_cancelled, NULL), 0);
		return;
	}
	result = r;
}

static int open_at(const char *name, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return open(path, flags | O_CLOEXEC, 0600);
}

static int merge_at(int location)
{
	int fd = open_at("base", O_RDWR);
	json_t *parameters = place_json(location);

	json_object_set_new(parameters, "fd", json_integer(0));
	result = 1;
	notes = 0;
	assert_int_equal(ipc_async_call(client, "vmwp.MergeDisk", parameters, &fd, 1, -1, on_news, NULL), 0);
	close(fd);
	while (result == 1)
		assert_true(sd_event_run(machine.loop, 10000000) >= 0);
	return result;
}

/* --- the disk --- */

static void make_chain(void)
{
	struct disk_new n = { .format = "vhdx", .kind = DISK_DYNAMIC, .size_bytes = DISK_BYTES, .block_bytes = 1u << 20 };
	struct disk_source chain[2];
	static uint8_t data[1u << 20];
	int fd = open_at("base", O_RDWR | O_CREAT | O_TRUNC);

	assert_int_equal(disk_create_image(fd, &n), 0);
	assert_int_equal(disk_open("vhdx", fd, true, &n.parent), 0);
	n.kind = DISK_DIFFERENCING;
	n.parent_relative = "base";
	fd = open_at("child", O_RDWR | O_CREAT | O_TRUNC);
	assert_int_equal(disk_create_image(fd, &n), 0);
	close(fd);
	disk_close(n.parent);
	chain[0] = (struct disk_source){ "vhdx", open_at("child", O_RDWR) };
	chain[1] = (struct disk_source){ "vhdx", open_at("base", O_RDONLY) };
	assert_int_equal(disk_open_chain(chain, 2, false, &disk), 0);
	memset(data, 0x42, sizeof(data));
	for (unsigned int at = 0; at < DISK_BYTES; at += sizeof(data))
		assert_int_equal(disk_write(disk, at, data, sizeof(data)), 0);
}

static off_t child_bytes(void)
{
	int fd = open_at("child", O_RDONLY);
	off_t size = lseek(fd, 0, SEEK_END);

	close(fd);
	return size;
}

static void test_a_disk_is_merged_and_tells_how_far_it_is(void **state)
{
	uint8_t byte[512];

	(void)state;
	make_chain();
	assert_int_equal(merge_at(5), 0);
	assert_null(merges);
	assert_int_equal(child_bytes(), 0);
	assert_int_equal(disk_read(disk, DISK_BYTES - 512, byte, sizeof(byte)), 0);
	assert_int_equal(byte[0], 0x42);
	assert_int_equal(merge_at(5), -EREMOTE);	/* nothing is left to merge it into */
	assert_int_equal(disk_close(disk), 0);
}

static void test_a_merge_that_is_cancelled_leaves_the_disk_as_it_was(void **state)
{
	(void)state;
	make_chain();
	cancel_at_once = true;
	(void)merge_at(5);		/* it may have been faster */
	cancel_at_once = false;
	assert_true(result == -EREMOTE ? child_bytes() > 0 : child_bytes() == 0);
	assert_null(merges);
	assert_int_equal(disk_close(disk), 0);
}

static void test_where_no_disk_is_nothing_is_merged(void **state)
{
	(void)state;
	assert_int_equal(merge_at(6), -EREMOTE);
	assert_null(merges);
}

static int begin(void **state)
{
	static struct ipc_server *server;
	char path[128];

	(void)state;
	if (!mkdtemp(folder) || sd_event_default(&machine.loop) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	if (ipc_serve_path(machine.loop, path, 0600, methods, NULL, NULL, &server) < 0 ||
	    ipc_async_from_fd(machine.loop, ipc_connect_fd(path), on_lost, NULL, &client) < 0)
		return -1;
	return ipc_async_from_fd(machine.loop, ipc_connect_fd(path), on_lost, NULL, &canceller);
}

static int end(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_disk_is_merged_and_tells_how_far_it_is),
		cmocka_unit_test(test_a_merge_that_is_cancelled_leaves_the_disk_as_it_was),
		cmocka_unit_test(test_where_no_disk_is_nothing_is_merged),
	};

	return cmocka_run_group_tests_name("worker-merge", tests, begin, end);
}
