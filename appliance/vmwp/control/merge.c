/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmwp.MergeDisk: a disk of the machine is merged into its parent while the guest uses it, on a thread of its own. The answer is a
 * stream of progress; whoever asked can hang up, or call vmwp.CancelMerge, to stop it. Event loop's thread but where said.
 */
#include "vmwp/control/control.h"

#include "storage/manage.h"
#include "vmwp/chipset/ide.h"
#include "vmwp/vsp/storage.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct merge {
	struct merge *next, **list;
	struct ipc_request *request;		/* NULL: whoever asked has gone */
	struct vm_place place;
	struct live_merge *work;
	int parent_fd, event_fd;		/* the thread tells by event_fd that there is something new */
	sd_event_source *source;
	pthread_t thread;
	atomic_uint percent;
	atomic_bool cancelled, ended;
	int result;				/* with ended */
	char text[200];
};

/* --- on the thread --- */

static bool on_step(void *context, uint64_t done, uint64_t total)
{
	struct merge *m = context;
	unsigned int percent = total ? (unsigned int)(done * 99 / total) : 99;

	if (atomic_exchange(&m->percent, percent) != percent)
		eventfd_write(m->event_fd, 1);
	return atomic_load(&m->cancelled);
}

static void *merge_thread(void *context)
{
	struct merge *m = context;
	const struct disk_progress p = { on_step, m };

	m->result = disk_live_merge_run(m->work, m->parent_fd, &p);
	snprintf(m->text, sizeof(m->text), "%s", disk_error_text());
	atomic_store(&m->ended, true);
	eventfd_write(m->event_fd, 1);
	return NULL;
}

/* --- on the loop --- */

static void merge_free(struct merge *m)
{
	for (struct merge **at = m->list; *at; at = &(*at)->next)
		if (*at == m) {
			*at = m->next;
			break;
		}
	sd_event_source_disable_unref(m->source);
	if (m->event_fd >= 0)
		close(m->event_fd);
	free(m);
}

static void merge_answer(struct merge *m)
{
	struct problem p = { 0 };

	if (!m->request)
		return;
	ipc_request_on_gone(m->request, NULL, NULL);
	if (m->result == 0) {
		ipc_reply(m->request, NULL);
		return;
	}
	problem_set(&p, m->result == -ENOSPC ? PROBLEM_NO_SPACE : PROBLEM_INTERNAL, NULL, "%s%s%s", strerror(-m->result),
		    m->text[0] ? ": " : "", m->text);
	problem_reply(m->request, &p);
}

static void on_gone(struct ipc_request *r, void *data)
{
	struct merge *m = data;

	(void)r;
	m->request = NULL;
	atomic_store(&m->cancelled, true);
}

static int on_news(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct merge *m = data;
	eventfd_t count;

	(void)source;
	(void)events;
	(void)eventfd_read(fd, &count);
	if (atomic_load(&m->ended)) {
		pthread_join(m->thread, NULL);
		merge_answer(m);
		merge_free(m);
	} else if (m->request && ipc_notify(m->request, json_pack("{s:i}", "progressPercent", (int)atomic_load(&m->percent))) < 0) {
		on_gone(m->request, m);
	}
	return 0;
}

static struct disk *disk_at(struct machine *m, const struct vm_place *place)
{
	struct device *ide = machine_device(m, &ide_model);

	if (place->scsi)
		return storage_disk(machine_device(m, &storage_model), (struct storage_place){ place->controller, place->location });
	return ide ? ide_disk(ide, place->controller * 2 + place->location) : NULL;
}

/* Signals are for the loop's thread. */
static int thread_start(struct merge *m)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&m->thread, NULL, merge_thread, m);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

/* The disk waits for the merge's end from disk_live_merge_begin() on, so it has to run, whatever else fails. */
static int merge_run(struct merge *m, struct machine *machine)
{
	struct disk *disk;
	int r;

	machine_lock(machine);
	disk = disk_at(machine, &m->place);
	r = disk ? disk_live_merge_begin(disk, &m->work) : -ENOENT;
	machine_unlock(machine);
	if (r < 0) {
		close(m->parent_fd);
		return r;
	}
	r = thread_start(m);
	if (r < 0) {
		atomic_store(&m->cancelled, true);
		merge_thread(m);
	}
	return r;
}

static int merge_new(const json_t *parameters, struct ipc_message *message, struct merge **merges, struct merge **out, struct problem *p)
{
	struct merge *m = calloc(1, sizeof(*m));

	if (!m)
		return problem_from_errno(p, -ENOMEM, "Merging the disk");
	*m = (struct merge){ .next = *merges, .list = merges, .event_fd = -1, .parent_fd = -1 };
	*merges = m;
	*out = m;
	if (controller_parse(json_object_get(parameters, "controller"), &m->place, p) < 0)
		return -EINVAL;
	m->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	m->parent_fd = ipc_message_take_fd(message, (size_t)json_integer_value(json_object_get(parameters, "fd")));
	if (m->event_fd >= 0 && m->parent_fd >= 0)
		return 0;
	return problem_from_errno(p, m->event_fd < 0 ? -errno : -EBADF, "Merging the disk");
}

void merge_start(struct ipc_request *r, const json_t *parameters, struct machine *machine, struct merge **merges)
{
	struct problem p = { 0 };
	struct merge *m = NULL;
	int result = merge_new(parameters, ipc_request_message(r), merges, &m, &p);

	if (result == 0)
		result = sd_event_add_io(machine->loop, &m->source, m->event_fd, EPOLLIN, on_news, m);
	if (result == 0) {
		result = merge_run(m, machine);
	} else if (m && m->parent_fd >= 0) {
		close(m->parent_fd);
	}
	if (result == 0) {
		m->request = r;
		ipc_request_on_gone(r, on_gone, m);
		return;
	}
	if (m)
		merge_free(m);
	if (result == -ENOENT)
		problem_set(&p, PROBLEM_DISK_SLOT_NOT_FOUND, "controller", "No disk is there.");
	else if (p.code == PROBLEM_NONE)
		problem_set(&p, PROBLEM_INTERNAL, NULL, "%s%s%s", strerror(-result), disk_error_text()[0] ? ": " : "", disk_error_text());
	problem_reply(r, &p);
}

static bool same_place(const struct vm_place *a, const struct vm_place *b)
{
	return a->scsi == b->scsi && a->controller == b->controller && a->location == b->location;
}

void merge_cancel(struct ipc_request *r, const json_t *parameters, struct merge *merges)
{
	struct problem p = { 0 };
	struct vm_place place;

	if (controller_parse(json_object_get(parameters, "controller"), &place, &p) < 0) {
		problem_reply(r, &p);
		return;
	}
	for (struct merge *m = merges; m; m = m->next)
		if (same_place(&m->place, &place))
			atomic_store(&m->cancelled, true);
	ipc_reply(r, NULL);
}

void merges_end(struct merge **merges)
{
	while (*merges) {
		struct merge *m = *merges;

		atomic_store(&m->cancelled, true);
		pthread_join(m->thread, NULL);
		merge_free(m);
	}
}
