/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmms without other processes: configuration rules, ISO checking, atomic files, events and jobs over restarts, the power state
 * machine with reports made by hand. How the services work together is tests/services.
 */
#include "vmms/adapters.h"
#include "vmms/library.h"
#include "vmms/processors.h"
#include "vmms/service.h"
#include "vmms/vm.h"
#include "partita/file.h"
#include "partita/log.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (1ull << 20)

static struct { char dir[32], run[48]; struct vmms v; } t;

static void service_up(void)
{
	t.v = (struct vmms){ .state_dir = -1, .vms_dir = -1, .disks_dir = -1, .isos_dir = -1, .jobs_dir = -1, .switches_dir = -1 };
	t.v.options = (struct vmms_options){ .state_dir = t.dir, .runtime_dir = t.run, .firmware_dir = "/nonexistent", .uefi_dir = "/nonexistent", .driver_dir = "/nonexistent", .webapi_user = "nobody",
					     .socket_group = "nogroup", .hypervisor_device = "/nonexistent" };
	assert_true(sd_event_new(&t.v.loop) >= 0);
	assert_int_equal(service_open(&t.v), 0);
}

static void service_down(void)
{
	service_close(&t.v);
	sd_event_unref(t.v.loop);
}

static int setup(void **state)
{
	(void)state;
	log_threshold((enum log_level)0);	/* the log of each start is not what is tested */
	strcpy(t.dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/test-vmms-XXXXXX" : "/tmp/test-vmms-XXXXXX");
	if (!mkdtemp(t.dir))
		return -1;
	snprintf(t.run, sizeof(t.run), "%s/run", t.dir);
	return mkdir(t.run, 0700);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(t.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- configuration --- */

static const struct vm_limits limits = { .vps = 4, .memory_bytes = 8ull << 30 };

static json_t *body(const char *change)
{
	json_t *o = json_pack("{s:s, s:{s:i}, s:{s:I}}", "name", "vm", "processor", "count", 2, "memory", "startupBytes", (json_int_t)(64 * MIB));
	json_t *with = json_loads(change, 0, NULL);

	assert_non_null(with);
	json_object_update_new(o, with);
	return o;
}

static const struct { const char *rule, *change; enum problem_code want; const char *field; } bodies[] = {
	{ "as it is", "{}", PROBLEM_NONE, "" },
	{ "64 VPs when overcommitted", "{\"processor\":{\"count\":64,\"overcommit\":true}}", PROBLEM_NONE, "" },
	{ "as many VPs as LPs", "{\"processor\":{\"count\":4}}", PROBLEM_NONE, "" },
	{ "one more", "{\"processor\":{\"count\":5}}", PROBLEM_OUT_OF_RANGE, "processor.count" },
	{ "no VP", "{\"processor\":{\"count\":0}}", PROBLEM_OUT_OF_RANGE, "processor.count" },
	{ "65 VPs", "{\"processor\":{\"count\":65,\"overcommit\":true}}", PROBLEM_OUT_OF_RANGE, "processor.count" },
	{ "fewer than none", "{\"processor\":{\"count\":-1}}", PROBLEM_OUT_OF_RANGE, "processor.count" },
	{ "32 MiB", "{\"memory\":{\"startupBytes\":33554432}}", PROBLEM_NONE, "" },
	{ "less", "{\"memory\":{\"startupBytes\":31457280}}", PROBLEM_OUT_OF_RANGE, "memory.startupBytes" },
	{ "all of the host", "{\"memory\":{\"startupBytes\":8589934592}}", PROBLEM_NONE, "" },
	{ "more", "{\"memory\":{\"startupBytes\":8592031744}}", PROBLEM_OUT_OF_RANGE, "memory.startupBytes" },
	{ "dynamic memory", "{\"memory\":{\"startupBytes\":67108864,\"dynamic\":true,\"minimumBytes\":33554432,\"maximumBytes\":134217728}}", PROBLEM_NONE, "" },
	{ "a minimum above the start", "{\"memory\":{\"startupBytes\":67108864,\"dynamic\":true,\"minimumBytes\":134217728}}", PROBLEM_OUT_OF_RANGE, "memory.minimumBytes" },
	{ "a maximum below it", "{\"memory\":{\"startupBytes\":67108864,\"dynamic\":true,\"maximumBytes\":33554432}}", PROBLEM_OUT_OF_RANGE, "memory.maximumBytes" },
	{ "a buffer of 4 percent", "{\"memory\":{\"startupBytes\":67108864,\"bufferPercent\":4}}", PROBLEM_OUT_OF_RANGE, "memory.bufferPercent" },
	{ "no weight", "{\"processor\":{\"count\":1,\"weight\":0}}", PROBLEM_OUT_OF_RANGE, "processor.weight" },
	{ "a limit of 101 percent", "{\"processor\":{\"count\":1,\"limitPercent\":101}}", PROBLEM_OUT_OF_RANGE, "processor.limitPercent" },
	{ "a reserve above the limit", "{\"processor\":{\"count\":1,\"limitPercent\":50,\"reservePercent\":51}}", PROBLEM_OUT_OF_RANGE, "processor.reservePercent" },
	{ "half a large page", "{\"memory\":{\"startupBytes\":34603008}}", PROBLEM_OUT_OF_RANGE, "memory.startupBytes" },
	{ "a name with a new line", "{\"name\":\"a\\nb\"}", PROBLEM_OUT_OF_RANGE, "name" },
	{ "64 characters of three bytes", "{\"name\":\"仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮\"}", PROBLEM_NONE, "" },
	{ "65 of them", "{\"name\":\"仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮仮\"}", PROBLEM_OUT_OF_RANGE, "name" },
	{ "disks that are no list", "{\"disks\":{}}", PROBLEM_WRONG_TYPE, "disks" },
	{ "a drive that is no object", "{\"disks\":[1]}", PROBLEM_WRONG_TYPE, "disks[0]" },
	{ "a DVD drive with a disk", "{\"disks\":[{\"medium\":\"dvd\",\"source\":{\"diskId\":\"x\"}}]}", PROBLEM_MISSING_FIELD, "disks[0].source.isoId" },
	{ "three boot entries", "{\"firmware\":{\"bootOrder\":[\"dvd\",\"disk\",\"dvd\"]}}", PROBLEM_OUT_OF_RANGE, "firmware.bootOrder[2]" },
};

static void each_configuration_is_judged_by_its_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		json_t *o = body(bodies[i].change);
		struct vm_config c;
		struct problem p = { 0 };

		vm_config_parse(o, &limits, &c, &p);
		if (p.code != bodies[i].want || strcmp(p.field, bodies[i].field) != 0)
			fail_msg("%s: %s, field %s: %s", bodies[i].rule, problem_name(p.code), p.field, p.detail);
		json_decref(o);
	}
}

/* On two LPs, four VMs that want all they can get. */
static void processor_time_is_shared_by_weight_between_reserve_and_limit(void **state)
{
	static const struct vm_processor settings[] = {
		{ .count = 2, .weight = 100, .limit_percent = 100 },
		{ .count = 2, .weight = 200, .limit_percent = 100 },
		{ .count = 2, .weight = 400, .limit_percent = 10 },			/* 20 % of one LP, however heavy */
		{ .count = 2, .weight = 1, .limit_percent = 100, .reserve_percent = 30 },	/* 60 % of one, however light */
	};
	const struct vm_processor *all[] = { &settings[0], &settings[1], &settings[2], &settings[3] };
	struct cpu_share out[4];

	(void)state;
	processors_entitle(all, 4, 2, out);
	assert_in_range(out[0].weight, 1990, 2010);	/* a third of the 120 % that are left */
	assert_in_range(out[1].weight, 3990, 4010);
	assert_int_equal(out[2].weight, 1000);
	assert_int_equal(out[3].weight, 3000);
	assert_int_equal(out[0].quota_usec, 0);
	assert_int_equal(out[2].quota_usec, 20000);
	processors_entitle(all, 1, 64, out);		/* alone on a large host: never more than it has VPs */
	assert_in_range(out[0].weight, 312, 313);
}

/* Shares of what they take, in percent of a processor, when all are busy. */
static const struct { const char *rule; uint64_t lps; struct { uint64_t vps, weight, reserve, pins; unsigned int percent; } vms[5]; } pinned[] = {
	{ "two on one processor of four share it by weight, whatever the others do", 4,
	  { { 1, 100, 0, 1, 25 }, { 1, 300, 0, 1, 75 }, { 2, 100, 0, 0, 150 }, { 2, 100, 0, 0, 150 } } },
	{ "one that is alone on its processor has all of it", 2, { { 1, 1, 0, 1, 100 }, { 4, 1000, 0, 2, 100 } } },
	{ "a set within a set", 4, { { 4, 100, 0, 1, 50 }, { 4, 100, 0, 1, 50 }, { 4, 100, 0, 3, 100 }, { 4, 100, 0, 0, 200 } } },
	{ "what the pinned ones leave is the others'", 2, { { 1, 100, 0, 1, 67 }, { 1, 100, 0, 0, 67 }, { 1, 100, 0, 0, 67 } } },
	{ "a reserve on a shared processor", 2, { { 1, 1, 40, 1, 40 }, { 1, 1000, 0, 1, 60 }, { 1, 100, 0, 2, 100 } } },
};

static void shares_of_pinned_vms_are_reckoned_over_their_processors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pinned) / sizeof(pinned[0]); i++) {
		struct vm_processor p[5];
		const struct vm_processor *all[5];
		struct cpu_share out[5];
		size_t count = 0;

		for (; count < 5 && pinned[i].vms[count].vps; count++) {
			p[count] = (struct vm_processor){ .count = pinned[i].vms[count].vps, .weight = pinned[i].vms[count].weight, .limit_percent = 100,
							  .reserve_percent = pinned[i].vms[count].reserve, .pins = { { pinned[i].vms[count].pins } } };
			all[count] = &p[count];
		}
		processors_entitle(all, count, pinned[i].lps, out);
		for (size_t n = 0; n < count; n++) {
			unsigned int percent = (unsigned int)((out[n].weight * pinned[i].lps * 100 + 5000) / 10000);

			if (percent + 1 < pinned[i].vms[n].percent || percent > pinned[i].vms[n].percent + 1)
				fail_msg("%s: number %zu is entitled to %u %%", pinned[i].rule, n, percent);
		}
	}
}

