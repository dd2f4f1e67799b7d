/* SPDX-License-Identifier: Apache-2.0 */
/* What the host is and has: read anew from the kernel and the processor each time it is asked. */
#include "host_memory.h"
#include "memory.h"

#include "partita/file.h"
#include "partita/log.h"
#include "vm.h"
#include "volumes.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

/* TLFS, "Microsoft Hypervisor CPUID Leaves": the interface signature in the second leaf. */
#define BOOT_FILE			"boot.json"	/* in the state directory */
#define BOOT_FILE_MAX			4096
#define HYPERVISOR_LEAF_VENDOR		0x40000000u
#define HYPERVISOR_LEAF_INTERFACE	0x40000001u
#define ROOT_FREE			(64ull << 20)	/* and must have free at any time */
#define HYPERVISOR_INTERFACE_HV1	0x31237648u	/* "Hv#1" */

json_t *json_time(time_t t)
{
	char text[32];
	struct tm tm;

	if (t == 0 || !gmtime_r(&t, &tm))
		return json_null();
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

time_t json_to_time(const json_t *value)
{
	struct tm tm = { 0 };
	const char *text = json_string_value(value);

	return text && strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) ? timegm(&tm) : 0;
}

/* Files of procfs have no size: one read() of up to `size` - 1 bytes. */
static int read_text(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	out[0] = 0;
	if (fd < 0)
		return -errno;
	n = read(fd, out, size - 1);
	close(fd);
	if (n < 0)
		return -EIO;
	out[n] = 0;
	return 0;
}

void host_boot_read(struct vmms *v)
{
	const char *last = NULL;
	json_t *o = NULL;

	if (read_text("/proc/sys/kernel/random/boot_id", v->boot_id, sizeof(v->boot_id)) < 0)
		v->boot_id[0] = 0;
	v->boot_id[strcspn(v->boot_id, "\n")] = 0;
	if (file_read_json(v->state_dir, BOOT_FILE, BOOT_FILE_MAX, &o) == 0)
		last = json_string_value(json_object_get(o, "bootId"));
	v->host_restarted = !last || strcmp(last, v->boot_id) != 0;
	json_decref(o);
}

void host_boot_remember(const struct vmms *v)
{
	json_t *o = json_pack("{s:s}", "bootId", v->boot_id);

	if (file_write_json(v->state_dir, BOOT_FILE, o, 0600) < 0)
		log_warning("%s was not written: VMs may be started again by themselves", BOOT_FILE);
	json_decref(o);
}

static uint64_t meminfo(const char *key)
{
	char text[4096], *at;

	if (read_text("/proc/meminfo", text, sizeof(text)) < 0)
		return 0;
	at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) << 10 : 0;
}

static uint64_t minus(uint64_t from, uint64_t what)
{
	return from > what ? from - what : 0;
}

/*
 * A guest's memory is taken from the host page by page as the guest touches it. So what is free now is not enough to go by: what
 * running VMs were promised counts as gone.
 */
uint64_t host_memory_left(const struct host_memory *m)
{
	uint64_t unpromised = minus(m->total, m->reserve + m->assigned + m->vms * HOST_MEMORY_PER_VM);
	uint64_t free_now = minus(m->available, ROOT_FREE);

	return minus(unpromised < free_now ? unpromised : free_now, HOST_MEMORY_PER_VM);
}

void host_memory_survey(const struct vmms *v, struct host_memory *out)
{
	*out = (struct host_memory){ .total = meminfo("MemTotal:"), .available = meminfo("MemAvailable:") };
	out->reserve = host_memory_reserve(v, out->total);
	for (const struct vm *vm = v->vms; vm; vm = vm->next) {
		out->assigned += memory_held(vm);
		out->vms += vm->worker.present;
	}
}

uint64_t host_memory_available(const struct vmms *v)
{
	struct host_memory m;

	host_memory_survey(v, &m);
	return host_memory_left(&m);
}

void host_limits(struct vm_limits *out)
{
	long lps = sysconf(_SC_NPROCESSORS_ONLN);

	out->vps = lps > 0 ? (uint64_t)lps : 1;
	out->memory_bytes = meminfo("MemTotal:");
}

static const char *processor_vendor(void)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid(0, &a, &b, &c, &d))
		return "none";
	return b == signature_AMD_ebx ? "amd" : b == signature_INTEL_ebx ? "intel" : "none";
}

