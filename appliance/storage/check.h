/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the disk library only: disk_check() opens an image as everybody does, but with a list of findings; what would make
 * the opening fail is noted there instead, if the image can be judged without it.
 */
#ifndef STORAGE_CHECK_H
#define STORAGE_CHECK_H

#include "storage/manage.h"

struct check { struct disk_findings *findings; FILE *out; bool repair; };

struct check *check_of(const struct disk *d);				/* NULL: the disk is opened for use */
bool check_found(struct disk *d);					/* notes disk_error_text(); false: nobody is checking */
void check_note(struct disk *d, bool repaired, const char *format, ...) __attribute__((format(printf, 3, 4)));
void check_usage(struct disk *d, uint64_t used, uint64_t file_bytes);

#endif