static void pinned_processors_are_a_list_of_those_there_are(void **state)
{
	static const struct { const char *pins, *list; enum problem_code want; } pins[] = {
		{ "[]", "", PROBLEM_NONE },
		{ "[1,0,1]", "0-1", PROBLEM_NONE },
		{ "[0,2,3]", "0,2-3", PROBLEM_NONE },
		{ "[4]", "", PROBLEM_OUT_OF_RANGE },
		{ "[-1]", "", PROBLEM_OUT_OF_RANGE },
		{ "[\"0\"]", "", PROBLEM_OUT_OF_RANGE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
		char text[80], list[64];
		struct vm_config c;
		struct problem p = { 0 };
		json_t *o;

		snprintf(text, sizeof(text), "{\"processor\":{\"count\":1,\"pinnedProcessors\":%s}}", pins[i].pins);
		o = body(text);
		vm_config_parse(o, &limits, &c, &p);
		json_decref(o);
		assert_int_equal(p.code, pins[i].want);
		if (p.code != PROBLEM_NONE)
			continue;
		lp_set_to_list(&c.processor.pins, list, sizeof(list));
		assert_string_equal(list, pins[i].list);
		assert_int_equal(lp_set_is_empty(&c.processor.pins), !list[0]);
	}
}

static void drives_without_a_position_get_those_that_nobody_asked_for(void **state)
{
	json_t *o = body("{\"disks\":[{\"medium\":\"dvd\",\"source\":null},"
			 "{\"medium\":\"dvd\",\"source\":null,\"controller\":{\"type\":\"ide\",\"number\":0,\"location\":0}},"
			 "{\"medium\":\"dvd\",\"source\":null}]}");
	struct vm_config c;
	struct problem p = { 0 };

	(void)state;
	assert_int_equal(vm_config_parse(o, &limits, &c, &p), 0);
	assert_int_equal(c.drives[0].number * 2 + c.drives[0].location, 1);
	assert_int_equal(c.drives[2].number * 2 + c.drives[2].location, 2);
	assert_string_not_equal(c.drives[0].id, c.drives[2].id);
	json_decref(o);
}

static void a_configuration_reads_back_as_it_was_written(void **state)
{
	json_t *o = body("{\"notes\":\"n\",\"automaticStart\":\"always\",\"automaticStop\":\"turn-off\",\"firmware\":{\"bootOrder\":[\"disk\"]},"
			 "\"disks\":[{\"medium\":\"dvd\",\"source\":{\"isoId\":\"01234567-89ab-4def-8123-456789abcdef\"}}]}");
	struct vm_config a, b;
	struct problem p = { 0 };
	json_t *first, *second;

	(void)state;
	assert_int_equal(vm_config_parse(o, &limits, &a, &p), 0);
	first = vm_config_to_json(&a);
	assert_int_equal(vm_config_parse(first, NULL, &b, &p), 0);
	second = vm_config_to_json(&b);
	assert_true(json_equal(first, second));
	json_decref(o);
	json_decref(first);
	json_decref(second);
}

static const struct { const char *rule, *patch; enum problem_code want; bool cold; } patches[] = {
	{ "nothing", "{}", PROBLEM_NONE, false },
	{ "notes", "{\"notes\":\"x\"}", PROBLEM_NONE, false },
	{ "a part of an object leaves the rest", "{\"memory\":{\"dynamic\":false}}", PROBLEM_NONE, false },
	{ "static memory, by the guest's driver", "{\"memory\":{\"startupBytes\":134217728}}", PROBLEM_NONE, false },
	{ "memory becomes dynamic", "{\"memory\":{\"dynamic\":true}}", PROBLEM_NONE, true },
	{ "boot order", "{\"firmware\":{\"bootOrder\":[\"disk\",\"dvd\"]}}", PROBLEM_NONE, true },
	{ "null removes what must be there", "{\"processor\":null}", PROBLEM_MISSING_FIELD, false },
	{ "drives are not changed here", "{\"disks\":[]}", PROBLEM_UNKNOWN_FIELD, false },
	{ "an object becomes a number", "{\"memory\":3}", PROBLEM_WRONG_TYPE, false },
	{ "a list", "[]", PROBLEM_WRONG_TYPE, false },
};

static void a_patch_changes_what_it_names_and_nothing_else(void **state)
{
	json_t *o = body("{}");
	struct vm_config old, c;
	struct problem none = { 0 };

	(void)state;
	assert_int_equal(vm_config_parse(o, &limits, &old, &none), 0);
	json_decref(o);
	for (size_t i = 0; i < sizeof(patches) / sizeof(*patches); i++) {
		json_t *patch = json_loads(patches[i].patch, 0, NULL);
		struct problem p = { 0 };
		bool cold = false;

		vm_config_patch(&old, patch, &limits, &c, &cold, &p);
		if (p.code != patches[i].want || cold != patches[i].cold)
			fail_msg("%s: %s, cold %d", patches[i].rule, problem_name(p.code), cold);
		if (p.code == PROBLEM_NONE)
			assert_int_equal(c.processor.count, old.processor.count);
		json_decref(patch);
	}
}

static const struct { const char *rule; struct host_memory have; uint64_t want; } memories[] = {
	{ "an idle host of 4 GiB", { 4096 * MIB, 3950 * MIB, 0, 256 * MIB, 0 }, (4096 - 256 - 48) * MIB },
	{ "what is promised is gone, touched or not", { 4096 * MIB, 3800 * MIB, 3000 * MIB, 256 * MIB, 1 }, (4096 - 256 - 3000 - 48 - 48) * MIB },
	{ "what others use is gone too", { 4096 * MIB, 500 * MIB, 0, 256 * MIB, 0 }, (500 - 64 - 48) * MIB },
	{ "a larger reserve is kept", { 4096 * MIB, 3950 * MIB, 0, 1024 * MIB, 0 }, (4096 - 1024 - 48) * MIB },
	{ "nothing is left", { 4096 * MIB, 3800 * MIB, 4000 * MIB, 256 * MIB, 2 }, 0 },
	{ "less than nothing", { 4096 * MIB, 10 * MIB, 8192 * MIB, 256 * MIB, 2 }, 0 },
};

static void memory_that_was_promised_is_not_given_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(memories) / sizeof(*memories); i++)
		if (host_memory_left(&memories[i].have) != memories[i].want)
			fail_msg("%s: %llu MiB", memories[i].rule, (unsigned long long)(host_memory_left(&memories[i].have) / MIB));
}

