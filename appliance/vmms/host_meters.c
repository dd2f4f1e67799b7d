/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See host_meters.h. Only real devices count: a bridge, a tap, a loop device or a partition would count the same bytes again.
 * Formats: proc_stat(5); the kernel's Documentation/admin-guide/iostats.rst; proc_pid_net(5), dev.
 */
#include "host_meters.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECTOR	512ull			/* of diskstats, whatever the disk's is */

static bool is_real(const char *class, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "/sys/%s/%s/device", class, name);
	return access(path, F_OK) == 0;
}

static void read_cpu(uint64_t meters[METERS])
{
	unsigned long long user, nice, system, idle, wait, irq, softirq;
	FILE *f = fopen("/proc/stat", "re");
	long ticks = sysconf(_SC_CLK_TCK);

	if (f && fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &wait, &irq, &softirq) == 7 && ticks > 0)
		meters[METER_CPU_USEC] = (user + nice + system + irq + softirq) * 1000000 / (unsigned long long)ticks;
	if (f)
		fclose(f);
}

static void read_disks(uint64_t meters[METERS])
{
	unsigned long long reads, read_sectors, writes, written_sectors;
	FILE *f = fopen("/proc/diskstats", "re");
	char line[512], name[64];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*u %*u %63s %llu %*u %llu %*u %llu %*u %llu", name, &reads, &read_sectors, &writes, &written_sectors) != 5 ||
		    !is_real("block", name))
			continue;
		meters[METER_DISK_READS] += reads;
		meters[METER_DISK_READ_BYTES] += read_sectors * SECTOR;
		meters[METER_DISK_WRITES] += writes;
		meters[METER_DISK_WRITTEN_BYTES] += written_sectors * SECTOR;
	}
	if (f)
		fclose(f);
}

static void read_network(uint64_t meters[METERS])
{
	unsigned long long received_bytes, received, sent_bytes, sent;
	FILE *f = fopen("/proc/net/dev", "re");
	char line[512], name[64];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %63[^: ]: %llu %llu %*u %*u %*u %*u %*u %*u %llu %llu", name, &received_bytes, &received, &sent_bytes,
			   &sent) != 5 || !is_real("class/net", name))
			continue;
		meters[METER_NET_RECEIVED_BYTES] += received_bytes;
		meters[METER_NET_RECEIVED_FRAMES] += received;
		meters[METER_NET_SENT_BYTES] += sent_bytes;
		meters[METER_NET_SENT_FRAMES] += sent;
	}
	if (f)
		fclose(f);
}

void host_meters_read(uint64_t meters[METERS])
{
	memset(meters, 0, METERS * sizeof(meters[0]));
	read_cpu(meters);
	read_disks(meters);
	read_network(meters);
}