static void processor_model(char out[49])
{
	unsigned int r[12] = { 0 };

	for (unsigned int i = 0; i < 3; i++)
		if (!__get_cpuid(0x80000002u + i, &r[4 * i], &r[4 * i + 1], &r[4 * i + 2], &r[4 * i + 3]))
			break;
	memcpy(out, r, sizeof(r));
	out[48] = 0;
}

/* We are a root partition whose kernel drives the hypervisor: its interface answers and its device is there. */
static bool hypervisor_present(const struct vmms *v)
{
	unsigned int a, b, c, d;

	__cpuid(HYPERVISOR_LEAF_VENDOR, a, b, c, d);
	if (a < HYPERVISOR_LEAF_INTERFACE)
		return false;
	__cpuid(HYPERVISOR_LEAF_INTERFACE, a, b, c, d);
	return a == HYPERVISOR_INTERFACE_HV1 && access(v->options.hypervisor_device, F_OK) == 0;
}

static json_t *hypervisor_to_json(const struct vmms *v)
{
	bool present = hypervisor_present(v);
	struct vm_limits limits;
	char model[49];

	host_limits(&limits);
	processor_model(model);
	return json_pack("{s:b, s:s, s:s, s:I}", "present", present, "vendor",
	                 present ? processor_vendor() : "none", "processorModel", model, "logicalProcessors",
	                 (json_int_t)limits.vps);
}

static void release_value(const char *key, char *out, size_t size)
{
	char text[4096], pattern[40], *at;

	snprintf(out, size, "unknown");
	snprintf(pattern, sizeof(pattern), "\n%s=", key);
	text[0] = '\n';
	if (read_text("/etc/os-release", text + 1, sizeof(text) - 1) < 0 || !(at = strstr(text, pattern)))
		return;
	at += strlen(pattern);
	at += *at == '"';
	snprintf(out, size, "%.*s", (int)strcspn(at, "\"\n"), at);
}

static json_t *health_to_json(const struct vmms *v)
{
	json_t *reasons = json_array();
	const char *level = "ok";
	struct statvfs fs;

	if (!hypervisor_present(v)) {
		json_array_append_new(
		    reasons, json_string("The hypervisor is not running: virtual machines cannot start."));
		level = "critical";
	}
	if (fstatvfs(v->state_dir, &fs) == 0 && fs.f_bavail < fs.f_blocks / 100 * volume_warning_percent(v)) {
		json_array_append_new(reasons, json_sprintf("Less than %u %% of the data volume is free.", volume_warning_percent(v)));
		level = strcmp(level, "ok") == 0 ? "warning" : level;
	}
	return json_pack("{s:s, s:o}", "level", level, "reasons", reasons);
}

json_t *host_to_json(const struct vmms *v)
{
	char version[64], load[64];
	struct utsname u = { 0 };
	struct sysinfo info = { 0 };
	struct statvfs fs = { 0 };
	struct vm_limits limits;
	double load1 = 0;

	uname(&u);
	sysinfo(&info);
	fstatvfs(v->state_dir, &fs);
	host_limits(&limits);
	release_value("IMAGE_VERSION", version, sizeof(version));
	if (read_text("/proc/loadavg", load, sizeof(load)) == 0)
		load1 = strtod(load, NULL);
	return json_pack(
	    "{s:s, s:s, s:s, s:o, s:I, s:o, s:o, s:{s:I, s:I, s:I}, s:{s:I, s:I}, s:{s:I, s:I, s:I, s:i}, "
	    "s:f}",
	    "name", u.nodename, "version", version, "kernel", u.release, "time", json_time(time(NULL)),
	    "uptimeSeconds", (json_int_t)info.uptime, "health", health_to_json(v), "hypervisor",
	    hypervisor_to_json(v), "memory", "totalBytes", (json_int_t)limits.memory_bytes, "availableBytes",
	    (json_int_t)host_memory_available(v), "assignedBytes", (json_int_t)vms_assigned_bytes(v),
	    "storage", "totalBytes", (json_int_t)(fs.f_blocks * fs.f_frsize), "freeBytes",
	    (json_int_t)(fs.f_bavail * fs.f_frsize), "limits", "maximumProcessors",
	    (json_int_t)(limits.vps < VM_VPS_MAX ? limits.vps : VM_VPS_MAX), "minimumMemoryBytes",
	    (json_int_t)VM_MEMORY_MIN, "maximumMemoryBytes",
	    (json_int_t)(limits.memory_bytes < VM_MEMORY_MAX ? limits.memory_bytes : VM_MEMORY_MAX),
	    "maximumVms", VMS_MAX, "load", load1);
}
