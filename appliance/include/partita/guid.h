/* SPDX-License-Identifier: Apache-2.0 */
/* The ids of VMs, disks, ISOs and jobs: random UUIDs in lower-case text (RFC 9562). Safe as a file name once valid. */
#ifndef PARTITA_GUID_H
#define PARTITA_GUID_H

#include <stdbool.h>

#define GUID_TEXT_SIZE	37		/* with the NUL */

bool guid_is_valid(const char *text);	/* 8-4-4-4-12 lower-case hexadecimal digits; NULL is not */
/* The UUID in front of a file's ending ("<uuid>.raw"); false when the name is not such. */
bool guid_from_file_name(const char *name, char text[GUID_TEXT_SIZE]);
int guid_new(char text[GUID_TEXT_SIZE]);	/* version 4; 0 or negative errno */

#endif
