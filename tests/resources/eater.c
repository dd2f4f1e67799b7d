/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's program with a need of memory, told line by line on its serial port:
 *	demand MIB	promises itself so much, waits until the guest could give it, touches it; says "served MS" (of guest time),
 *			or "not served MIB" with what was there after a minute
 *	release		gives all of it back
 *	memory		says "memory TOTAL FREE" in MiB
 *	time		says "time SECONDS" since the guest's start
 *	reboot, panic	as they say
 * Static, part of the guest's initramfs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#define MIB		(1ull << 20)
#define PATIENCE_MS	60000u
#define SPARE_MIB	24u		/* free beyond the demand, so that touching it starves nobody */

static struct { void *at; size_t size; } eaten;

static unsigned long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000;
}

static unsigned long long meminfo_mib(const char *key)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtoull(line + strlen(key), NULL, 10);
	if (f)
		fclose(f);
	return kib / 1024;
}

static void release(void)
{
	if (eaten.at)
		munmap(eaten.at, eaten.size);
	eaten.at = NULL;
}

static void demand(unsigned long long mib)
{
	unsigned long long begin = now_ms(), free;
	void *at;

	release();
	at = mmap(NULL, mib * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED) {
		printf("not served: no addresses\n");
		return;
	}
	eaten.at = at;
	eaten.size = mib * MIB;
	while ((free = meminfo_mib("MemFree:")) < mib + SPARE_MIB && now_ms() - begin < PATIENCE_MS)
		usleep(20000);
	if (free < mib + SPARE_MIB) {
		printf("not served %llu\n", free);
		return;
	}
	printf("served %llu\n", now_ms() - begin);
	memset(eaten.at, 0x5a, eaten.size);
	printf("touched %llu\n", now_ms() - begin);
}

static void panic(void)
{
	FILE *f = fopen("/proc/sysrq-trigger", "we");

	if (f)
		fputs("c", f);
	if (f)
		fclose(f);
}

static void obey(const char *line)
{
	if (strncmp(line, "demand ", 7) == 0)
		demand(strtoull(line + 7, NULL, 10));
	else if (strncmp(line, "release", 7) == 0) {
		release();
		printf("released\n");
	} else if (strncmp(line, "memory", 6) == 0)
		printf("memory %llu %llu\n", meminfo_mib("MemTotal:"), meminfo_mib("MemFree:"));
	else if (strncmp(line, "time", 4) == 0)
		printf("time %llu\n", now_ms() / 1000);
	else if (strncmp(line, "reboot", 6) == 0)
		reboot(RB_AUTOBOOT);
	else if (strncmp(line, "panic", 5) == 0)
		panic();
}

int main(void)
{
	char line[128];

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("eater: ready after %llu s with %llu MiB\n", now_ms() / 1000, meminfo_mib("MemTotal:"));
	while (fgets(line, sizeof(line), stdin))
		obey(line);
	return 0;
}
