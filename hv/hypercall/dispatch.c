/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypercall dispatcher (TLFS, chapter 3): registers to a call, checks by the row, one copy of the input, the handler, the
 * output, the result. A rep call that has used its time is left on its instruction with a new start index, so that
 * interrupts get in and the guest executes it again.
 */
#include <abi/hv_status.h>
#include <abi/hv_types.h>
#include <hv/cpuid_model.h>
#include <hv/deadline.h>
#include <hv/hypercall.h>
#include <hv/intercept.h>
#include <hv/lp.h>
#include <hv/message.h>
#include <hv/partition.h>
#include <hv/string.h>
#include <hv/xmm.h>

#define VECTOR_UD		6
#define CR0_PE			BIT(0)
#define FAST_INPUT_BYTES	(16u + 16 * XMM_HYPERCALL_REGISTERS)
#define STRETCH_PER_SECOND	20000u		/* a call runs 50 us at a time */
#define REPS_PER_LOOK		16u		/* the clock is read every so many reps */

static uint8_t blocks[HV_MAX_LPS][2][HC_BLOCK_MAX] __aligned(8);

struct hc_regs { uint64_t control, input, output; bool long_mode; };

static struct hc_regs hc_regs_get(struct vp *vp)
{
	const struct vp_gprs *g = &vp->gprs;

	if (vcpu_in_long_mode(vp))
		return (struct hc_regs){ g->rcx, g->rdx, g->r8, true };
	return (struct hc_regs){ g->rdx << 32 | (uint32_t)g->rax, g->rbx << 32 | (uint32_t)g->rcx,
				 g->rdi << 32 | (uint32_t)g->rsi, false };
}

/* 64 bits in one register, or outside long mode in a pair. */
static void hc_regs_set(struct vp *vp, const struct hc_regs *r, uint64_t *in_long_mode, uint64_t value)
{
	if (r->long_mode) {
		*in_long_mode = value;
		return;
	}
	vp->gprs.rax = (uint32_t)value;
	vp->gprs.rdx = value >> 32;
}

bool hc_next_rep(struct hc_call *call)
{
	if (call->rep_open)
		call->reps_done++;
	call->rep_open = false;
	if (call->reps_done >= call->rep_count)
		return false;
	if (call->reps_done % REPS_PER_LOOK == 0 && call->reps_done != call->rep_start &&
	    tsc_now() - call->started > tsc_hz / STRETCH_PER_SECOND)
		return false;
	call->rep_open = true;
	return true;
}

const void *hc_rep_in(struct hc_call *call)
{
	return call->in + call->row->in + call->var_qwords * 8 + (size_t)call->reps_done * call->row->rep_in;
}

void *hc_rep_out(struct hc_call *call)
{
	return call->out + call->row->out + (size_t)call->reps_done * call->row->rep_out;
}

static bool kind_has_reps(const struct hc_row *row)
{
	return row->kind == HC_REP || row->kind == HC_REP_VAR;
}

static bool kind_has_var(const struct hc_row *row)
{
	return row->kind == HC_SIMPLE_VAR || row->kind == HC_REP_VAR;
}

static size_t input_bytes(const struct hc_row *row, uint64_t control)
{
	return row->in + HV_HC_VARHEAD(control) * 8 + row->rep_in * HV_HC_REP_COUNT(control);
}

static size_t output_bytes(const struct hc_row *row, uint64_t control)
{
	return row->out + row->rep_out * HV_HC_REP_COUNT(control);
}

hv_status_t hc_check_control(const struct hc_row *row, uint64_t control)
{
	uint64_t count = HV_HC_REP_COUNT(control), start = HV_HC_REP_START(control);
	size_t in = input_bytes(row, control), out = output_bytes(row, control);

	if (control & HV_HC_RESERVED)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	if (kind_has_reps(row) ? !count || start >= count : count || start)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	if (HV_HC_VARHEAD(control) && !kind_has_var(row))
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	if ((control & HV_HC_FAST) ? in > FAST_INPUT_BYTES || out : in > HC_BLOCK_MAX || out > HC_BLOCK_MAX)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	return HV_STATUS_SUCCESS;
}

