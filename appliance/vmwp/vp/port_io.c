/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port I/O exits. IN and OUT complete through the register page without a hypercall; this path allocates and logs nothing.
 * INS and OUTS are carried out here, whole blocks at once where the device and the addresses allow.
 */
#include "vmwp/vp/alu.h"
#include "vmwp/vp/vp.h"

#include <errno.h>
#include <string.h>

#define PAGE		4096ull
#define STRING_BATCH	4096u	/* elements per exit; the guest re-executes the rest */

static void complete(struct hv_vp_register_page *regs, uint64_t rip, uint32_t dirty)
{
	regs->rip = rip;
	regs->dirty |= dirty | 1u << HV_REGISTER_CLASS_IP;
}

static void port_simple(struct vp *vp, const struct hv_x64_io_port_intercept_message *io)
{
	struct hv_vp_register_page *regs = hv_vp_registers(vp->hv);
	unsigned int size = io->access_size;
	uint64_t mask = size_mask(size), rip = io->header.rip + io->header.instruction_length;
	uint32_t value;

	if (!is_long_mode(regs))
		rip = (uint32_t)rip;
	machine_lock(vp->machine);
	if (io->header.access_type == HV_INTERCEPT_ACCESS_WRITE) {
		machine_port_write(vp->machine, io->port, size, (uint32_t)io->rax);
		machine_unlock(vp->machine);
		complete(regs, rip, 0);
		return;
	}
	value = machine_port_read(vp->machine, io->port, size);
	machine_unlock(vp->machine);
	regs->rax = size == 4 ? value : (io->rax & ~mask) | (value & mask);
	complete(regs, rip, 1u << HV_REGISTER_CLASS_GENERAL);
}

/* --- strings --- */

struct string_run {
	struct vp *vp;
	struct hv_vp_register_page *regs;
	const struct port_claim *claim;		/* NULL: nobody there */
	struct string_io io;
	uint16_t port;
	unsigned int size;
	bool in;
	struct translation page;
};

static uint64_t *index_register(const struct string_run *s)
{
	return s->in ? &s->regs->rdi : &s->regs->rsi;
}

static void add_to(uint64_t *reg, uint64_t delta, unsigned int size)
{
	uint64_t value = *reg + delta;

	*reg = size == 2 ? (*reg & ~0xffffull) | (value & 0xffff) : value & size_mask(size);
}

static void elements_done(const struct string_run *s, uint32_t count)
{
	uint64_t bytes = (uint64_t)count * s->size;

	add_to(index_register(s), s->regs->rflags & FLAG_DF ? -bytes : bytes, s->io.address_size);
	if (s->io.rep)
		add_to(&s->regs->rcx, (uint64_t)-(int64_t)count, s->io.address_size);
	s->regs->dirty |= 1u << HV_REGISTER_CLASS_GENERAL;
}

static uint64_t string_address(const struct string_run *s)
{
	return linear_address(s->regs, s->in ? SEGMENT_ES : s->io.segment, *index_register(s) & size_mask(s->io.address_size));
}

/* The device moves as many elements as fit in this page of RAM. 0: it does not do blocks, or not here. */
static uint32_t string_block(struct string_run *s, uint64_t gpa, uint32_t count)
{
	const struct port_range *range = s->claim ? &s->claim->range : NULL;
	uint32_t room = (uint32_t)((PAGE - gpa % PAGE) / s->size);
	void *memory;

	if (!range || !(s->in ? (void *)range->read_block : (void *)range->write_block) || s->regs->rflags & FLAG_DF)
		return 0;
	count = count < room ? count : room;
	memory = count ? guest_memory(s->vp->machine, gpa, (uint64_t)count * s->size) : NULL;
	if (!memory)
		return 0;
	return s->in ? range->read_block(s->claim->dev, s->port, s->size, memory, count)
		     : range->write_block(s->claim->dev, s->port, s->size, memory, count);
}

