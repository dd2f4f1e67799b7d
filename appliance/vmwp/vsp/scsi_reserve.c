/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PERSISTENT RESERVE IN and OUT (SPC-3, 5.6, 6.11, 6.12). A disk belongs to one VM, which is one initiator: there is at
 * most one registration, and a reservation never keeps anybody out. Cluster software still finds its rules kept. Nothing
 * survives a loss of power (no APTPL), which the capabilities say.
 */
#include "vmwp/vsp/scsi_internal.h"

#define TYPES_MASK		0x01eau		/* types 1, 3, 5, 6, 7, 8 */
#define PARAMETER_BYTES		24u
#define SPEC_I_PT		0x08u		/* byte 20 of the parameters */
#define ALL_TG_PT		0x04u
#define APTPL			0x01u

struct reserve_out { uint64_t key, service_key; uint8_t scope, type; };

/* --- IN --- */

static uint32_t read_keys(const struct scsi_reservation *v, uint8_t *p)
{
	scsi_put32(p, v->generation);
	scsi_put32(p + 4, v->registered ? 8 : 0);
	scsi_put64(p + 8, v->key);
	return v->registered ? 16 : 8;
}

static uint32_t read_reservation(const struct scsi_reservation *v, uint8_t *p)
{
	scsi_put32(p, v->generation);
	if (!v->held)
		return 8;
	scsi_put32(p + 4, 16);
	scsi_put64(p + 8, v->key);
	p[21] = v->type;
	return 24;
}

static uint32_t report_capabilities(const struct scsi_reservation *v, uint8_t *p)
{
	(void)v;
	scsi_put16(p, 8);
	p[3] = 0x80;				/* the type mask is valid */
	p[4] = TYPES_MASK & 0xff;
	p[5] = TYPES_MASK >> 8;
	return 8;
}

static uint32_t read_full_status(const struct scsi_reservation *v, uint8_t *p)
{
	scsi_put32(p, v->generation);
	if (!v->registered)
		return 8;
	scsi_put32(p + 4, 24 + 24);
	scsi_put64(p + 8, v->key);
	p[8 + 12] = v->held;			/* R_HOLDER */
	p[8 + 13] = v->held ? v->type : 0;
	scsi_put16(p + 8 + 18, 1);		/* relative target port */
	scsi_put32(p + 8 + 20, 24);		/* transport id: the one initiator there is */
	return 8 + 24 + 24;
}

static uint32_t (*const in_actions[])(const struct scsi_reservation *v, uint8_t *p) = {
	read_keys, read_reservation, report_capabilities, read_full_status,
};

void scsi_reserve_in(struct scsi_unit *u, struct scsi_request *r)
{
	uint8_t data[64] = { 0 };
	unsigned int action = r->cdb[1] & 0x1f;
	uint32_t n;

	if (action >= sizeof(in_actions) / sizeof(in_actions[0])) {
		scsi_fail(r, sense_bad_field);
		return;
	}
	n = in_actions[action](&u->reservation, data);
	scsi_answer(r, data, n, scsi_get16(r->cdb + 7));
}

/* --- OUT: each ends the command --- */

static void register_key(struct scsi_reservation *v, struct scsi_request *r, const struct reserve_out *o)
{
	v->registered = o->service_key != 0;
	v->key = o->service_key;
	v->held = v->held && v->registered;
	v->generation++;
	scsi_good(r);
}

static void out_register(struct scsi_reservation *v, struct scsi_request *r, const struct reserve_out *o)
{
	if (o->key != (v->registered ? v->key : 0))
		scsi_conflict(r);
	else
		register_key(v, r, o);
}

static void out_reserve(struct scsi_reservation *v, struct scsi_request *r, const struct reserve_out *o)
{
	if (v->held && v->type != o->type) {
		scsi_conflict(r);
		return;
	}
	v->held = true;
	v->type = o->type;
	scsi_good(r);
}

static void out_release(struct scsi_reservation *v, struct scsi_request *r, const struct reserve_out *o)
{
	if (v->held && v->type != o->type) {
		scsi_fail(r, sense_bad_release);
		return;
	}
	v->held = false;
	scsi_good(r);
}

static void out_clear(struct scsi_reservation *v, struct scsi_request *r, const struct reserve_out *o)
{
	(void)o;
	v->held = v->registered = false;
	v->key = 0;
	v->generation++;
	scsi_good(r);
}

/* The only registration it can name is its own: the reservation changes its type, or begins. */
static void out_preempt(struct scsi_reservation *v, struct scsi_request *r, const struct reserve_out *o)
{
	if (o->service_key == 0) {
		scsi_fail(r, sense_bad_parameter);
		return;
	}
	if (o->service_key != v->key) {
		scsi_conflict(r);
		return;
	}
	v->held = true;
	v->type = o->type;
	v->generation++;
	scsi_good(r);
}

static const struct {
	void (*run)(struct scsi_reservation *v, struct scsi_request *r, const struct reserve_out *o);
	bool needs_key, has_type;
} out_actions[] = {
	{ out_register, false, false },
	{ out_reserve, true, true },
	{ out_release, true, true },
	{ out_clear, true, false },
	{ out_preempt, true, true },
	{ out_preempt, true, true },		/* and abort: what would be aborted is the sender's own */
	{ register_key, false, false },		/* and ignore the existing key */
};

void scsi_reserve_out(struct scsi_unit *u, struct scsi_request *r)
{
	struct scsi_reservation *v = &u->reservation;
	struct reserve_out o = { .scope = r->cdb[2] >> 4, .type = r->cdb[2] & 0x0f };
	unsigned int action = r->cdb[1] & 0x1f;
	uint8_t list[PARAMETER_BYTES];

	if (action >= sizeof(out_actions) / sizeof(out_actions[0]) ||
	    (out_actions[action].has_type && (o.scope != 0 || !(TYPES_MASK & 1u << o.type)))) {
		scsi_fail(r, sense_bad_field);
		return;
	}
	if (scsi_get32(r->cdb + 5) != PARAMETER_BYTES || scsi_take(r, list, sizeof(list)) < 0) {
		scsi_fail(r, sense_bad_length);
		return;
	}
	o.key = scsi_get64(list);
	o.service_key = scsi_get64(list + 8);
	if (list[20] & (SPEC_I_PT | ALL_TG_PT | APTPL))
		scsi_fail(r, sense_bad_parameter);
	else if (out_actions[action].needs_key && (!v->registered || o.key != v->key))
		scsi_conflict(r);
	else
		out_actions[action].run(v, r, &o);
}