/* --- ISO 9660 --- */

static int iso_result(unsigned int descriptor, unsigned int blocks, size_t file_blocks, unsigned int block_bytes, const char *magic)
{
	unsigned char d[2048] = { 1 };
	uint64_t volume;
	int fd = memfd_create("iso", MFD_CLOEXEC), r;

	memcpy(d + 1, magic, 5);
	for (int i = 0; i < 4; i++)
		d[80 + i] = (unsigned char)(blocks >> (8 * i));
	d[128] = (unsigned char)block_bytes;
	d[129] = (unsigned char)(block_bytes >> 8);
	assert_int_equal(ftruncate(fd, (off_t)file_blocks * 2048), 0);
	for (unsigned int i = 16; i < descriptor; i++) {	/* boot records before the primary descriptor */
		assert_int_equal(pwrite(fd, "\0CD001", 6, (off_t)i * 2048), 6);
	}
	assert_int_equal(pwrite(fd, d, sizeof(d), (off_t)descriptor * 2048), sizeof(d));
	assert_int_equal(ftruncate(fd, (off_t)file_blocks * 2048), 0);
	r = iso9660_check(fd, &volume);
	close(fd);
	return r;
}

static void an_iso_is_whole_when_the_file_holds_its_volume(void **state)
{
	(void)state;
	assert_int_equal(iso_result(16, 100, 100, 2048, "CD001"), 0);
	assert_int_equal(iso_result(17, 100, 150, 2048, "CD001"), 0);
	assert_int_equal(iso_result(16, 101, 100, 2048, "CD001"), -ENODATA);
	assert_int_equal(iso_result(16, 0xffffffff, 100, 2048, "CD001"), -ENODATA);
	assert_int_equal(iso_result(16, 0, 100, 2048, "CD001"), -EILSEQ);
	assert_int_equal(iso_result(16, 100, 100, 77, "CD001"), -EILSEQ);
	assert_int_equal(iso_result(16, 100, 100, 2048, "CD002"), -EILSEQ);
	assert_int_equal(iso_result(16, 1, 16, 2048, "CD001"), -EILSEQ);
	assert_int_equal(iso_result(90, 100, 100, 2048, "CD001"), -EILSEQ);
}

