/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the intercept messages a parent gets, byte for byte as hv-abi.md 7 has them; see message.h. */
#include <abi/hv_message.h>
#include <hv/message.h>
#include <hv/partition.h>
#include <hv/string.h>
#include <hv/xmm.h>

#define CR0_PE		BIT(0)
#define CR0_AM		BIT(18)
#define EFER_LMA	BIT(10)

enum { ES, CS, SS, DS };	/* of struct vcpu_frame's segments */

static uint16_t execution_state(struct vp *vp, const struct vcpu_frame *f)
{
	union hv_x64_vp_execution_state state = {
		.cpl = vcpu_cpl(vp),
		.cr0_pe = (f->cr0 & CR0_PE) != 0,
		.cr0_am = (f->cr0 & CR0_AM) != 0,
		.efer_lma = (f->efer & EFER_LMA) != 0,
		.interruption_pending = vcpu_event_pending(vp),
		.interrupt_shadow = f->interrupt_state & HV_INTERRUPT_STATE_SHADOW,
	};

	return state.as_uint16;
}

static void fill_header_from(struct vp *vp, const struct vcpu_frame *f, struct hv_x64_intercept_header *h, uint8_t access,
			     unsigned int length)
{
	h->vp_index = vp->index;
	h->instruction_length = length & 0xf;
	h->cr8 = f->cr8 & 0xf;
	h->access_type = access;
	h->execution_state.as_uint16 = execution_state(vp, f);
	h->cs = f->segments[CS];
	h->rip = f->rip;
	h->rflags = f->rflags;
}

static void fill_header(struct vp *vp, struct hv_x64_intercept_header *h, uint8_t access, unsigned int length)
{
	struct vcpu_frame f;

	vcpu_get_frame(vp, &f);
	fill_header_from(vp, &f, h, access, length);
}

/* The page is the VMM's to read and the root's to write: hv only ever writes it. What is behind the payload stays zero. */
static enum vp_next deliver(struct vp *vp, uint32_t type, const void *payload, unsigned int size)
{
	struct hv_message *page = vp->intercept_page;

	vp->intercept_suspend = true;
	vp->stats[type == HVMSG_X64_IO_PORT_INTERCEPT ? STAT_IO_MESSAGES :
		  type == HVMSG_UNMAPPED_GPA || type == HVMSG_GPA_INTERCEPT ? STAT_MEMORY_MESSAGES : STAT_OTHER_MESSAGES]++;
	if (!page)
		return VP_RETURN;
	page->header = (struct hv_message_header){
		.message_type = type, .payload_size = (uint8_t)size, .sender = vp->partition->id,
	};
	memcpy(page->payload, payload, size);
	if (size < vp->intercept_bytes)
		memset(page->payload + size, 0, vp->intercept_bytes - size);
	vp->intercept_bytes = size;
	return VP_RETURN;
}

enum vp_next message_io_port(struct vp *vp, const struct port_access *a)
{
	struct hv_x64_io_port_intercept_message m = {
		.port = a->port, .access_size = a->size, .string_op = a->string, .rep_prefix = a->rep,
		.rax = vp->gprs.rax, .rcx = vp->gprs.rcx, .rsi = vp->gprs.rsi, .rdi = vp->gprs.rdi,
	};
	struct vcpu_frame f;

	vcpu_get_frame(vp, &f);
	fill_header_from(vp, &f, &m.header, a->write ? HV_INTERCEPT_ACCESS_WRITE : HV_INTERCEPT_ACCESS_READ,
			 (unsigned int)(a->next_rip - f.rip));
	if (a->string) {
		m.ds = f.segments[DS];
		m.es = f.segments[ES];
		m.instruction_byte_count = (uint8_t)vp_fetch_instruction(vp, m.instruction_bytes);
	}
	return deliver(vp, HVMSG_X64_IO_PORT_INTERCEPT, &m, sizeof(m));
}

enum vp_next message_memory(struct vp *vp, uint32_t type, const struct gpa_fault *f)
{
	struct hv_x64_memory_intercept_message m = { .gpa = f->gpa.addr, .gva = f->gva };
	uint8_t access = f->execute ? HV_INTERCEPT_ACCESS_EXECUTE :
			 f->write ? HV_INTERCEPT_ACCESS_WRITE : HV_INTERCEPT_ACCESS_READ;

	fill_header(vp, &m.header, access, 0);
	if (f->gva_valid)
		m.memory_access_info = HV_MEMORY_GVA_VALID | HV_MEMORY_GVA_GPA_VALID;
	m.tpr_priority = m.header.cr8;
	if (type == HVMSG_UNMAPPED_GPA && !f->execute)
		m.instruction_byte_count = (uint8_t)vp_fetch_instruction(vp, m.instruction_bytes);
	return deliver(vp, type, &m, sizeof(m));
}

enum vp_next message_hypercall(struct vp *vp)
{
	struct hv_x64_hypercall_intercept_message m = {
		.rax = vp->gprs.rax, .rbx = vp->gprs.rbx, .rcx = vp->gprs.rcx, .rdx = vp->gprs.rdx,
		.r8 = vp->gprs.r8, .rsi = vp->gprs.rsi, .rdi = vp->gprs.rdi,
	};

	xmm_read(m.xmm);
	fill_header(vp, &m.header, HV_INTERCEPT_ACCESS_EXECUTE, 0);
	return deliver(vp, HVMSG_HYPERCALL_INTERCEPT, &m, sizeof(m));
}

enum vp_next message_msr(struct vp *vp, uint32_t msr, bool write)
{
	struct hv_x64_msr_intercept_message m = { .msr = msr, .rdx = vp->gprs.rdx, .rax = vp->gprs.rax };

	fill_header(vp, &m.header, write ? HV_INTERCEPT_ACCESS_WRITE : HV_INTERCEPT_ACCESS_READ, 2);
	return deliver(vp, HVMSG_X64_MSR_INTERCEPT, &m, sizeof(m));
}

enum vp_next message_apic_eoi(struct vp *vp, uint8_t vector)
{
	struct hv_x64_apic_eoi_message m = { .vp_index = vp->index, .vector = vector };

	return deliver(vp, HVMSG_X64_APIC_EOI, &m, sizeof(m));
}

enum vp_next message_unrecoverable(struct vp *vp)
{
	struct hv_x64_unrecoverable_exception_message m = { 0 };

	fill_header(vp, &m.header, HV_INTERCEPT_ACCESS_EXECUTE, 0);
	return deliver(vp, HVMSG_UNRECOVERABLE_EXCEPTION, &m, sizeof(m));
}

enum vp_next message_invalid_state(struct vp *vp)
{
	struct hv_invalid_vp_register_message m = { .vp_index = vp->index };

	return deliver(vp, HVMSG_INVALID_VP_REGISTER_VALUE, &m, sizeof(m));
}

enum vp_next message_unsupported(struct vp *vp, uint32_t code, uint64_t parameter)
{
	struct hv_unsupported_feature_message m = { .vp_index = vp->index, .feature_code = code, .parameter = parameter };

	return deliver(vp, HVMSG_UNSUPPORTED_FEATURE, &m, sizeof(m));
}

enum vp_next message_sint_deliverable(struct vp *vp, uint16_t sints)
{
	struct hv_sint_deliverable_message m = { .deliverable_sints = sints };

	fill_header(vp, &m.header, HV_INTERCEPT_ACCESS_READ, 0);
	return deliver(vp, HVMSG_SYNIC_SINT_DELIVERABLE, &m, sizeof(m));
}
