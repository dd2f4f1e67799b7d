/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's own network adapters. One that carries an external switch is a port of its bridge: systemd-networkd leaves it
 * alone, and gives the root's address to the bridge instead.
 */
#include "network.h"

#include "networkd.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_PREFIX	"20-partita-uplink-"

int uplink_check(const char *name)
{
	char path[64];
	size_t len = strlen(name);

	if (len == 0 || len >= IFNAMSIZ || name[0] == '.' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len)
		return -EINVAL;
	snprintf(path, sizeof(path), "/sys/class/net/%s/device", name);
	return access(path, F_OK) < 0 ? -ENODEV : 0;
}

int uplink_lend(const char *name)
{
	char file[64], text[256];
	int r;

	snprintf(file, sizeof(file), FILE_PREFIX "%s.network", name);
	snprintf(text, sizeof(text), "# A port of an external switch (vmpriv).\n[Match]\nName=%s\n\n[Network]\nKeepMaster=yes\nDHCP=no\n"
		 "LinkLocalAddressing=no\nIPv6AcceptRA=no\n", name);
	r = networkd_write(file, text);
	if (r == 0)
		networkd_reload();
	return r;
}

void uplink_take_back(void)
{
	DIR *folder = opendir(NETWORKD_FOLDER);
	char path[128];

	if (!folder)
		return;
	for (struct dirent *e = readdir(folder); e; e = readdir(folder)) {
		size_t len = strlen(e->d_name);

		if (strncmp(e->d_name, FILE_PREFIX, sizeof(FILE_PREFIX) - 1) != 0 || len < sizeof(FILE_PREFIX) + 8)
			continue;
		snprintf(path, sizeof(path), "/sys/class/net/%.*s/master", (int)(len - sizeof(FILE_PREFIX) + 1 - 8),
			 e->d_name + sizeof(FILE_PREFIX) - 1);
		if (access(path, F_OK) < 0)
			networkd_remove(e->d_name);
	}
	closedir(folder);
	networkd_reload();
}
