/* SPDX-License-Identifier: Apache-2.0 */
/* See networkd.h. */
#include "networkd.h"

#include "partita/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

int networkd_write(const char *name, const char *text)
{
	int folder = open(NETWORKD_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, r = 0;
	size_t size = strlen(text);

	if (folder < 0)
		return -errno;
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || write(fd, text, size) != (ssize_t)size)
		r = -errno;
	if (fd >= 0)
		close(fd);
	close(folder);
	return r;
}

void networkd_remove(const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), NETWORKD_FOLDER "/%s", name);
	if (unlink(path) < 0 && errno != ENOENT)
		log_warning("%s: %s", path, strerror(errno));
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

/* The connection is made at the first use and kept. */
void networkd_reload(void)
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
	if (r >= 0)
		return;
	log_warning("systemd-networkd cannot be told: %s", strerror(-r));
	bus = sd_bus_unref(bus);
}
