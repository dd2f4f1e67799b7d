/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event log: one JSON object per line, appended and synced before anybody is told, so that a number once seen by a
 * client is never given again. A line cut off by a power failure is dropped at the next start. The newest EVENTS_KEPT are kept in
 * memory; the file is rewritten with them when it has grown large.
 */
#include "vmms.h"

#include "partita/file.h"
#include "partita/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS_FILE		"events.log"
#define EVENTS_FILE_MAX		(32u << 20)	/* what a start will read */
#define EVENTS_FILE_REWRITE	(8u << 20)

struct event_watcher {
	struct event_watcher *next;
	struct ipc_request *request;
};

struct event_log {
	int fd;
	off_t size;
	json_int_t last_seq;
	json_t *kept[EVENTS_KEPT];		/* ring: seq modulo EVENTS_KEPT */
	struct event_watcher *watchers;
};

json_t *object_ref(const char *type, const char *id, const char *name)
{
	return json_pack("{s:s, s:s?, s:s}", "type", type, "id", id, "name", name);
}

static void keep(struct event_log *log, json_t *event, json_int_t seq)
{
	json_t **place = &log->kept[seq % EVENTS_KEPT];

	json_decref(*place);
	*place = event;
	log->last_seq = seq;
}

/* Takes whole lines only; numbers must grow. Returns how many bytes are good. */
static size_t load_lines(struct event_log *log, const char *text, size_t size)
{
	size_t good = 0;

	while (good < size) {
		const char *line = text + good, *end = memchr(line, '\n', size - good);
		json_t *event =
		    end ? json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL) : NULL;
		json_int_t seq = json_integer_value(json_object_get(event, "seq"));

		if (seq <= log->last_seq) {
			json_decref(event);
			break;
		}
		keep(log, event, seq);
		good = (size_t)(end + 1 - text);
	}
	return good;
}

