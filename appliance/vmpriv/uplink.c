/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's own network adapters. One that carries an external switch is a port of its bridge: systemd-networkd leaves it
 * alone, and gives the root's address to the bridge instead. It is told by a file in /run and a call of its manager.
 */
#include "network.h"

#include "partita/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define FOLDER		"/run/systemd/network"
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

static int on_reloaded(sd_bus_message *reply, void *data, sd_bus_error *error)
{
	const sd_bus_error *e = sd_bus_message_get_error(reply);

	(void)data;
	(void)error;
	if (e)
		log_warning("systemd-networkd: %s", e->message ? e->message : e->name);
	return 0;
}

/* Does not wait: the kernel's side is done already. The connection is made at the first use and kept. */
static int reload(void)
{
	static sd_bus *bus;
	sd_event *loop = NULL;
	int r = 0;

	if (!bus) {
		r = sd_bus_open_system(&bus);
		if (r >= 0)
			r = sd_event_default(&loop);
		if (r >= 0)
			r = sd_bus_attach_event(bus, loop, SD_EVENT_PRIORITY_NORMAL);
		sd_event_unref(loop);
	}
	if (r >= 0)
		r = sd_bus_call_method_async(bus, NULL, "org.freedesktop.network1", "/org/freedesktop/network1",
					     "org.freedesktop.network1.Manager", "Reload", on_reloaded, NULL, NULL);
	if (r < 0) {
		log_warning("systemd-networkd cannot be told: %s", strerror(-r));
		bus = sd_bus_unref(bus);
	}
	return r < 0 ? r : 0;
}

int uplink_lend(const char *name)
{
	char file[64], text[256];
	int folder = open(FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, r = 0;
	size_t size;

	if (folder < 0)
		return -errno;
	snprintf(file, sizeof(file), FILE_PREFIX "%s.network", name);
	size = (size_t)snprintf(text, sizeof(text),
				"# A port of an external switch (vmpriv).\n[Match]\nName=%s\n\n[Network]\nKeepMaster=yes\nDHCP=no\n"
				"LinkLocalAddressing=no\nIPv6AcceptRA=no\n", name);
	fd = openat(folder, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || write(fd, text, size) != (ssize_t)size)
		r = -errno;
	if (fd >= 0)
		close(fd);
	close(folder);
	return r < 0 ? r : reload();
}

int uplink_take_back(void)
{
	DIR *folder = opendir(FOLDER);
	char path[128];

	if (!folder)
		return -errno;
	for (struct dirent *e = readdir(folder); e; e = readdir(folder)) {
		size_t len = strlen(e->d_name);

		if (strncmp(e->d_name, FILE_PREFIX, sizeof(FILE_PREFIX) - 1) != 0 || len < sizeof(FILE_PREFIX) + 8)
			continue;
		snprintf(path, sizeof(path), "/sys/class/net/%.*s/master", (int)(len - sizeof(FILE_PREFIX) + 1 - 8),
			 e->d_name + sizeof(FILE_PREFIX) - 1);
		if (access(path, F_OK) < 0)
			(void)unlinkat(dirfd(folder), e->d_name, 0);
	}
	closedir(folder);
	return reload();
}
