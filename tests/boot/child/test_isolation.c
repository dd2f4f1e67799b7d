/* SPDX-License-Identifier: Apache-2.0 */
/* The VMM of a guest that tries what it must not: steps over its accesses, reads the statistics. See guest_isolation.c. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "test_isolation.h"
#include "vmm.h"

static unsigned int faults, port_accesses;
static uint64_t last_gpa;
static uint32_t *read_only;

static int map_read_only(bool unmap)
{
	struct mshv_user_mem_region region = {
		.size = 2 * HV_PAGE_SIZE, .guest_pfn = READ_ONLY_GPA / HV_PAGE_SIZE, .userspace_addr = (uintptr_t)read_only,
		.flags = unmap ? 1 << MSHV_SET_MEM_BIT_UNMAP : 1 << MSHV_SET_MEM_BIT_EXECUTABLE,
	};

	return ioctl(partition_fd, MSHV_SET_GUEST_MEMORY, &region);
}

static void isolation_prepare(void)
{
	read_only = mmap(NULL, 2 * HV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*read_only = READ_ONLY_WORD;
	claim(map_read_only(false) == 0, "the guest can be given memory to read only");
}

/* Linux names the partition's folder by its id, which user space does not know: there is only one beside the root's. */
static uint64_t read_counter(uint32_t vp, const char *name)
{
	char path[128], line[128], found[64];
	unsigned long long value = ~0ull, number;
	FILE *file = NULL;

	for (unsigned int id = 2; id < 20000 && !file; id++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/mshv/partition/%u/vp/%u/stats", id, vp);
		file = fopen(path, "r");
	}
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s : %llu", found, &number) == 2 && !strcmp(found, name))
			value = number;
	if (file)
		fclose(file);
	return value;
}

static uint64_t faults_at(uint64_t gpa)
{
	claim(!gpa || last_gpa == gpa, "the message has the address the guest used");
	return faults;
}

static void isolation_ask(struct vp *vp, struct ask *a)
{
	switch (a->what) {
	case ASK_FAULTS:	a->result[0] = faults_at(a->argument[0]); break;
	case ASK_UNMAP:		a->result[0] = (uint64_t)map_read_only(true); break;
	case ASK_COUNTER:	a->result[0] = read_counter(vp->index, (const char *)ram + a->argument[0] % GUEST_RAM); break;
	case ASK_PORT_READS:	a->result[0] = port_accesses; break;
	}
}

static enum answer isolation_message(struct vp *vp, const struct hv_message *message)
{
	const struct hv_x64_memory_intercept_message *m = (const void *)message->payload;

	if (message->header.message_type == HVMSG_X64_IO_PORT_INTERCEPT) {
		port_accesses++;
		return GO_ON;
	}
	if (message->header.message_type != HVMSG_UNMAPPED_GPA && message->header.message_type != HVMSG_GPA_INTERCEPT)
		return UNEXPECTED;
	faults++;
	last_gpa = m->gpa;
	advance(vp, m->header.rip, 2);
	return GO_ON;
}

const struct test test_isolation = {
	.name = "isolation", .guest = GUEST_ISOLATION, .vps = 1, .prepare = isolation_prepare, .ask = isolation_ask,
	.message = isolation_message,
};

static enum answer triple_fault_message(struct vp *vp, const struct hv_message *m)
{
	(void)vp;
	claim(m->header.message_type == HVMSG_UNRECOVERABLE_EXCEPTION, "a triple fault is told to the VMM");
	return END;
}

const struct test test_triple_fault = {
	.name = "triple-fault", .guest = GUEST_TRIPLE_FAULT, .vps = 1, .message = triple_fault_message,
};
