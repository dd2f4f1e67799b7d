/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that found no space on the volume of their disk. The guest gets no answer: the machine pauses, and when it is
 * resumed the same disk requests are submitted again. Whoever cannot wait for that (a channel that closes, a unit that
 * goes, a machine that is saved, reset or ends) has them end as busy, which no guest takes for an error.
 */
#include "vmwp/vsp/storvsp.h"

void storvsp_no_space(struct scsi_request *r)
{
	struct storvsp_request *q = (struct storvsp_request *)r;
	struct storvsp *s = q->channel->controller;

	if (q->channel->closing || s->quiet || r->unit->idle) {
		scsi_request_give_up(r);
		return;
	}
	if (!s->kept)
		s->kept_end = &s->kept;
	q->next = NULL;
	*s->kept_end = q;
	s->kept_end = &q->next;
	storage_no_space(s->owner, s, r->unit);
}

void storvsp_kept_again(struct storvsp *s)
{
	struct storvsp_request *q = s->kept, *next;

	s->kept = NULL;
	for (; q; q = next) {
		next = q->next;			/* it may be kept anew */
		scsi_request_again(&q->scsi);
	}
}

void storvsp_kept_give_up(struct storvsp *s, const struct storvsp_channel *c, const struct scsi_unit *u)
{
	struct storvsp_request *q = s->kept, *next, **end = &s->kept, *ends = NULL;

	for (; q; q = next) {
		next = q->next;
		if ((!c || q->channel == c) && (!u || q->scsi.unit == u)) {
			q->next = ends;
			ends = q;
		} else {
			*end = q;
			end = &q->next;
		}
	}
	*end = NULL;
	s->kept_end = end;
	for (q = ends; q; q = next) {
		next = q->next;
		scsi_request_give_up(&q->scsi);
	}
}
