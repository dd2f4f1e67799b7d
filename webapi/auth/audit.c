/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appends with one write per line, so that lines never mix; at 8 MiB the file becomes audit.log.1 and a new
 * one starts.
 */
#include "auth/audit.h"

#include "partita/log.h"
#include "timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME	"audit.log"
#define ROTATED_NAME	"audit.log.1"
#define ROTATE_SIZE	(8l << 20)
#define TAIL_SIZE	(1l << 20)	/* as far back as audit_newest() looks */

struct audit {
	pthread_mutex_t lock;		/* guards fd */
	int dir_fd, fd;
};

static int open_file(int dir_fd)
{
	return openat(dir_fd, FILE_NAME, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

int audit_open(int dir_fd, struct audit **out)
{
	struct audit *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	pthread_mutex_init(&a->lock, NULL);
	a->dir_fd = dir_fd;
	a->fd = open_file(dir_fd);
	*out = a;
	return 0;
}

void audit_close(struct audit *a)
{
	if (!a)
		return;
	if (a->fd >= 0)
		close(a->fd);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static void rotate_when_full(struct audit *a)
{
	struct stat st;

	if (a->fd >= 0 && (fstat(a->fd, &st) < 0 || st.st_size < ROTATE_SIZE))
		return;
	if (a->fd >= 0) {
		renameat(a->dir_fd, FILE_NAME, a->dir_fd, ROTATED_NAME);
		close(a->fd);
	}
	a->fd = open_file(a->dir_fd);
}

static char *make_line(const struct request *req, const struct reply *rep, size_t *size)
{
	char time[TIMESTAMP_SIZE], *text, *line = NULL;
	const char *user = req->who.username[0] ? req->who.username : NULL;
	json_t *entry;

	timestamp_now(time);
	entry = json_pack("{s:s, s:s?, s:s, s:s, s:s, s:i, s:s*}", "time", time, "user", user, "address",
	                  req->address, "method", req->method, "path", req->path, "status", rep->status,
	                  "code", rep->code[0] ? rep->code : NULL);
	text = entry ? json_dumps(entry, JSON_COMPACT) : NULL;
	json_decref(entry);
	if (text && asprintf(&line, "%s\n", text) >= 0)
		*size = strlen(line);
	free(text);
	return line;
}

void audit_write(struct audit *a, const struct request *req, const struct reply *rep)
{
	size_t size = 0;
	char *line = make_line(req, rep, &size);

	pthread_mutex_lock(&a->lock);
	rotate_when_full(a);
	if (!line || a->fd < 0 || write(a->fd, line, size) != (ssize_t)size)
		log_error("cannot write the audit log");
	pthread_mutex_unlock(&a->lock);
	free(line);
}

/* The last part of the file from a line's start, NUL-terminated. */
static char *read_tail(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END), from = end > TAIL_SIZE ? end - TAIL_SIZE : 0;
	char *text = malloc((size_t)(end - from) + 1), *start;
	ssize_t n = text ? pread(fd, text, (size_t)(end - from), from) : -1;

	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	start = from > 0 ? strchr(text, '\n') : NULL;
	if (start)
		memmove(text, start + 1, strlen(start + 1) + 1);
	return text;
}

/* Cuts the last line off text and returns it. */
static char *take_last_line(char *text, size_t *size)
{
	char *line;

	if (*size && text[*size - 1] == '\n')
		text[--*size] = '\0';
	line = memrchr(text, '\n', *size);
	line = line ? line + 1 : text;
	*size = (size_t)(line - text);
	return line;
}

json_t *audit_newest(struct audit *a, size_t limit)
{
	json_t *array = json_array();
	char *text;
	size_t size;

	pthread_mutex_lock(&a->lock);
	text = a->fd >= 0 ? read_tail(a->fd) : NULL;
	pthread_mutex_unlock(&a->lock);
	size = text ? strlen(text) : 0;
	while (size && json_array_size(array) < limit) {
		json_t *entry = json_loads(take_last_line(text, &size), 0, NULL);

		json_array_append_new(array, entry);	/* a line that is no JSON is left out */
	}
	free(text);
	return array;
}