/* --- files --- */

/* A child rewrites the file as fast as it can and is killed at a random moment of that, many times. */
static void a_file_is_old_or_new_whenever_its_writer_dies(void **state)
{
	int dir = open(t.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(file_write(dir, "f", "start", 5, 0600), 0);
	for (unsigned int round = 0; round < 60; round++) {
		char *text = NULL;
		size_t size;
		pid_t pid = fork();

		if (pid == 0) {
			static char data[300000];

			for (unsigned char i = 1;; i++) {
				memset(data, i, sizeof(data));
				file_write(dir, "f", data, sizeof(data), 0600);
			}
		}
		usleep(500 + round * 137 % 4000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		assert_int_equal(file_read(dir, "f", 1 << 20, &text, &size), 0);
		assert_true(size == 5 || size == 300000);
		for (size_t i = 1; size > 5 && i < size; i++)
			assert_int_equal(text[i], text[0]);
		free(text);
		file_remove_temporaries(dir);
	}
	close(dir);
}

static void a_file_that_is_a_link_too_large_or_no_object_is_refused(void **state)
{
	int dir = open(t.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	json_t *value;
	char *text;
	size_t size;

	(void)state;
	assert_int_equal(symlinkat("/etc/passwd", dir, "link"), 0);
	assert_int_equal(file_read(dir, "link", 1 << 20, &text, &size), -ELOOP);
	assert_int_equal(file_write(dir, "f", "[1]", 3, 0600), 0);
	assert_int_equal(file_read(dir, "f", 2, &text, &size), -EFBIG);
	assert_int_equal(file_read_json(dir, "f", 100, &value), -EBADMSG);
	assert_int_equal(file_read_json(dir, "absent", 100, &value), -ENOENT);
	close(dir);
}

/* --- addresses of network adapters --- */

struct refusals { unsigned int left; char last[MAC_TEXT_SIZE]; };

static bool refuse_some(const char *mac, void *data)
{
	struct refusals *r = data;

	strcpy(r->last, mac);
	return r->left > 0 && r->left--;
}

static void an_address_that_is_taken_is_not_chosen(void **state)
{
	struct refusals r = { .left = 3 };
	char mac[MAC_TEXT_SIZE];

	(void)state;
	assert_int_equal(mac_choose(mac, refuse_some, &r), 0);
	assert_int_equal(r.left, 0);
	assert_string_equal(mac, r.last);
	assert_memory_equal(mac, "00:15:5d:", 9);
}

/* --- the power state machine, driven by hand --- */

static struct vm *make_vm(const char *name)
{
	json_t *o = body("{}");
	struct vm_config *c = calloc(1, sizeof(*c));
	struct problem p = { 0 };
	char id[GUID_TEXT_SIZE];
	struct vm *vm = NULL;

	json_object_set_new(o, "name", json_string(name));
	assert_int_equal(vm_config_parse(o, &limits, c, &p), 0);
	assert_int_equal(guid_new(id), 0);
	assert_int_equal(vm_add(&t.v, c, id, &vm, &p), 0);
	json_decref(o);
	free(c);
	return vm;
}

static void be_running(struct vm *vm)
{
	vm->worker = (struct worker){ .present = true, .started = true };
	power_set_state(vm, VM_RUNNING, "");
}

static const struct { const char *action; unsigned int states; } legal[] = {
	{ "start", 1u << VM_OFF | 1u << VM_FAILED | 1u << VM_SAVED },
	{ "shutdown", 1u << VM_RUNNING },
	{ "turn-off", 1u << VM_STARTING | 1u << VM_RUNNING | 1u << VM_STOPPING | 1u << VM_PAUSED | 1u << VM_RESTORING },
	{ "reset", 1u << VM_RUNNING | 1u << VM_PAUSED },
	{ "restart", 1u << VM_RUNNING },
	{ "pause", 1u << VM_RUNNING },
	{ "resume", 1u << VM_PAUSED },
	{ "save", 1u << VM_RUNNING | 1u << VM_PAUSED },
	{ "discard-saved-state", 1u << VM_SAVED },
};

static void every_action_is_refused_in_every_state_that_its_row_does_not_name(void **state)
{
	struct vm *vm;

	(void)state;
	service_up();
	vm = make_vm("vm");
	for (size_t a = 0; a < sizeof(legal) / sizeof(*legal); a++)
		for (enum vm_state s = VM_OFF; s <= VM_RESTORING; s++) {
			struct problem p = { 0 };
			struct job *job = NULL;

			if (legal[a].states & 1u << s)
				continue;
			vm->state = s;
			assert_int_equal(power_action(vm, legal[a].action, &job, &p), -EINVAL);
			assert_int_equal(p.code, PROBLEM_VM_WRONG_STATE);
			assert_int_equal(vm->state, s);
			assert_null(job);
		}
	assert_null(t.v.jobs);
	service_down();
}

static const struct { const char *rule; bool off_wanted, said_off; int exit_code, signal; enum vm_state want; } ends[] = {
	{ "the guest powered off", false, true, 0, -1, VM_OFF },
	{ "its last words were lost, the exit code was not", false, false, 0, -1, VM_OFF },
	{ "it failed", false, false, 1, -1, VM_FAILED },
	{ "it failed after it said off", false, true, 1, -1, VM_FAILED },
	{ "it was killed", false, false, -1, 9, VM_FAILED },
	{ "it was killed because it would not turn off", true, false, -1, 9, VM_OFF },
	{ "how is unknown, but it had said off", false, true, -1, -1, VM_OFF },
	{ "how is unknown", false, false, -1, -1, VM_FAILED },
};

static void the_end_of_a_worker_decides_the_state(void **state)
{
	(void)state;
	service_up();
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		struct vm *vm = make_vm(ends[i].rule);

		be_running(vm);
		vm->off_wanted = ends[i].off_wanted;
		vm->worker.said_off = ends[i].said_off;
		power_worker_ended(vm, ends[i].exit_code, ends[i].signal, "ended");
		if (vm->state != ends[i].want || vm->worker.present || vm->off_wanted)
			fail_msg("%s: %s", ends[i].rule, vm_state_words[vm->state]);
		assert_int_equal(vm->reason[0] != 0, ends[i].want == VM_FAILED || ends[i].off_wanted);
	}
	service_down();
}

static void a_failed_vm_is_still_failed_with_its_reason_after_a_restart_and_a_running_one_without_worker_fails(void **state)
{
	char failed[GUID_TEXT_SIZE], running[GUID_TEXT_SIZE];
	struct vm *vm;

	(void)state;
	service_up();
	vm = make_vm("failed");
	be_running(vm);
	power_worker_ended(vm, 1, -1, "exited with code 1");
	memcpy(failed, vm->id, sizeof(failed));
	vm = make_vm("running");
	power_set_state(vm, VM_STARTING, "");
	be_running(vm);
	memcpy(running, vm->id, sizeof(running));
	service_down();
	service_up();
	vm = vm_find(&t.v, failed);
	assert_int_equal(vm->state, VM_FAILED);
	assert_non_null(strstr(vm->reason, "exited with code 1"));
	vm = vm_find(&t.v, running);
	assert_int_equal(vm->state, VM_RUNNING);	/* until vmpriv has told */
	power_worker_ended(vm, -1, 9, "killed by signal 9 (Killed)");
	assert_int_equal(vm->state, VM_FAILED);
	service_down();
}

static void a_vm_that_ran_is_off_after_a_restart_of_the_host(void **state)
{
	char id[GUID_TEXT_SIZE];
	struct vm *vm;

	(void)state;
	service_up();
	vm = make_vm("vm");
	memcpy(id, vm->id, sizeof(id));
	strcpy(t.v.boot_id, "another boot");
	power_set_state(vm, VM_STARTING, "");
	service_down();
	service_up();
	vm = vm_find(&t.v, id);
	assert_int_equal(vm->state, VM_OFF);
	assert_true(vm->was_running && vm->vmms->host_restarted);
	service_down();
}

static void a_job_that_ran_when_the_service_ended_says_so(void **state)
{
	struct job *j;
	char id[GUID_TEXT_SIZE];

	(void)state;
	service_up();
	j = job_start(&t.v, "vm.start", "x", "vm", false);
	memcpy(id, j->id, sizeof(id));
	service_down();
	service_up();
	j = job_find(&t.v, id);
	assert_int_equal(j->state, JOB_FAILED);
	assert_string_equal(j->error_code, "interrupted");
	assert_true(j->finished_at > 0);
	service_down();
}

static void only_so_many_jobs_are_kept_and_running_ones_always(void **state)
{
	struct job *first;
	unsigned int count = 0;

	(void)state;
	service_up();
	first = job_start(&t.v, "vm.start", "x", "first", false);
	for (int i = 0; i < JOBS_KEPT + 10; i++)
		job_finish(&t.v, job_start(&t.v, "vm.start", "x", "vm", false), JOB_SUCCEEDED, NULL, NULL);
	for (struct job *j = t.v.jobs; j; j = j->next)
		count++;
	assert_int_equal(count, JOBS_KEPT + 1);
	assert_ptr_equal(job_find(&t.v, first->id), first);
	service_down();
}

static json_int_t first_seq(const json_t *list)
{
	return json_integer_value(json_object_get(json_array_get(list, 0), "seq"));
}

static void the_event_log_is_cut_when_it_is_large_and_goes_on_with_the_next_number(void **state)
{
	static char filler[400];
	struct stat st;
	json_t *list;

	(void)state;
	service_up();
	memset(filler, 'x', sizeof(filler) - 1);
	for (int i = 0; i < 20000; i++)
		event_add(&t.v, "vm.updated", SEVERITY_INFO, object_ref("vm", NULL, "vm"), NULL, "%s", filler);
	assert_int_equal(fstatat(t.v.state_dir, "events.log", &st, 0), 0);
	assert_true(st.st_size < 9 << 20 && st.st_size > 1 << 20);
	service_down();
	service_up();					/* two starts, and so two events more */
	list = events_list(&t.v, -1, 1);
	assert_int_equal(first_seq(list), 20002);
	json_decref(list);
	list = events_list(&t.v, 0, 1000);
	assert_int_equal(first_seq(list), 20002 - EVENTS_KEPT + 1);
	json_decref(list);
	list = events_list(&t.v, 20001, 10);
	assert_int_equal(json_array_size(list), 1);
	json_decref(list);
	service_down();
}

static void a_second_vmms_on_the_same_state_is_refused(void **state)
{
	struct vmms other = { .state_dir = -1, .vms_dir = -1, .disks_dir = -1, .isos_dir = -1, .jobs_dir = -1 };

	(void)state;
	service_up();
	other.options = t.v.options;
	other.loop = t.v.loop;
	assert_int_equal(service_open(&other), -EBUSY);
	service_close(&other);
	service_down();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(processor_time_is_shared_by_weight_between_reserve_and_limit),
		TEST(each_configuration_is_judged_by_its_rule),
		TEST(shares_of_pinned_vms_are_reckoned_over_their_processors),
		TEST(pinned_processors_are_a_list_of_those_there_are),
		TEST(drives_without_a_position_get_those_that_nobody_asked_for),
		TEST(a_configuration_reads_back_as_it_was_written),
		TEST(a_patch_changes_what_it_names_and_nothing_else),
		TEST(memory_that_was_promised_is_not_given_twice),
		TEST(an_iso_is_whole_when_the_file_holds_its_volume),
		TEST(a_file_is_old_or_new_whenever_its_writer_dies),
		TEST(a_file_that_is_a_link_too_large_or_no_object_is_refused),
		TEST(an_address_that_is_taken_is_not_chosen),
		TEST(every_action_is_refused_in_every_state_that_its_row_does_not_name),
		TEST(the_end_of_a_worker_decides_the_state),
		TEST(a_failed_vm_is_still_failed_with_its_reason_after_a_restart_and_a_running_one_without_worker_fails),
		TEST(a_vm_that_ran_is_off_after_a_restart_of_the_host),
		TEST(a_job_that_ran_when_the_service_ended_says_so),
		TEST(only_so_many_jobs_are_kept_and_running_ones_always),
		TEST(the_event_log_is_cut_when_it_is_large_and_goes_on_with_the_next_number),
		TEST(a_second_vmms_on_the_same_state_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
