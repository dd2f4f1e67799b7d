/* SPDX-License-Identifier: Apache-2.0 */
/* A few threads for whatever may block: calls to vmms, password hashing, disk writes. */
#ifndef WEBAPI_HTTP_WORKERS_H
#define WEBAPI_HTTP_WORKERS_H

struct workers;
int workers_start(unsigned int threads, struct workers **out);
void workers_stop(struct workers *w); /* finishes what is queued; later tasks are refused; accepts NULL */
void workers_destroy(struct workers *w);	/* after workers_stop(); accepts NULL */
int workers_submit(struct workers *w, void (*run)(void *task), void *task);	/* -ENOMEM, -ESHUTDOWN */

#endif
