/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd-networkd is told at run time: files in /run/systemd/network, and that it should read them again. */
#ifndef VMPRIV_NETWORKD_H
#define VMPRIV_NETWORKD_H

#define NETWORKD_FOLDER	"/run/systemd/network"

int networkd_write(const char *name, const char *text);	/* 0 or negative errno */
void networkd_remove(const char *name);			/* one that is not there is no mistake */
void networkd_reload(void);				/* does not wait; what it answers is logged */

#endif