static const struct hc_row *find_row(struct vp *vp, uint64_t control)
{
	uint32_t code = HV_HC_CODE(control);
	const struct hc_row *row = code < HVCALL_CODE_MAX ? &hc_table[code] : NULL;

	if (!row || !row->handler || (row->who == HC_ROOT && !partition_is_root(vp->partition)))
		return NULL;
	return row;
}

static bool may_call(struct vp *vp, const struct hc_row *row)
{
	return partition_is_root(vp->partition) || !row->privilege ||
	       (vp->partition->privileges & row->privilege) == row->privilege;
}

static bool pointer_is_bad(uint64_t address, size_t bytes)
{
	return bytes && ((address & 7) || (address & ~PAGE_MASK) + bytes > PAGE_SIZE);
}

/* The address in a page that a VP uses again and again; NULL when it must not. Caller holds the lock for as long as it uses it. */
static void *parameters_at(struct vp *vp, struct gpa_view *view, uint64_t address, unsigned int access)
{
	struct gpa_space *g = &vp->partition->gpa;
	gpa_t page = { address & PAGE_MASK };
	spa_t spa;

	if (view->gpa.addr != page.addr || view->generation != g->generation) {
		if (gpa_space_translate(g, page, access, &spa))
			return NULL;
		*view = (struct gpa_view){ page, g->generation, spa_to_virt(spa) };
	}
	return (char *)view->page + (address & ~PAGE_MASK);
}

static bool copy_parameters(struct vp *vp, uint64_t address, void *block, size_t bytes, bool out)
{
	struct gpa_space *g = &vp->partition->gpa;
	void *guest;

	if (!bytes)
		return true;
	spin_lock(&vp->partition->lock);
	guest = out ? parameters_at(vp, &vp->hypercall_output, address, GPA_READ | GPA_WRITE) :
		      parameters_at(vp, &vp->hypercall_input, address, GPA_READ);
	if (guest)
		memcpy(out ? guest : block, out ? block : guest, bytes);
	if (guest && out && g->tracking)
		gpa_space_access_state(g, (gpa_t){ address }, HV_GPA_SET_DIRTY);
	spin_unlock(&vp->partition->lock);
	return guest != NULL;
}

/* Only what this stretch produced: earlier reps are in the guest's block already. */
static bool copy_results_out(struct vp *vp, const struct hc_call *call, uint64_t address, unsigned int start)
{
	size_t offset = call->row->out + (size_t)start * call->row->rep_out;
	size_t bytes = (size_t)(call->reps_done - start) * call->row->rep_out;

	return copy_parameters(vp, address, call->out, call->row->out, true) &&
	       copy_parameters(vp, address + offset, call->out + offset, bytes, true);
}

static enum vp_next finish(struct vp *vp, const struct hc_regs *r, hv_status_t status, uint64_t reps_done)
{
	hc_regs_set(vp, r, &vp->gprs.rax, status | reps_done << HV_HC_REP_SHIFT);
	vcpu_skip_instruction(vp);
	return VP_RESUME;
}

static bool vmm_wants_hypercalls(struct vp *vp)
{
	return !partition_is_root(vp->partition) && vp->partition->intercepts[HV_INTERCEPT_HYPERCALL];
}

static bool target_is_locked(const struct hc_call *call)
{
	return call->row->target != HC_PARTITION_UNLOCKED && call->row->target != HC_CHILD_UNLOCKED;
}

static void call_target_put(struct hc_call *call)
{
	if (target_is_locked(call))
		spin_unlock(&call->partition->lock);
	partition_put(call->partition);
}

static hv_status_t find_vp(struct hc_call *call, uint32_t index)
{
	if (index == HV_VP_INDEX_SELF && call->partition == call->caller->partition)
		index = call->caller->index;
	call->vp = partition_vp(call->partition, index);
	if (!call->vp)
		return HV_STATUS_INVALID_VP_INDEX;
	if (call->row->target == HC_CHILD_VP && !call->vp->lapic)
		return HV_STATUS_INVALID_PARAMETER;
	if (call->row->target == HC_STOPPED_VP && (!call->vp->lapic || call->vp->running))
		return HV_STATUS_INVALID_VP_STATE;
	return HV_STATUS_SUCCESS;
}

