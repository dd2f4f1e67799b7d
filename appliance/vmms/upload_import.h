/* SPDX-License-Identifier: Apache-2.0 */
/* An uploaded image of a foreign format on its way to a VHDX: upload_import.c. */
#ifndef VMMS_UPLOAD_IMPORT_H
#define VMMS_UPLOAD_IMPORT_H

#include "job_work.h"
#include "uploads.h"

#define UPLOAD_IMPORT_FROM	30u	/* percent of the job when the conversion begins */

struct upload_import;

/* By the header. *format is NULL for what may be ours. -EILSEQ and the reason in `report`: nothing that can be imported. Any thread. */
int upload_foreign_format(int fd, const char **format, char *report, size_t size);

/* 0 and done() comes: with a descriptor of the VHDX, which the caller owns, or negative errno and the reason in w->report. */
typedef void upload_imported(void *data, int result, int fd);
int upload_import_start(struct job_work *w, const struct upload_item *u, int fd, const char *format, upload_imported *done, void *data,
			struct upload_import **out);
void upload_import_stop(struct upload_import *i);	/* done(-ECANCELED) follows */

#endif
