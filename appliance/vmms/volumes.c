/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places for the files of VMs. There is one, the volume of the state directory; volume.json there keeps its id and what the
 * user decided about it. What the file system is comes from /proc/self/mountinfo (proc(5)).
 */
#include "volumes.h"

#include "fields.h"
#include "methods.h"
#include "partita/file.h"
#include "partita/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#define FILE_NAME	"volume.json"
#define FILE_MAX	4096
#define PERCENT_DEFAULT	5u
#define PERCENT_MAX	50u

struct volume {
	char id[GUID_TEXT_SIZE];
	char file_system[32];
	uint64_t warning_percent;
	uint64_t revision;
};

unsigned int volume_warning_percent(const struct vmms *v)
{
	return v->volume ? (unsigned int)v->volume->warning_percent : PERCENT_DEFAULT;
}

bool volume_is_known(const struct vmms *v, const char *id)
{
	return v->volume && strcmp(v->volume->id, id) == 0;
}

/* --- what it is --- */

/* "36 35 98:0 /root /mount options [fields…] - type source options" */
static bool line_is_of(const char *line, dev_t device, char *type, size_t size)
{
	const char *separator = strstr(line, " - ");
	unsigned int major, minor;
	char word[32];

	if (!separator || sscanf(line, "%*d %*d %u:%u", &major, &minor) != 2 || makedev(major, minor) != device ||
	    sscanf(separator + 3, "%31s", word) != 1)
		return false;
	snprintf(type, size, "%s", word);
	return true;
}

static void read_file_system(const struct vmms *v, char *type, size_t size)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t capacity = 0;
	struct stat st;

	snprintf(type, size, "unknown");
	if (file && fstat(v->state_dir, &st) == 0)
		while (getline(&line, &capacity, file) > 0 && !line_is_of(line, st.st_dev, type, size))
			;
	free(line);
	if (file)
		fclose(file);
}

static int save(const struct vmms *v)
{
	json_t *o = json_pack("{s:i, s:s, s:I}", "formatVersion", 1, "id", v->volume->id, "warningFreePercent",
			      (json_int_t)v->volume->warning_percent);
	int r = o ? file_write_json(v->state_dir, FILE_NAME, o, 0600) : -ENOMEM;

	json_decref(o);
	return r;
}

static bool load(const struct vmms *v)
{
	struct volume *volume = v->volume;
	const char *id = NULL;
	json_int_t percent = 0;
	json_t *o = NULL;
	bool good = file_read_json(v->state_dir, FILE_NAME, FILE_MAX, &o) == 0 &&
		    json_unpack(o, "{s:s, s:I}", "id", &id, "warningFreePercent", &percent) == 0 && guid_is_valid(id) && percent >= 1 &&
		    percent <= PERCENT_MAX;

	if (good) {
		snprintf(volume->id, sizeof(volume->id), "%s", id);
		volume->warning_percent = (uint64_t)percent;
	}
	json_decref(o);
	return good;
}

int volumes_open(struct vmms *v)
{
	v->volume = calloc(1, sizeof(*v->volume));
	if (!v->volume)
		return -ENOMEM;
	v->volume->revision = 1;
	v->volume->warning_percent = PERCENT_DEFAULT;
	read_file_system(v, v->volume->file_system, sizeof(v->volume->file_system));
	if (load(v))
		return 0;
	if (guid_new(v->volume->id) < 0)
		return -EIO;
	if (save(v) < 0)		/* a full volume must not keep the service from starting */
		log_warning(FILE_NAME " cannot be written");
	return 0;
}

void volumes_close(struct vmms *v)
{
	free(v->volume);
	v->volume = NULL;
}

/* --- what others see of it --- */

static json_t *health(const struct vmms *v, const struct statvfs *fs)
{
	bool full = fs->f_bavail < fs->f_blocks / 100, low = fs->f_bavail < fs->f_blocks / 100 * volume_warning_percent(v);
	json_t *reasons = json_array();
	char text[80];

	snprintf(text, sizeof(text), "Less than %u %% of it are free.", full ? 1 : volume_warning_percent(v));
	if (low || full)
		json_array_append_new(reasons, json_string(text));
	return json_pack("{s:s, s:o}", "level", full ? "critical" : low ? "warning" : "ok", "reasons", reasons);
}

static void etag_of(const struct vmms *v, char out[24])
{
	snprintf(out, 24, "%" PRIu64, v->volume->revision);
}

static json_t *volume_to_json(const struct vmms *v)
{
	struct statvfs fs = { 0 };
	char etag[24];

	fstatvfs(v->state_dir, &fs);
	etag_of(v, etag);
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:s}", "id", v->volume->id, "name", "data", "fileSystem",
			 v->volume->file_system, "sizeBytes", (json_int_t)(fs.f_blocks * fs.f_frsize), "freeBytes",
			 (json_int_t)(fs.f_bavail * fs.f_frsize), "warningFreePercent", (json_int_t)v->volume->warning_percent, "health",
			 health(v, &fs), "etag", etag);
}

static bool find(const struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct problem p = { 0 };

	if (strcmp(v->volume->id, text_of(parameters, "id")) == 0)
		return true;
	problem_set(&p, PROBLEM_VOLUME_NOT_FOUND, NULL, "There is no volume with this id.");
	problem_reply(r, &p);
	return false;
}

/* --- methods --- */

static void list_volumes(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	(void)parameters;
	ipc_reply(r, json_pack("{s:[o]}", "volumes", volume_to_json(v)));
}

static void get_volume(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	if (find(v, r, parameters))
		ipc_reply(r, json_pack("{s:o}", "volume", volume_to_json(v)));
}

static int change(struct vmms *v, const json_t *patch, struct problem *p)
{
	struct volume before = *v->volume;
	struct fields f;
	int r;

	fields_begin(&f, patch, "", p);
	field_u64(&f, "warningFreePercent", OPTIONAL, 1, PERCENT_MAX, &v->volume->warning_percent);
	r = fields_end(&f);
	if (r == 0 && (r = save(v)) < 0)
		problem_from_errno(p, r, "The volume's settings");
	if (r < 0)
		*v->volume = before;
	else
		v->volume->revision++;
	return r;
}

static void update_volume(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct problem p = { 0 };
	char etag[24];

	etag_of(v, etag);
	if (!find(v, r, parameters) || !etag_matches(r, parameters, etag))
		return;
	if (change(v, json_object_get(parameters, "patch"), &p) < 0)
		problem_reply(r, &p);
	else
		ipc_reply(r, json_pack("{s:o}", "volume", volume_to_json(v)));
}

const struct method_row volume_method_rows[] = {
	{ "vmms.ListVolumes",  "",			list_volumes },
	{ "vmms.GetVolume",    "id:s",			get_volume },
	{ "vmms.UpdateVolume", "id:s etag?:s patch:v", update_volume },
	{ NULL, NULL, NULL },
};
