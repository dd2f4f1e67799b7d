/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intercept messages as the hypervisor sends them for a guest that may have put anything into registers and memory: port I/O with
 * strings, accesses to memory that is emulated, hypercalls. What the worker does not know stops the VM, never the process.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vmwp/fake_hv.h"

#include "partita/log.h"
#include "vmwp/vp/vp.h"

#include <hv_hypercall.h>
#include <stdlib.h>
#include <string.h>

#define CODE	0x8000u
#define BLOCK	0x9000u

static struct machine *m;
static struct vp vp;

static void begin(void)
{
	if (!m) {
		log_threshold(LOG_LEVEL_ERROR);
		m = fake_machine_new(64 << 20, 1, true);
		vp = (struct vp){ .machine = m };
		if (hv_vp_create(m->partition, 0, &vp.hv) < 0)
			abort();
	}
	fake.posted_count = 0;
	memset(&m->request, 0, sizeof(m->request));
	memset(&vp.message, 0, sizeof(vp.message));
}

static void registers(void)
{
	static const uint16_t code[] = { 0x9b, 0xc09b, 0xa09b };
	struct hv_vp_register_page *r = hv_vp_registers(vp.hv);
	uint32_t mode = below(3);

	memset(r, 0, sizeof(*r));
	r->isvalid = 1;
	r->cs.attributes = code[mode];
	r->efer = mode == 2 ? 0x500 : 0;
	r->cr0 = mode ? 1u | below(2) << 31 : 0;
	r->rip = CODE;
	r->rflags = 2 | input_number(2);
	for (unsigned int i = 0; i < 16; i++)
		r->gprs[i] = once_in(3) ? input_number(8) : once_in(2) ? 0xa0000 + input_number(2) : BLOCK + input_number(2);
}

static void header_fill(struct hv_x64_intercept_header *h)
{
	h->rip = CODE;
	h->instruction_length = (uint8_t)below(16);
	h->access_type = (uint8_t)below(3);
}

static void exit_port(void)
{
	struct hv_x64_io_port_intercept_message *io = (void *)vp.message.payload;

	vp.message.header.message_type = HVMSG_X64_IO_PORT_INTERCEPT;
	header_fill(&io->header);
	io->access_size = 1u << below(3);
	io->string_op = once_in(2);
	io->rep_prefix = once_in(2);
	io->port = (uint16_t)(once_in(4) ? any() : 0x1f0 + below(8));
	io->rax = input_number(4);
	io->instruction_byte_count = (uint8_t)below(17);
	input_take(io->instruction_bytes, 4);
}

static void exit_memory(void)
{
	struct hv_x64_memory_intercept_message *memory = (void *)vp.message.payload;

	vp.message.header.message_type = once_in(2) ? HVMSG_GPA_INTERCEPT : HVMSG_UNMAPPED_GPA;
	header_fill(&memory->header);
	memory->memory_access_info = (uint8_t)below(4);
	memory->gpa = memory->gva = 0xa0000 + input_number(3);
	memory->instruction_byte_count = (uint8_t)below(17);
	input_take(memory->instruction_bytes, 16);
}

static void exit_hypercall(void)
{
	struct hv_x64_hypercall_intercept_message *call = (void *)vp.message.payload;
	uint8_t block[264];

	vp.message.header.message_type = HVMSG_HYPERCALL_INTERCEPT;
	header_fill(&call->header);
	call->rcx = call->rax = (once_in(2) ? HVCALL_POST_MESSAGE : once_in(2) ? HVCALL_SIGNAL_EVENT : below(256)) | (uint64_t)below(2) << 16;
	call->rdx = once_in(4) ? input_number(8) : BLOCK;
	input_take(block, below(sizeof(block)));
	guest_write(m, BLOCK, block, sizeof(block));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const exits[])(void) = { exit_port, exit_memory, exit_hypercall };
	uint8_t code[16];

	input_begin(data, size);
	begin();
	while (input_left()) {
		registers();
		memset(vp.message.payload, 0, sizeof(vp.message.payload));
		exits[below(3)]();
		input_take(code, sizeof(code));
		guest_write(m, CODE, code, sizeof(code));
		vp_handle_exit(&vp);
		while (once_in(4) && sd_event_run(m->loop, 0) > 0)
			;
	}
	return 0;
}