/* Memory of one element, RAM or MMIO, also across a page boundary. */
static int string_memory(struct string_run *s, uint64_t gva, uint8_t *bytes)
{
	struct machine *m = s->vp->machine;

	for (unsigned int done = 0; done < s->size;) {
		uint64_t gpa, left = PAGE - (gva + done) % PAGE;
		unsigned int size = left < s->size - done ? (unsigned int)left : s->size - done;
		uint64_t value = 0;
		int r = vp_translate(s->vp, gva + done, s->in, &s->page, &gpa);

		if (r)
			return r;
		if (s->in && guest_write(m, gpa, bytes + done, size) < 0) {
			memcpy(&value, bytes + done, size);
			machine_mmio_write(m, gpa, size, value);
		} else if (!s->in && guest_read(m, gpa, bytes + done, size) < 0) {
			value = machine_mmio_read(m, gpa, size);
			memcpy(bytes + done, &value, size);
		}
		done += size;
	}
	return 0;
}

static int string_element(struct string_run *s)
{
	uint64_t gva = string_address(s);
	uint32_t value = 0;
	uint64_t gpa;
	int r;

	if (!s->in) {
		r = string_memory(s, gva, (uint8_t *)&value);
		if (r == 0)
			machine_port_write(s->vp->machine, s->port, s->size, value);
		return r;
	}
	r = vp_translate(s->vp, gva, true, &s->page, &gpa);	/* before the device gives its data away */
	if (r)
		return r;
	value = machine_port_read(s->vp->machine, s->port, s->size);
	return string_memory(s, gva, (uint8_t *)&value);
}

static int string_step(struct string_run *s, uint32_t left, uint32_t *done)
{
	uint64_t gpa;
	int r = vp_translate(s->vp, string_address(s), s->in, &s->page, &gpa);

	if (r)
		return r;
	*done = string_block(s, gpa, left);
	if (*done)
		return 0;
	*done = 1;
	return string_element(s);
}

static uint64_t string_left(const struct string_run *s)
{
	return s->regs->rcx & size_mask(s->io.address_size);
}

static int string_run(struct string_run *s)
{
	uint32_t total = 0, done;
	int r;

	while (total < STRING_BATCH && (s->io.rep ? string_left(s) != 0 : total == 0)) {
		uint64_t left = s->io.rep ? string_left(s) : 1;

		r = string_step(s, left < STRING_BATCH - total ? (uint32_t)left : STRING_BATCH - total, &done);
		if (r)
			return r;
		elements_done(s, done);
		total += done;
	}
	if (!s->io.rep || string_left(s) == 0)
		complete(s->regs, is_long_mode(s->regs) ? s->regs->rip + s->io.length : (uint32_t)(s->regs->rip + s->io.length), 0);
	return 0;
}

static void port_string(struct vp *vp, const struct hv_x64_io_port_intercept_message *io)
{
	struct string_run s = {
		.vp = vp, .regs = hv_vp_registers(vp->hv), .port = io->port, .size = io->access_size,
		.in = io->header.access_type != HV_INTERCEPT_ACCESS_WRITE,
	};
	uint8_t fetched[INSTRUCTION_MAX];
	const uint8_t *bytes = io->instruction_bytes;
	size_t count = io->instruction_byte_count;
	int r = 0;

	machine_lock(vp->machine);
	s.claim = io_map_port(vp->machine, io->port);
	if (count == 0 || count > sizeof(io->instruction_bytes)) {
		bytes = fetched;
		r = vp_fetch(vp, fetched, &count);
	}
	if (r == 0)
		r = decode_string_io(s.regs, bytes, count, &s.io);
	if (r == 0)
		r = string_run(&s);
	if (r && r != -EFAULT)
		vp_fail(vp, "string port I/O cannot be emulated");
	machine_unlock(vp->machine);
}

void vp_exit_port(struct vp *vp)
{
	const struct hv_x64_io_port_intercept_message *io = (const void *)vp->message.payload;

	if (io->string_op)
		port_string(vp, io);
	else
		port_simple(vp, io);
}