int events_open(struct vmms *v)
{
	struct event_log *log = calloc(1, sizeof(*log));
	char *text = NULL;
	size_t size = 0, good;
	int r;

	if (!log)
		return -ENOMEM;
	r = file_read(v->state_dir, EVENTS_FILE, EVENTS_FILE_MAX, &text, &size);
	good = r == 0 ? load_lines(log, text, size) : 0;
	free(text);
	log->fd =
	    openat(v->state_dir, EVENTS_FILE, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (log->fd < 0 || (good < size && ftruncate(log->fd, (off_t)good) < 0)) {
		r = -errno;
		free(log);
		return r;
	}
	if (good < size)
		log_warning("%s: dropped %zu bytes of an unfinished line", EVENTS_FILE, size - good);
	log->size = (off_t)good;
	v->events = log;
	return 0;
}

void events_close(struct vmms *v)
{
	if (!v->events)
		return;
	for (size_t i = 0; i < EVENTS_KEPT; i++)
		json_decref(v->events->kept[i]);
	close(v->events->fd);
	free(v->events);
	v->events = NULL;
}

static void watcher_remove(struct event_log *log, struct ipc_request *r)
{
	for (struct event_watcher **at = &log->watchers; *at; at = &(*at)->next)
		if ((*at)->request == r) {
			struct event_watcher *gone = *at;

			*at = gone->next;
			free(gone);
			return;
		}
}

static void watcher_gone(struct ipc_request *r, void *data)
{
	watcher_remove(data, r);
}

static void tell(struct event_log *log, json_t *event)
{
	for (struct event_watcher *at = log->watchers, *next; at; at = next) {
		next = at->next;
		if (ipc_notify(at->request, json_pack("{s:O}", "event", event)) < 0) {
			struct ipc_request *slow = at->request;

			watcher_remove(log, slow);
			ipc_fail(slow, 503, "too_slow", NULL,
			         "The stream was not read; ask again from the last number seen.");
		}
	}
}

/* The newest events as the whole new file, atomically. */
static void rewrite(struct vmms *v)
{
	struct event_log *log = v->events;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int fd;

	if (!f)
		return;
	for (json_int_t seq = log->last_seq - EVENTS_KEPT + 1; seq <= log->last_seq; seq++) {
		json_t *event = seq > 0 ? log->kept[seq % EVENTS_KEPT] : NULL;

		if (event && json_integer_value(json_object_get(event, "seq")) == seq) {
			json_dumpf(event, f, JSON_COMPACT);
			fputc('\n', f);
		}
	}
	if (fclose(f) == 0 && file_write(v->state_dir, EVENTS_FILE, text, size, 0600) == 0) {
		fd = openat(v->state_dir, EVENTS_FILE, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0) {
			close(log->fd);
			log->fd = fd;
			log->size = (off_t)size;
		}
	}
	free(text);
}

/* A line that could not be written whole is taken back, so that the next one does not stick to it. */
static void append(struct vmms *v, const json_t *event)
{
	struct event_log *log = v->events;
	char *line = json_dumps(event, JSON_COMPACT);
	size_t len = line ? strlen(line) : 0;

	if (!line)
		return;
	line[len++] = '\n';			/* over the NUL */
	if (write(log->fd, line, len) != (ssize_t)len || fdatasync(log->fd) < 0) {
		log_error("%s: %s", EVENTS_FILE, strerror(errno));
		if (ftruncate(log->fd, log->size) < 0)
			log_error("%s: %s", EVENTS_FILE, strerror(errno));
	} else {
		log->size += (off_t)len;
	}
	free(line);
	if (log->size > EVENTS_FILE_REWRITE)
		rewrite(v);
}

void event_add(struct vmms *v, const char *type, enum severity severity, json_t *object, json_t *data,
               const char *format, ...)
{
	static const char *const words[] = { "info", "warning", "error" };
	struct event_log *log = v->events;
	char message[512];
	va_list arguments;
	json_t *event;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	event = json_pack("{s:I, s:o, s:s, s:s, s:o, s:s, s:o}", "seq", log->last_seq + 1, "time",
	                  json_time(time(NULL)), "type", type, "severity", words[severity], "object", object,
	                  "message", message, "data", data ? data : json_object());
	if (!event) {
		log_error("event %s lost: its text is no UTF-8", type);
		return;
	}
	append(v, event);
	keep(log, event, log->last_seq + 1);
	log_info("%s: %s", type, message);
	tell(log, event);
}

/* The first number after `since`; `otherwise` when the client names none. Its number may be any. */
static json_int_t seq_after(const struct event_log *log, json_int_t since, json_int_t otherwise)
{
	if (since < 0)
		return otherwise;
	return since < log->last_seq ? since + 1 : log->last_seq + 1;
}

static json_int_t first_kept(const struct event_log *log)
{
	return log->last_seq > EVENTS_KEPT ? log->last_seq - EVENTS_KEPT + 1 : 1;
}

static json_t *kept_at(const struct event_log *log, json_int_t seq)
{
	json_t *event = log->kept[seq % EVENTS_KEPT];

	return event && json_integer_value(json_object_get(event, "seq")) == seq ? event : NULL;
}

json_t *events_list(const struct vmms *v, json_int_t since, json_int_t limit)
{
	const struct event_log *log = v->events;
	json_int_t seq = seq_after(log, since, log->last_seq - limit + 1);
	json_t *list = json_array();

	if (seq < first_kept(log))
		seq = first_kept(log);
	for (; seq <= log->last_seq && (json_int_t)json_array_size(list) < limit; seq++)
		if (kept_at(log, seq))
			json_array_append(list, kept_at(log, seq));
	return list;
}

void events_watch(struct vmms *v, struct ipc_request *r, json_int_t since)
{
	struct event_log *log = v->events;
	struct event_watcher *watcher = calloc(1, sizeof(*watcher));
	json_int_t seq = seq_after(log, since, log->last_seq + 1);

	if (seq < first_kept(log))
		seq = first_kept(log);
	for (; watcher && seq <= log->last_seq; seq++)
		if (kept_at(log, seq) && ipc_notify(r, json_pack("{s:O}", "event", kept_at(log, seq))) < 0) {
			free(watcher);
			watcher = NULL;
		}
	if (!watcher) {
		ipc_fail(r, 503, "too_slow", NULL, "The events could not be delivered.");
		return;
	}
	watcher->request = r;
	watcher->next = log->watchers;
	log->watchers = watcher;
	ipc_request_on_gone(r, watcher_gone, log);
}
