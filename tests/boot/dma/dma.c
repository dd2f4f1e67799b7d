/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in the root partition and tells a device, QEMU's "edu", to read and write memory: the root's own, hv's, and the IOMMU's
 * registers. One line per claim. dma-test REGISTERS: their physical address. That hv's memory is as it was is seen by hv
 * living on; its log says what the device was kept from.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EDU_ID		"0x11e8"
#define EDU_BUFFER	0x40000u	/* the device's own address of its buffer of a page */
#define EDU_SOURCE	0x80
#define EDU_TARGET	0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_RUN		1u
#define EDU_WRITE	2u		/* from the device to memory */
#define PCI_COMMAND	4
#define PCI_MASTER	6		/* memory and bus master */
#define PAGE		4096u
#define HV_IMAGE	0x200000ull
#define HV_IMAGE_STEP	0x4000ull	/* what is written to: a page in four of hv's code */
#define HV_IMAGE_PAGES	6
#define CONTROL		0x18u		/* AMD's control register, Intel's command register */
#define HV_HEAP_LEAST	(8ull << 20)

static volatile uint8_t *edu;
static uint8_t *first, *second;		/* pages of ours */
static uint64_t first_address, second_address;
static int failed;

static void claim(const char *name, bool holds)
{
	printf("%s %s\n", holds ? "ok" : "not ok", name);
	failed |= !holds;
}

static void give_up(const char *what)
{
	printf("not ok %s: %s\n", what, strerror(errno));
	exit(1);
}

static bool file_says(const char *folder, const char *name, const char *text)
{
	char path[256], word[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(word, sizeof(word), f))
		word[0] = 0;
	fclose(f);
	return !strncmp(word, text, strlen(text));
}

static int open_in(const char *folder, const char *name, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, flags);
	if (fd < 0)
		give_up(path);
	return fd;
}

static void edu_open(const char *folder)
{
	static const uint16_t command = PCI_MASTER;
	int enable = open_in(folder, "enable", O_WRONLY), config = open_in(folder, "config", O_RDWR);
	int bar = open_in(folder, "resource0", O_RDWR);

	if (write(enable, "1", 1) != 1 || pwrite(config, &command, 2, PCI_COMMAND) != 2)
		give_up("switching the device on");
	edu = mmap(NULL, 1u << 20, PROT_READ | PROT_WRITE, MAP_SHARED, bar, 0);
	if (edu == MAP_FAILED)
		give_up("mapping the device's registers");
	close(enable);
	close(config);
	close(bar);
}

static void edu_find(void)
{
	glob_t found;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &found))
		give_up("listing PCI devices");
	for (size_t i = 0; i < found.gl_pathc && !edu; i++)
		if (file_says(found.gl_pathv[i], "device", EDU_ID))
			edu_open(found.gl_pathv[i]);
	globfree(&found);
	if (!edu) {
		errno = ENODEV;
		give_up("edu");
	}
}

static void edu_set(unsigned int reg, uint64_t value)
{
	*(volatile uint64_t *)(edu + reg) = value;
}

static void edu_copy(uint64_t source, uint64_t target, uint64_t bytes, uint64_t direction)
{
	edu_set(EDU_SOURCE, source);
	edu_set(EDU_TARGET, target);
	edu_set(EDU_COUNT, bytes);
	edu_set(EDU_COMMAND, EDU_RUN | direction);
	for (int i = 0; i < 1000 && (*(volatile uint64_t *)(edu + EDU_COMMAND) & EDU_RUN); i++)
		usleep(10000);
	if (*(volatile uint64_t *)(edu + EDU_COMMAND) & EDU_RUN)
		claim("the device ends", false);
}

static void edu_read(uint64_t source, uint64_t bytes) { edu_copy(source, EDU_BUFFER, bytes, 0); }
static void edu_write(uint64_t target, uint64_t bytes) { edu_copy(EDU_BUFFER, target, bytes, EDU_WRITE); }

/* Where a page of ours is: bits 54:0 of its word in pagemap (Linux Documentation/admin-guide/mm/pagemap.rst). */
static uint64_t address_of(const void *page)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t word = 0;

	if (fd < 0 || pread(fd, &word, 8, (off_t)((uintptr_t)page / PAGE * 8)) != 8 || !(word << 9))
		give_up("pagemap");
	close(fd);
	return (word & ((1ull << 55) - 1)) * PAGE;
}

static uint8_t *page_of_ours(uint64_t *address)
{
	uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);

	if (page == MAP_FAILED)
		give_up("a page");
	memset(page, 0, PAGE);
	*address = address_of(page);
	return page;
}

/* hv's block below 4 GiB: the largest reserved piece that ends below 1 GiB, the memory that the test gives the machine. */
static uint64_t hv_heap(void)
{
	FILE *f = fopen("/proc/iomem", "r");
	uint64_t start, end, best = 0, size = HV_HEAP_LEAST;
	char line[128];

	if (!f)
		give_up("/proc/iomem");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2 && strstr(line, "Reserved") && end < 1ull << 30 &&
		    end - start >= size) {
			best = start;
			size = end - start;
		}
	fclose(f);
	return best;
}

static bool is_one_byte(const uint8_t *page, uint64_t bytes)
{
	return !memcmp(page, page + 1, bytes - 1);
}

/* The device gets a page of one byte first; what it then hands us must not have become anything else that says something. */
static bool can_read(uint64_t address, uint64_t bytes)
{
	memset(first, 0x5a, PAGE);
	edu_read(first_address, PAGE);
	edu_read(address, bytes);
	edu_write(second_address, PAGE);
	return !is_one_byte(second, bytes);
}

/* Code or page tables of zeros, an IOMMU switched off: hv would not come back from the next CPUID. */
static bool hv_outlives_writes(uint64_t address, uint64_t bytes, int pages)
{
	uint32_t eax, signature[3];

	memset(first, 0, PAGE);
	edu_read(first_address, PAGE);
	for (int i = 0; i < pages; i++)
		edu_write(address + (uint64_t)i * HV_IMAGE_STEP, bytes);
	__cpuid(0x40000000, eax, signature[0], signature[1], signature[2]);
	return eax && !memcmp(signature, "Microsoft Hv", sizeof(signature));
}

static void kept_from(const char *name, uint64_t address, uint64_t bytes, int pages)
{
	char text[128];

	printf("dma: %s from %" PRIx64 " on\n", name, address);
	fflush(stdout);
	snprintf(text, sizeof(text), "a device cannot read %s", name);
	claim(text, !can_read(address, bytes));
	fflush(stdout);
	snprintf(text, sizeof(text), "hv outlives a device's writing to %s", name);
	claim(text, hv_outlives_writes(address, bytes, pages));
	fflush(stdout);
}

static void roots_own_memory(void)
{
	for (unsigned int i = 0; i < PAGE; i++)
		first[i] = (uint8_t)(i * 7 + i / 256);
	edu_read(first_address, PAGE);
	edu_write(second_address, PAGE);
	claim("a device reads and writes the root's memory", !memcmp(first, second, PAGE));
}

int main(int argc, char **argv)
{
	uint64_t heap = hv_heap();

	if (argc != 2 || !heap)
		return 1;
	first = page_of_ours(&first_address);
	second = page_of_ours(&second_address);
	edu_find();
	roots_own_memory();
	kept_from("the IOMMU's registers", strtoull(argv[1], NULL, 16) + CONTROL, 8, 1);	/* first: it stays on */
	kept_from("hv's image", HV_IMAGE, PAGE, HV_IMAGE_PAGES);
	kept_from("hv's page tables", heap, PAGE, 1);
	roots_own_memory();
	return failed;
}
