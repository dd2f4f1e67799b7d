/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual processors through /dev/mshv: run, registers, address translation. */
#include "hvclient/mshv.h"

#include <errno.h>
#include <hv_hypercall.h>
#include <linux/mshv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define REGISTERS_MAX	64	/* in one call */

_Static_assert(sizeof(struct hv_message) == MSHV_RUN_VP_BUF_SZ, "the message of MSHV_RUN_VP");

static int vp_open(struct hv_vp *vp)
{
	struct mshv_create_vp args = { .vp_index = vp->index };
	void *page;

	vp->fd = ioctl(vp->partition->fd, MSHV_CREATE_VP, &args);
	if (vp->fd < 0)
		return -errno;
	page = mmap(NULL, HV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, vp->fd,
		    (off_t)MSHV_VP_MMAP_OFFSET_REGISTERS * HV_PAGE_SIZE);
	if (page == MAP_FAILED)
		return -errno;
	vp->registers = page;
	return 0;
}

int hv_vp_create(struct hv_partition *p, uint32_t index, struct hv_vp **out)
{
	struct hv_vp *vp = calloc(1, sizeof(*vp));
	int r;

	if (!vp)
		return -ENOMEM;
	vp->partition = p;
	vp->index = index;
	r = vp_open(vp);
	if (r < 0) {
		hv_vp_destroy(vp);
		return r;
	}
	*out = vp;
	return 0;
}

void hv_vp_destroy(struct hv_vp *vp)
{
	if (!vp)
		return;
	if (vp->registers)
		munmap(vp->registers, HV_PAGE_SIZE);
	if (vp->fd >= 0)
		close(vp->fd);
	free(vp);
}

int hv_vp_run(struct hv_vp *vp, struct hv_message *message)
{
	return ioctl(vp->fd, MSHV_RUN_VP, message) < 0 ? -errno : 0;
}

struct hv_vp_register_page *hv_vp_registers(struct hv_vp *vp)
{
	return vp->registers;
}

int hv_vp_set_registers(struct hv_vp *vp, const struct hv_register_assoc *registers, size_t count)
{
	struct { struct hv_in_vp_registers head; struct hv_register_assoc list[REGISTERS_MAX]; } in = { .head = { 0 } };

	if (count == 0 || count > REGISTERS_MAX)
		return -EINVAL;
	in.head.vp_index = vp->index;
	memcpy(in.list, registers, count * sizeof(*registers));
	return mshv_hypercall(vp->fd, &(struct mshv_call){ .code = HVCALL_SET_VP_REGISTERS, .reps = (uint16_t)count, .in = &in,
							   .in_size = sizeof(in.head) + count * sizeof(*registers) });
}

int hv_vp_get_registers(struct hv_vp *vp, struct hv_register_assoc *registers, size_t count)
{
	struct { struct hv_in_vp_registers head; uint32_t names[REGISTERS_MAX]; } in = { .head = { 0 } };
	union hv_register_value values[REGISTERS_MAX];
	int r;

	if (count == 0 || count > REGISTERS_MAX)
		return -EINVAL;
	in.head.vp_index = vp->index;
	for (size_t i = 0; i < count; i++)
		in.names[i] = registers[i].name;
	r = mshv_hypercall(vp->fd, &(struct mshv_call){ .code = HVCALL_GET_VP_REGISTERS, .reps = (uint16_t)count, .in = &in,
							.in_size = sizeof(in.head) + count * sizeof(in.names[0]),
							.out = values, .out_size = count * sizeof(values[0]) });
	for (size_t i = 0; r == 0 && i < count; i++)
		registers[i].value = values[i];
	return r;
}

_Static_assert((int)HV_VP_BLOB_LAPIC == (int)MSHV_VP_STATE_LAPIC && (int)HV_VP_BLOB_TIMERS == (int)MSHV_VP_STATE_SYNTHETIC_TIMERS &&
	       (int)HV_VP_BLOBS == (int)MSHV_VP_STATE_COUNT, "blobs are numbered as the driver does");

static int vp_transfer_blob(struct hv_vp *vp, unsigned long request, enum hv_vp_blob which, void *page)
{
	struct mshv_get_set_vp_state args = { .type = (uint8_t)which, .buf_sz = HV_VP_BLOB_BYTES, .buf_ptr = (uintptr_t)page };

	return ioctl(vp->fd, request, &args) < 0 ? -errno : 0;
}

/* The driver hands whole pages to the hypervisor. */
int hv_vp_get_blob(struct hv_vp *vp, enum hv_vp_blob which, void *to)
{
	_Alignas(HV_VP_BLOB_BYTES) uint8_t page[HV_VP_BLOB_BYTES] = { 0 };
	int r = vp_transfer_blob(vp, MSHV_GET_VP_STATE, which, page);

	memcpy(to, page, sizeof(page));
	return r;
}

int hv_vp_set_blob(struct hv_vp *vp, enum hv_vp_blob which, const void *from)
{
	_Alignas(HV_VP_BLOB_BYTES) uint8_t page[HV_VP_BLOB_BYTES];

	memcpy(page, from, sizeof(page));
	return vp_transfer_blob(vp, MSHV_SET_VP_STATE, which, page);
}

int hv_vp_translate(struct hv_vp *vp, uint64_t gva, uint64_t flags, uint32_t *result, uint64_t *gpa)
{
	struct hv_in_translate in = { .vp_index = vp->index, .flags = flags, .gva_page = gva / HV_PAGE_SIZE };
	struct hv_out_translate reply;
	int r;

	r = mshv_hypercall(vp->fd, &(struct mshv_call){ .code = HVCALL_TRANSLATE_VIRTUAL_ADDRESS, .in = &in, .in_size = sizeof(in),
							.out = &reply, .out_size = sizeof(reply) });
	if (r < 0)
		return r;
	*result = reply.result;
	*gpa = reply.gpa_page * HV_PAGE_SIZE + gva % HV_PAGE_SIZE;
	return 0;
}
