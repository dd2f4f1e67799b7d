/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: one file each, so that they survive a restart. The newest JOBS_KEPT are kept. */
#include "vmms.h"

#include "partita/file.h"
#include "partita/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOB_FILE_MAX	65536
#define PROGRESS_STEP	5u	/* percent */

static const char *const state_words[] = { "running", "succeeded", "failed", "cancelled", NULL };

json_t *job_to_json(const struct job *j)
{
	char object[16];
	json_t *error = j->error_code[0]
	                    ? json_pack("{s:s, s:s}", "code", j->error_code, "detail", j->error_detail)
	                    : json_null();

	snprintf(object, sizeof(object), "%.*s", (int)strcspn(j->type, "."), j->type);	/* vm.start, disk.resize */
	return json_pack("{s:s, s:s, s:s, s:i, s:o, s:b, s:o, s:o, s:o, s:o, s:s?}", "id", j->id, "type", j->type,
	                 "state", state_words[j->state], "progressPercent", (int)j->progress, "object",
	                 object_ref(object, j->object_id, j->object_name), "cancellable",
	                 j->cancellable && j->state == JOB_RUNNING, "createdAt", json_time(j->created_at),
	                 "startedAt", json_time(j->created_at), "finishedAt", json_time(j->finished_at),
	                 "error", error, "result", j->result[0] ? j->result : NULL);
}

json_t *jobs_to_json(const struct vmms *v)
{
	json_t *list = json_array();

	for (const struct job *j = v->jobs; j; j = j->next)
		json_array_append_new(list, job_to_json(j));
	return list;
}

struct job *job_find(const struct vmms *v, const char *id)
{
	for (struct job *j = v->jobs; j; j = j->next)
		if (strcmp(j->id, id) == 0)
			return j;
	return NULL;
}

static void file_name(const char *id, char *name, size_t size)
{
	snprintf(name, size, "%s.json", id);
}

static void job_save(struct vmms *v, const struct job *j)
{
	json_t *o = job_to_json(j);
	char name[64];
	int r;

	file_name(j->id, name, sizeof(name));
	r = o ? file_write_json(v->jobs_dir, name, o, 0600) : -ENOMEM;
	if (r < 0)
		log_error("job %s: %s", j->id, strerror(-r));
	json_decref(o);
}

/* Running jobs are never dropped: they are at most one per VM and disk. */
static void drop_old(struct vmms *v)
{
	unsigned int count = 0;

	for (struct job **at = &v->jobs, *j = *at; j; j = *at) {
		char name[64];

		if (++count <= JOBS_KEPT || j->state == JOB_RUNNING) {
			at = &j->next;
			continue;
		}
		*at = j->next;
		file_name(j->id, name, sizeof(name));
		unlinkat(v->jobs_dir, name, 0);
		free(j);
	}
}

static void job_tell(struct vmms *v, const struct job *j)
{
	event_add(v, "job.updated", j->state == JOB_FAILED ? SEVERITY_ERROR : SEVERITY_INFO,
	          object_ref("job", j->id, j->type), job_to_json(j), "%s of %s: %s%s%s", j->type,
	          j->object_name, state_words[j->state], j->error_detail[0] || j->result[0] ? ": " : "",
	          j->error_detail[0] ? j->error_detail : j->result);
}

struct job *job_start(struct vmms *v, const char *type, const char *vm_id, const char *vm_name,
                      bool cancellable)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j || guid_new(j->id) < 0) {
		free(j);
		return NULL;
	}
	snprintf(j->type, sizeof(j->type), "%s", type);
	snprintf(j->object_id, sizeof(j->object_id), "%s", vm_id);
	snprintf(j->object_name, sizeof(j->object_name), "%s", vm_name);
	j->cancellable = cancellable;
	j->created_at = time(NULL);
	j->next = v->jobs;
	v->jobs = j;
	job_save(v, j);
	job_tell(v, j);
	drop_old(v);
	return j;
}

