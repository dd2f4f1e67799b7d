/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_hv.h. */
#include "fake_hv.h"

#include "vmwp/firmware/firmware.h"

#include <errno.h>
#include <hv_hypercall.h>
#include <hv_synic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FAKE_BIOS_BYTES	0x40000u

struct fake_hv fake;
struct hv_partition { int unused; };
static struct hv_partition partition;
/* Registers as last set; those never set read as zero. */
struct hv_vp {
	struct hv_register_assoc registers[FAKE_REGISTERS];
	unsigned int count;
	uint8_t blobs[HV_VP_BLOBS][HV_VP_BLOB_BYTES];
};
static struct hv_vp virtual_processors[MACHINE_VPS_MAX];

int hv_partition_create(int mshv_fd, uint64_t features, struct hv_partition **out)
{
	(void)mshv_fd;
	(void)features;
	fake.partitions++;
	if (fake.create_result == 0)
		*out = &partition;
	return fake.create_result;
}

void hv_partition_destroy(struct hv_partition *p) { (void)p; }

int hv_partition_set_property(struct hv_partition *p, uint32_t property, uint64_t value)
{
	(void)p;
	if (property == HV_PROPERTY_REFERENCE_TIME)
		fake.reference_time = value;
	return 0;
}

int hv_partition_get_property(struct hv_partition *p, uint32_t property, uint64_t *value)
{
	(void)p;
	*value = property == HV_PROPERTY_REFERENCE_TIME ? fake.reference_time : 0;
	return 0;
}

int hv_partition_map(struct hv_partition *p, uint64_t gpa, uint64_t size, void *host, bool writable)
{
	(void)p;
	(void)host;
	(void)writable;
	return gpa % 4096 || size % 4096 ? -EINVAL : 0;
}

int hv_partition_unmap(struct hv_partition *p, uint64_t gpa, uint64_t size, void *host)
{
	return hv_partition_map(p, gpa, size, host, false);
}

int hv_partition_take_dirty(struct hv_partition *p, uint64_t gpa, uint64_t pages, uint64_t *bitmap)
{
	(void)p;
	(void)gpa;
	memset(bitmap, 0, pages / 8);
	return 0;
}

int hv_partition_assert_interrupt(struct hv_partition *p, const struct hv_interrupt *irq)
{
	(void)p;
	fake.last = *irq;
	fake.asserted++;
	if (irq->type == HV_INTERRUPT_EXTINT) {
		fake.extint_pending = true;
		fake.extint_calls++;
	}
	return 0;
}

int hv_partition_clear_extint(struct hv_partition *p)
{
	bool was = fake.extint_pending;

	(void)p;
	fake.extint_pending = false;
	fake.extint_calls++;
	return was;
}

uint8_t fake_take_extint(void)
{
	fake.extint_pending = false;
	return (uint8_t)fake.last.vector;
}

int hv_partition_install_intercept(struct hv_partition *p, uint32_t type, uint32_t access, uint64_t parameter)
{
	(void)p;
	(void)type;
	(void)parameter;
	fake.intercepts++;
	return access == 1u << HV_INTERCEPT_ACCESS_EXECUTE ? 0 : -EINVAL;
}

int hv_partition_post_message(struct hv_partition *p, uint32_t vp, uint8_t sint, const struct hv_message *message)
{
	unsigned int slot = (fake.posted_first + fake.posted_count) % FAKE_MESSAGES;

	(void)p;
	if (fake.slot_busy || fake.posted_count == FAKE_MESSAGES)
		return -EAGAIN;
	if (sint != HV_SYNIC_VMBUS_SINT)
		return -EINVAL;
	fake.posted[slot].vp = vp;
	fake.posted[slot].message = *message;
	fake.posted_count++;
	return 0;
}

int hv_partition_notify_deliverable(struct hv_partition *p, uint32_t vp, uint16_t sints)
{
	(void)p;
	(void)vp;
	fake.deliverable_asked |= sints;
	return 0;
}

int hv_partition_signal_event(struct hv_partition *p, uint32_t vp, uint8_t sint, uint16_t flag)
{
	(void)p;
	if (sint != HV_SYNIC_VMBUS_SINT || flag >= 2048)
		return -EINVAL;
	fake.event_vp[flag] = vp;
	fake.event_count[flag]++;
	return 0;
}

bool hv_partition_has_signal_window(struct hv_partition *p)
{
	(void)p;
	return fake.signal_window;
}

int hv_partition_bind_signal(struct hv_partition *p, uint32_t connection_id, int event_fd, bool bind)
{
	uint32_t relid = connection_id - 0x2000;

	(void)p;
	if (!fake.signal_window || relid >= 2048 || (fake.doorbell[relid] != 0) == bind)
		return -EINVAL;
	fake.doorbell[relid] = bind ? event_fd : 0;
	return 0;
}

