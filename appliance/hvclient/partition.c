/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions through /dev/mshv: life cycle, properties, guest memory, interrupts, CPUID results. */
#include "hvclient/mshv.h"

#include <errno.h>
#include <hv_hypercall.h>
#include <hv_status.h>
#include <linux/mshv.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BIT(n) (1ull << (n))

int mshv_hypercall(int fd, struct mshv_call *call)
{
	struct mshv_root_hvcall args = {
		.code = call->code, .reps = call->reps,
		.in_ptr = (uintptr_t)call->in, .in_sz = (uint16_t)call->in_size,
		.out_ptr = (uintptr_t)call->out, .out_sz = (uint16_t)call->out_size,
	};
	int r = ioctl(fd, MSHV_ROOT_HVCALL, &args) < 0 ? -errno : 0;

	call->status = args.status;
	return r;
}

static int partition_create(int mshv_fd, int *out)
{
	struct mshv_create_partition_v2 args = {
		.pt_flags = BIT(MSHV_PT_BIT_LAPIC) | BIT(MSHV_PT_BIT_X2APIC) | BIT(MSHV_PT_BIT_GPA_SUPER_PAGES),
		.pt_isolation = MSHV_PT_ISOLATION_NONE,
	};
	int fd = ioctl(mshv_fd, MSHV_CREATE_PARTITION, &args);

	if (fd < 0)
		return -errno;
	*out = fd;
	return 0;
}

int hv_partition_create(int mshv_fd, uint64_t synthetic_features, struct hv_partition **out)
{
	struct hv_partition *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->fd = -1;
	r = partition_create(mshv_fd, &p->fd);
	if (r == 0)	/* an early property: it decides what CPUID shows (TLFS, HV_PARTITION_SYNTHETIC_PROCESSOR_FEATURES) */
		r = hv_partition_set_property(p, HV_PROPERTY_SYNTHETIC_FEATURES, synthetic_features);
	if (r == 0 && ioctl(p->fd, MSHV_INITIALIZE_PARTITION) < 0)
		r = -errno;
	if (r < 0) {
		hv_partition_destroy(p);
		return r;
	}
	*out = p;
	return 0;
}

void hv_partition_destroy(struct hv_partition *p)
{
	if (!p)
		return;
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

int hv_partition_set_property(struct hv_partition *p, uint32_t property, uint64_t value)
{
	struct hv_in_set_property in = { .property = property, .value = value };

	return mshv_hypercall(p->fd, &(struct mshv_call){ .code = HVCALL_SET_PARTITION_PROPERTY, .in = &in, .in_size = sizeof(in) });
}

int hv_partition_get_property(struct hv_partition *p, uint32_t property, uint64_t *value)
{
	struct hv_in_get_property in = { .property = property };
	struct hv_out_property result;
	int r;

	r = mshv_hypercall(p->fd, &(struct mshv_call){ .code = HVCALL_GET_PARTITION_PROPERTY, .in = &in, .in_size = sizeof(in),
						       .out = &result, .out_size = sizeof(result) });
	if (r == 0)
		*value = result.value;
	return r;
}

static int partition_set_memory(struct hv_partition *p, uint64_t gpa, uint64_t size, void *host, uint64_t flags)
{
	struct mshv_user_mem_region region = {
		.size = size, .guest_pfn = gpa / HV_PAGE_SIZE, .userspace_addr = (uintptr_t)host, .flags = (uint8_t)flags,
	};

	return ioctl(p->fd, MSHV_SET_GUEST_MEMORY, &region) < 0 ? -errno : 0;
}

int hv_partition_map(struct hv_partition *p, uint64_t gpa, uint64_t size, void *host, bool writable)
{
	return partition_set_memory(p, gpa, size, host,
				    BIT(MSHV_SET_MEM_BIT_EXECUTABLE) | (writable ? BIT(MSHV_SET_MEM_BIT_WRITABLE) : 0));
}

int hv_partition_unmap(struct hv_partition *p, uint64_t gpa, uint64_t size, void *host)
{
	return partition_set_memory(p, gpa, size, host, BIT(MSHV_SET_MEM_BIT_UNMAP));
}

int hv_partition_take_dirty(struct hv_partition *p, uint64_t gpa, uint64_t pages, uint64_t *bitmap)
{
	struct mshv_gpap_access_bitmap args = {
		.access_type = MSHV_GPAP_ACCESS_TYPE_DIRTY, .access_op = MSHV_GPAP_ACCESS_OP_CLEAR,
		.page_count = pages, .gpap_base = gpa / HV_PAGE_SIZE, .bitmap_ptr = (uintptr_t)bitmap,
	};

	return ioctl(p->fd, MSHV_GET_GPAP_ACCESS_BITMAP, &args) < 0 ? -errno : 0;
}

int hv_partition_assert_interrupt(struct hv_partition *p, const struct hv_interrupt *irq)
{
	struct hv_in_assert_interrupt in = {
		.type = irq->type, .level_triggered = irq->level, .logical_mode = irq->logical,
		.destination = irq->destination, .vector = irq->vector,
	};

	return mshv_hypercall(p->fd, &(struct mshv_call){ .code = HVCALL_ASSERT_VIRTUAL_INTERRUPT, .in = &in, .in_size = sizeof(in) });
}

int hv_partition_clear_extint(struct hv_partition *p)
{
	struct hv_in_partition in = { 0 };
	struct mshv_call call = { .code = HVCALL_CLEAR_VIRTUAL_INTERRUPT, .in = &in, .in_size = sizeof(in) };
	int r = mshv_hypercall(p->fd, &call);

	if (r == 0)
		return 1;
	return call.status == HV_STATUS_INVALID_VP_STATE ? 0 : r;
}

int hv_partition_set_cpuid(struct hv_partition *p, uint32_t leaf, int64_t subleaf, const uint32_t value[4], const uint32_t mask[4])
{
	struct hv_in_register_intercept_result in = { .vp_index = HV_ANY_VP, .type = HV_INTERCEPT_CPUID };

	in.cpuid.eax = leaf;
	in.cpuid.ecx = subleaf < 0 ? 0 : (uint32_t)subleaf;
	in.cpuid.subleaf_specific = subleaf >= 0;
	for (unsigned int i = 0; i < 4; i++) {
		in.cpuid.out[i].value = value[i];
		in.cpuid.out[i].mask = mask[i];
	}
	return mshv_hypercall(p->fd, &(struct mshv_call){ .code = HVCALL_REGISTER_INTERCEPT_RESULT, .in = &in, .in_size = sizeof(in) });
}