void job_progress(struct vmms *v, struct job *j, unsigned int percent)
{
	if (j->state != JOB_RUNNING || percent < j->progress + PROGRESS_STEP)
		return;
	j->progress = percent < 100 ? percent : 99;	/* 100 is the end */
	job_tell(v, j);
}

void job_finish(struct vmms *v, struct job *j, enum job_state state, const char *error_code,
                const char *error_detail)
{
	if (!j || j->state != JOB_RUNNING)
		return;
	j->state = state;
	j->work = NULL;
	j->progress = state == JOB_SUCCEEDED ? 100 : j->progress;
	j->finished_at = time(NULL);
	snprintf(j->error_code, sizeof(j->error_code), "%s", error_code ? error_code : "");
	snprintf(j->error_detail, sizeof(j->error_detail), "%s", error_detail ? error_detail : "");
	job_save(v, j);
	job_tell(v, j);
}

/* --- at start --- */

static void copy_text(char *to, size_t size, const json_t *from)
{
	snprintf(to, size, "%s", json_is_string(from) ? json_string_value(from) : "");
}

static struct job *job_from_json(const json_t *o)
{
	struct job *j = calloc(1, sizeof(*j));
	const json_t *object = json_object_get(o, "object"), *error = json_object_get(o, "error");
	const char *state = json_string_value(json_object_get(o, "state"));

	if (!j)
		return NULL;
	copy_text(j->id, sizeof(j->id), json_object_get(o, "id"));
	copy_text(j->type, sizeof(j->type), json_object_get(o, "type"));
	copy_text(j->object_id, sizeof(j->object_id), json_object_get(object, "id"));
	copy_text(j->object_name, sizeof(j->object_name), json_object_get(object, "name"));
	copy_text(j->result, sizeof(j->result), json_object_get(o, "result"));
	copy_text(j->error_code, sizeof(j->error_code), json_object_get(error, "code"));
	copy_text(j->error_detail, sizeof(j->error_detail), json_object_get(error, "detail"));
	j->progress = (unsigned int)json_integer_value(json_object_get(o, "progressPercent"));
	j->created_at = json_to_time(json_object_get(o, "createdAt"));
	j->finished_at = json_to_time(json_object_get(o, "finishedAt"));
	for (j->state = 0; state && state_words[j->state] && strcmp(state_words[j->state], state) != 0;)
		j->state++;
	if (guid_is_valid(j->id) && state && state_words[j->state])
		return j;
	free(j);
	return NULL;
}

static void insert_by_time(struct vmms *v, struct job *j)
{
	struct job **at = &v->jobs;

	while (*at && (*at)->created_at > j->created_at)
		at = &(*at)->next;
	j->next = *at;
	*at = j;
}

static void job_load(struct vmms *v, const char *name)
{
	json_t *o = NULL;
	struct job *j = file_read_json(v->jobs_dir, name, JOB_FILE_MAX, &o) == 0 ? job_from_json(o) : NULL;

	json_decref(o);
	if (j)
		insert_by_time(v, j);
	else
		log_warning("jobs/%s cannot be read", name);
}

int jobs_open(struct vmms *v)
{
	DIR *dir = fdopendir(dup(v->jobs_dir));

	if (!dir)
		return -errno;
	file_remove_temporaries(v->jobs_dir);
	rewinddir(dir);
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		if (e->d_name[0] != '.')
			job_load(v, e->d_name);
	closedir(dir);
	for (struct job *j = v->jobs; j; j = j->next)
		job_finish(
		    v, j, JOB_FAILED, "interrupted",
		    "The management service ended while this job ran; what it worked on is as it was, or as it should be.");
	drop_old(v);
	return 0;
}

void jobs_close(struct vmms *v)
{
	while (v->jobs) {
		struct job *j = v->jobs;

		v->jobs = j->next;
		free(j);
	}
}