int hv_vp_create(struct hv_partition *p, uint32_t index, struct hv_vp **out)
{
	(void)p;
	memset(&virtual_processors[index], 0, sizeof(virtual_processors[index]));
	*out = &virtual_processors[index];
	return 0;
}

void hv_vp_destroy(struct hv_vp *vp) { (void)vp; }

int hv_vp_run(struct hv_vp *vp, struct hv_message *message)
{
	(void)vp;
	(void)message;
	fake.runs++;
	usleep(500);
	return fake.run_result ? fake.run_result : -EINTR;
}

struct hv_vp_register_page *hv_vp_registers(struct hv_vp *vp)
{
	(void)vp;
	return &fake.registers;
}

static struct hv_register_assoc *register_of(struct hv_vp *vp, uint32_t name)
{
	for (unsigned int i = 0; i < vp->count; i++)
		if (vp->registers[i].name == name)
			return &vp->registers[i];
	if (vp->count == FAKE_REGISTERS)
		abort();
	vp->registers[vp->count].name = name;
	return &vp->registers[vp->count++];
}

int hv_vp_set_registers(struct hv_vp *vp, const struct hv_register_assoc *registers, size_t count)
{
	fake.set = registers[count - 1];
	for (size_t i = 0; i < count; i++)
		register_of(vp, registers[i].name)->value = registers[i].value;
	return 0;
}

int hv_vp_get_registers(struct hv_vp *vp, struct hv_register_assoc *registers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		registers[i].value = register_of(vp, registers[i].name)->value;
	return 0;
}

int hv_vp_get_blob(struct hv_vp *vp, enum hv_vp_blob which, void *to)
{
	memcpy(to, vp->blobs[which], HV_VP_BLOB_BYTES);
	return 0;
}

int hv_vp_set_blob(struct hv_vp *vp, enum hv_vp_blob which, const void *from)
{
	memcpy(vp->blobs[which], from, HV_VP_BLOB_BYTES);
	return 0;
}

/* Pages at and above 0x40000000 go to GPA - 0x40000000; 0x7f000000 is not present. */
int hv_vp_translate(struct hv_vp *vp, uint64_t gva, uint64_t flags, uint32_t *result, uint64_t *gpa)
{
	(void)vp;
	(void)flags;
	fake.translations++;
	*result = gva >= 0x7f000000 ? HV_TRANSLATE_PAGE_NOT_PRESENT : HV_TRANSLATE_SUCCESS;
	*gpa = gva - 0x40000000;
	return 0;
}

int fake_file(const char *name, uint8_t fill, size_t size)
{
	uint8_t *bytes = malloc(size);
	int fd = memfd_create(name, 0);

	if (!bytes || fd < 0)
		abort();
	memset(bytes, fill, size);
	if (write(fd, bytes, size) != (ssize_t)size)
		abort();
	free(bytes);
	return fd;
}

int fake_bios(void)
{
	static const uint8_t jump = 0xea;	/* at the reset vector */
	int fd = fake_file("bios", 0x90, FAKE_BIOS_BYTES);

	return pwrite(fd, &jump, 1, FAKE_BIOS_BYTES - 16) == 1 ? fd : -1;
}

struct machine *fake_machine_new(uint64_t memory, unsigned int processors, bool powered)
{
	struct vm_config config;

	vm_config_init(&config);
	config.memory_bytes = memory;
	config.processors = processors;
	config.disks[0] = (struct vm_disk){ .fd = -1, .cd = true, .place = { .controller = 1 }, .format = "raw" };
	config.disk_count = 1;
	config.bios_fd = fake_bios();
	return fake_machine_configured(&config, powered);
}

struct machine *fake_machine_configured(struct vm_config *config, bool powered)
{
	struct machine *m = NULL;
	sd_event *loop = NULL;

	memset(&fake, 0, sizeof(fake));
	strcpy(config->id, "00112233-4455-6677-8899-aabbccddeeff");
	config->boot[0] = VM_BOOT_CD;
	if (sd_event_new(&loop) < 0 || machine_create(loop, -1, &m) < 0 || machine_configure(m, config) < 0)
		abort();
	pci_reset(m);
	for (unsigned int i = 0; i < m->device_count; i++)
		if (m->devices[i].model->reset)
			m->devices[i].model->reset(&m->devices[i]);
	firmware_reset(m);
	if (powered)
		m->partition = &partition;
	return m;
}

void fake_machine_free(struct machine *m)
{
	sd_event *loop = m->loop;

	m->partition = NULL;
	machine_destroy(m);
	sd_event_unref(loop);
}