static hv_status_t call_target_get(struct hc_call *call)
{
	const struct hv_in_vp *in = hc_in(call, struct hv_in_vp);
	bool child = call->row->target == HC_CHILD || call->row->target == HC_CHILD_UNLOCKED;
	hv_status_t status = child ? partition_get_child(in->partition_id, &call->partition) :
				     partition_get_or_self(call->caller, in->partition_id, &call->partition);

	if (status != HV_STATUS_SUCCESS)
		return status;
	if (target_is_locked(call))
		spin_lock(&call->partition->lock);
	if (call->row->target >= HC_VP)
		status = find_vp(call, in->vp_index);
	if (status != HV_STATUS_SUCCESS)
		call_target_put(call);
	return status;
}

static hv_status_t handle(struct hc_call *call)
{
	hv_status_t status;

	if (call->row->target == HC_NO_TARGET)
		return call->row->handler(call);
	status = call_target_get(call);
	if (status != HV_STATUS_SUCCESS)
		return status;
	status = call->row->handler(call);
	call_target_put(call);
	return status;
}

static enum vp_next run_call(struct vp *vp, struct hc_call *call, const struct hc_regs *r)
{
	unsigned int start = call->reps_done;
	hv_status_t status;

	call->rep_start = start;
	call->started = tsc_now();
	memset(call->out, 0, call->row->out);
	status = handle(call);
	if (call->intercept)
		return message_hypercall(vp);
	if (!(r->control & HV_HC_FAST) && (status == HV_STATUS_SUCCESS || call->reps_done != start) &&
	    !copy_results_out(vp, call, r->output, start))
		status = HV_STATUS_INVALID_PARAMETER;
	if (status == HV_STATUS_SUCCESS && call->reps_done < call->rep_count) {
		hc_regs_set(vp, r, &vp->gprs.rcx, (r->control & ~(0xfffull << HV_HC_START_SHIFT)) |
					       (uint64_t)call->reps_done << HV_HC_START_SHIFT);
		return VP_RESUME;
	}
	return finish(vp, r, status, call->reps_done);
}

/* Two registers and the first six of XMM. Output in registers is not offered (CPUID 0x40000003 EDX bit 15). */
static void fast_input(uint8_t *to, const struct hc_regs *r)
{
	memcpy(to, (const uint64_t[2]){ r->input, r->output }, 16);
	xmm_read((struct hv_u128 *)(void *)(to + 16));
}

static enum vp_next prepare_call(struct vp *vp, const struct hc_row *row, const struct hc_regs *r)
{
	struct hc_call call = {
		.row = row, .caller = vp, .in = blocks[this_lp()->index][0], .out = blocks[this_lp()->index][1],
		.var_qwords = HV_HC_VARHEAD(r->control), .rep_count = HV_HC_REP_COUNT(r->control),
		.reps_done = HV_HC_REP_START(r->control),
	};
	size_t in = input_bytes(row, r->control);

	if (r->control & HV_HC_FAST) {
		fast_input(call.in, r);
		return run_call(vp, &call, r);
	}
	if (pointer_is_bad(r->input, in) || pointer_is_bad(r->output, output_bytes(row, r->control)))
		return finish(vp, r, HV_STATUS_INVALID_ALIGNMENT, call.reps_done);
	if (!copy_parameters(vp, r->input, call.in, in, false)) {
		if (!partition_is_root(vp->partition))	/* the driver may have to bring the memory in: then the call is executed again */
			return intercept_gpa(vp, &(struct gpa_fault){ .gpa = { r->input } });
		return finish(vp, r, HV_STATUS_INVALID_PARAMETER, call.reps_done);
	}
	return run_call(vp, &call, r);
}

int hc_dispatch(struct vp *vp)
{
	struct hc_regs r = hc_regs_get(vp);
	const struct hc_row *row;
	hv_status_t status;

	if (vcpu_cpl(vp) || !(r.long_mode || vcpu_cr0(vp) & CR0_PE)) {
		vcpu_inject_exception(vp, VECTOR_UD, false, 0);
		return VP_RESUME;
	}
	row = find_row(vp, r.control);
	if (!row)
		return vmm_wants_hypercalls(vp) ? message_hypercall(vp) :
						  finish(vp, &r, HV_STATUS_INVALID_HYPERCALL_CODE, 0);
	status = may_call(vp, row) ? hc_check_control(row, r.control) : HV_STATUS_ACCESS_DENIED;
	if (status != HV_STATUS_SUCCESS)
		return finish(vp, &r, status, 0);
	return prepare_call(vp, row, &r);
}
