/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual disks that arrive: uploads/<id>.part and uploads/<id>.json, by the protocol of ISOs (isos.c): webapi writes through a
 * descriptor that is locked for as long as it holds it, and goes on at the file's size. What is complete and sound becomes
 * disks/<id>.FORMAT; see upload_accept().
 */
#include "uploads.h"

#include "fields.h"
#include "partita/file.h"
#include "partita/log.h"
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DESCRIPTION_MAX	65536
#define UPLOADS_MAX	64u
#define FILE_SIZE_MIN	(1ull << 20)

struct upload_item *upload_find(const struct vmms *v, const char *id)
{
	for (struct upload_item *u = v->uploads; u; u = u->next)
		if (strcmp(u->id, id) == 0)
			return u;
	return NULL;
}

const struct upload_item *upload_named(const struct vmms *v, const char *name)
{
	for (const struct upload_item *u = v->uploads; u; u = u->next)
		if (strcasecmp(u->name, name) == 0)
			return u;
	return NULL;
}

void upload_part_name(const struct upload_item *u, char *name, size_t size)
{
	snprintf(name, size, "%s.part", u->id);
}

void upload_import_name(const struct upload_item *u, char *name, size_t size)
{
	snprintf(name, size, "%s.import", u->id);
}

static void description_name(const struct upload_item *u, char *name, size_t size)
{
	snprintf(name, size, "%s.json", u->id);
}

uint64_t upload_received(const struct vmms *v, const struct upload_item *u)
{
	struct stat st = { 0 };
	char name[64];

	upload_part_name(u, name, sizeof(name));
	fstatat(v->uploads_dir, name, &st, AT_SYMLINK_NOFOLLOW);
	return (uint64_t)st.st_size;
}

json_t *upload_to_json(const struct vmms *v, const struct upload_item *u)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "id", u->id, "name", u->name, "state", u->busy ? "checking" : "uploading",
			 "sizeBytes", (json_int_t)u->size_bytes, "receivedBytes", (json_int_t)upload_received(v, u), "createdAt",
			 json_time(u->created_at));
}

int upload_save(const struct vmms *v, const struct upload_item *u, const struct upload_verdict *verdict)
{
	json_t *accepted = verdict ? json_pack("{s:s, s:s, s:I, s:b}", "format", disk_format_words[verdict->format], "type",
					       disk_kind_words[verdict->kind], "sizeBytes", (json_int_t)verdict->size_bytes, "imported",
					       verdict->imported)
				   : NULL;
	json_t *o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:o, s:o*}", "formatVersion", 1, "id", u->id, "name", u->name, "format",
			      u->format, "sha256", u->sha256, "sizeBytes", (json_int_t)u->size_bytes, "createdAt",
			      json_time(u->created_at), "accepted", accepted);
	char name[64];
	int r;

	description_name(u, name, sizeof(name));
	r = o ? file_write_json(v->uploads_dir, name, o, 0600) : -ENOMEM;
	json_decref(o);
	return r;
}

static void forget(struct vmms *v, struct upload_item *u)
{
	for (struct upload_item **at = &v->uploads; *at; at = &(*at)->next)
		if (*at == u) {
			*at = u->next;
			break;
		}
	free(u);
}

/* The description goes first: a file without one is removed at the next start. */
void upload_discard(struct vmms *v, struct upload_item *u)
{
	char name[64];

	description_name(u, name, sizeof(name));
	file_remove(v->uploads_dir, name);
	upload_part_name(u, name, sizeof(name));
	file_remove(v->uploads_dir, name);
	upload_import_name(u, name, sizeof(name));
	file_remove(v->uploads_dir, name);
	forget(v, u);
}

/* --- a part begins --- */

static bool is_sha256(const char *text)
{
	return strlen(text) == SHA256_TEXT_SIZE - 1 && strspn(text, "0123456789abcdef") == SHA256_TEXT_SIZE - 1;
}

static int check_names(const struct vmms *v, const struct upload_part *part, struct problem *p)
{
	unsigned int count = 0;

	if (text_length(part->name) > DISK_NAME_CHARS)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "name", "name has more than %d characters.", DISK_NAME_CHARS);
	if (name_check(part->name, "name", p) < 0)
		return -EINVAL;
	if (disk_find(v, part->id))
		return problem_set(p, PROBLEM_WRONG_OFFSET, NULL, "There is a disk with this id; delete it to upload another under it.");
	if (disk_named(v, part->name) || upload_named(v, part->name))
		return problem_set(p, PROBLEM_NAME_IN_USE, "name", "There is already a disk named %s.", part->name);
	for (const struct upload_item *u = v->uploads; u; u = u->next)
		count++;
	if (count >= UPLOADS_MAX)
		return problem_set(p, PROBLEM_TOO_MANY, NULL, "%u disks are being uploaded; finish or delete one first.", count);
	return 0;
}

static int check_new(const struct vmms *v, const struct upload_part *part, struct problem *p)
{
	struct statvfs fs;

	if (part->size_bytes < FILE_SIZE_MIN || part->size_bytes > DISK_SIZE_MAX)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "sizeBytes", "The file has %" PRIu64 " bytes; a disk file has %llu to %llu.",
				   part->size_bytes, FILE_SIZE_MIN, DISK_SIZE_MAX);
	if (part->format[0] && strcmp(part->format, "vhdx") != 0 && strcmp(part->format, "vhd") != 0 && strcmp(part->format, "raw") != 0)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "format", "format must be vhdx, vhd or raw.");
	if (part->sha256[0] && !is_sha256(part->sha256))
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "sha256", "sha256 must be 64 lower-case hexadecimal digits.");
	if (check_names(v, part, p) < 0)
		return -EINVAL;
	if (part->offset_bytes != 0)
		return problem_set(p, PROBLEM_WRONG_OFFSET, NULL, "Nothing of this disk has arrived yet; the first part must begin at 0.");
	if (fstatvfs(v->uploads_dir, &fs) == 0 && part->size_bytes > fs.f_bavail * fs.f_frsize)
		return problem_set(p, PROBLEM_NO_SPACE, NULL, "The file has %" PRIu64 " bytes; the data volume has %" PRIu64 " free.",
				   part->size_bytes, (uint64_t)(fs.f_bavail * fs.f_frsize));
	return 0;
}

static int begin_new(struct vmms *v, const struct upload_part *part, struct upload_item **item, struct problem *p)
{
	struct upload_item *u;
	int r = check_new(v, part, p);

	if (r < 0)
		return r;
	u = calloc(1, sizeof(*u));
	if (!u)
		return problem_from_errno(p, -ENOMEM, "The upload");
	snprintf(u->id, sizeof(u->id), "%s", part->id);
	snprintf(u->name, sizeof(u->name), "%s", part->name);
	snprintf(u->format, sizeof(u->format), "%s", part->format);
	snprintf(u->sha256, sizeof(u->sha256), "%s", part->sha256);
	u->size_bytes = part->size_bytes;
	u->created_at = time(NULL);
	r = upload_save(v, u, NULL);
	if (r < 0) {
		free(u);
		return problem_from_errno(p, r, "The upload");
	}
	u->next = v->uploads;
	*item = v->uploads = u;
	return 0;
}

static int check_resumed(const struct vmms *v, struct upload_item *u, const struct upload_part *part, struct problem *p)
{
	uint64_t have = upload_received(v, u);

	if (u->busy)
		return problem_set(p, PROBLEM_UPLOAD_IN_PROGRESS, NULL, "The disk %s is being checked.", u->name);
	if (part->size_bytes != u->size_bytes)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "sizeBytes", "The upload began with a size of %" PRIu64 " bytes, not %" PRIu64 ".",
				   u->size_bytes, part->size_bytes);
	if (part->sha256[0] && strcmp(part->sha256, u->sha256) != 0)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "sha256", "The upload began with another sha256, or none.");
	if (part->offset_bytes != have)
		return problem_set(p, PROBLEM_WRONG_OFFSET, NULL, "%" PRIu64 " bytes have arrived; the next part must begin there.", have);
	return 0;
}

static int open_part(const struct vmms *v, const struct upload_item *u, uint64_t offset, struct problem *p)
{
	char name[64];
	int fd, r;

	upload_part_name(u, name, sizeof(name));
	fd = openat(v->uploads_dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return problem_from_errno(p, -errno, "The upload");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		r = problem_set(p, PROBLEM_UPLOAD_IN_PROGRESS, NULL, "Another upload of %s is going on.", u->name);
	else if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
		r = problem_from_errno(p, -errno, "The upload");
	else
		return fd;
	close(fd);
	return r;
}

int upload_begin(struct vmms *v, const struct upload_part *part, struct upload_item **item, struct problem *p)
{
	int r;

	*item = upload_find(v, part->id);
	if (!guid_is_valid(part->id))
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "id", "The id must be a UUID in lower case.");
	r = *item ? check_resumed(v, *item, part, p) : begin_new(v, part, item, p);
	return r < 0 ? r : open_part(v, *item, part->offset_bytes, p);
}

/* --- a part has arrived --- */

struct ending {
	struct vmms *vmms;
	char id[GUID_TEXT_SIZE];
	int fd;
	bool complete;
	upload_stored *done;
	void *data;
};

static int ending_run(void *data)
{
	const struct ending *e = data;

	return fdatasync(e->fd) < 0 ? -errno : 0;
}

static void ending_done(void *data, int result)
{
	struct ending e = *(struct ending *)data;
	struct upload_item *u = upload_find(e.vmms, e.id);	/* it cannot have been deleted while it was busy */
	struct problem p = { 0 };
	struct job *job = NULL;

	free(data);
	close(e.fd);
	u->busy = false;
	if (result == 0 && e.complete)
		result = upload_check_start(e.vmms, u, &job);
	if (result < 0)
		problem_from_errno(&p, result, "The upload could not be stored");
	e.done(e.vmms, u, job, result < 0 ? &p : NULL, e.data);
}

static int ending_check(const struct vmms *v, const struct upload_item *u, bool complete, struct problem *p)
{
	uint64_t have;

	if (!u)
		return problem_set(p, PROBLEM_UPLOAD_NOT_FOUND, NULL, "There is no upload with this id.");
	if (u->busy)
		return problem_set(p, PROBLEM_UPLOAD_IN_PROGRESS, NULL, "The disk %s is being checked.", u->name);
	have = upload_received(v, u);
	if (complete && have != u->size_bytes)
		return problem_set(p, PROBLEM_WRONG_OFFSET, NULL, "%" PRIu64 " of %" PRIu64 " bytes have arrived.", have, u->size_bytes);
	return 0;
}

int upload_end(struct vmms *v, const char *id, bool complete, upload_stored *done, void *data, struct problem *p)
{
	struct upload_item *u = upload_find(v, id);
	struct ending *e;
	char name[64];
	int r = ending_check(v, u, complete, p);

	if (r < 0)
		return r;
	e = calloc(1, sizeof(*e));
	if (!e)
		return problem_from_errno(p, -ENOMEM, "The upload");
	*e = (struct ending){ .vmms = v, .complete = complete, .done = done, .data = data };
	snprintf(e->id, sizeof(e->id), "%s", u->id);
	upload_part_name(u, name, sizeof(name));
	e->fd = openat(v->uploads_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	r = e->fd < 0 ? -errno : work_run(v, ending_run, ending_done, e);
	if (r < 0) {
		if (e->fd >= 0)
			close(e->fd);
		free(e);
		return problem_from_errno(p, r, "The upload");
	}
	u->busy = true;
	return 0;
}

int upload_delete(struct vmms *v, struct upload_item *u, struct problem *p)
{
	if (u->busy)
		return problem_set(p, PROBLEM_UPLOAD_IN_PROGRESS, NULL, "The disk %s is being checked; cancel that job first.", u->name);
	upload_discard(v, u);
	return 0;
}

/* --- it becomes a disk --- */

/* The file that becomes the disk: as it was sent, or what it was converted to. */
static void source_name(const struct upload_item *u, const struct upload_verdict *verdict, char *name, size_t size)
{
	if (verdict->imported)
		upload_import_name(u, name, size);
	else
		upload_part_name(u, name, size);
}

static int move_file(const struct vmms *v, const struct upload_item *u, const struct upload_verdict *verdict, const struct disk_item *d)
{
	char source[64], file[64];

	source_name(u, verdict, source, sizeof(source));
	disk_item_file(d, file, sizeof(file));
	if (renameat(v->uploads_dir, source, v->disks_dir, file) < 0 && errno != ENOENT)	/* done before the crash */
		return -errno;
	return fsync(v->disks_dir) < 0 || fsync(v->uploads_dir) < 0 ? -errno : 0;
}

/* A disk file without a description would be removed at the next start. */
static void move_back(const struct vmms *v, const struct upload_item *u, const struct upload_verdict *verdict, const struct disk_item *d)
{
	char source[64], file[64];

	source_name(u, verdict, source, sizeof(source));
	disk_item_file(d, file, sizeof(file));
	renameat(v->disks_dir, file, v->uploads_dir, source);
}

/*
 * The verdict is in the upload's description before the file moves, and the disk's description is there before the upload's
 * goes: whoever starts after a crash in between finds out what is left to do, and does these steps again.
 */
int upload_accept(struct vmms *v, const struct upload_item *u, const struct upload_verdict *verdict)
{
	struct disk_item d = { .format = verdict->format, .kind = verdict->kind, .size_bytes = verdict->size_bytes, .created_at = u->created_at };
	char name[64];
	int r = upload_save(v, u, verdict);

	snprintf(d.id, sizeof(d.id), "%s", u->id);
	snprintf(d.name, sizeof(d.name), "%s", u->name);
	if (r == 0)
		r = move_file(v, u, verdict, &d);
	if (r == 0)
		r = disk_item_save(v, &d);
	if (r < 0) {
		move_back(v, u, verdict, &d);
		return r;
	}
	upload_part_name(u, name, sizeof(name));	/* still there after an import */
	file_remove(v->uploads_dir, name);
	description_name(u, name, sizeof(name));
	return file_remove(v->uploads_dir, name);
}

/* --- at start --- */

static struct upload_item *item_from_json(json_t *o)
{
	struct upload_item *u = calloc(1, sizeof(*u));
	const char *id = NULL, *name = NULL, *format = "", *sha256 = "";
	json_int_t size = 0;

	if (!u || json_unpack(o, "{s:s, s:s, s?s, s?s, s:I}", "id", &id, "name", &name, "format", &format, "sha256", &sha256, "sizeBytes",
			      &size) < 0 || !guid_is_valid(id)) {
		free(u);
		return NULL;
	}
	snprintf(u->id, sizeof(u->id), "%s", id);
	snprintf(u->name, sizeof(u->name), "%s", name);
	snprintf(u->format, sizeof(u->format), "%s", format);
	snprintf(u->sha256, sizeof(u->sha256), "%s", sha256);
	u->size_bytes = (uint64_t)size;
	u->created_at = json_to_time(json_object_get(o, "createdAt"));
	return u;
}

/* False: it was not accepted before the crash, or still cannot become a disk. */
static bool accept_again(struct vmms *v, const struct upload_item *u, const json_t *accepted)
{
	struct upload_verdict verdict;
	const char *format = json_string_value(json_object_get(accepted, "format")), *kind = json_string_value(json_object_get(accepted, "type"));

	if (!accepted || !format || !kind || !word_find(disk_format_words, format, &verdict.format) ||
	    !word_find(disk_kind_words, kind, &verdict.kind))
		return false;
	verdict.size_bytes = (uint64_t)json_integer_value(json_object_get(accepted, "sizeBytes"));
	verdict.imported = json_is_true(json_object_get(accepted, "imported"));
	return upload_accept(v, u, &verdict) == 0;
}

static void load_description(struct vmms *v, const char *file)
{
	json_t *o = NULL;
	struct upload_item *u = file_read_json(v->uploads_dir, file, DESCRIPTION_MAX, &o) == 0 ? item_from_json(o) : NULL;

	if (!u) {
		log_error("uploads/%s cannot be read; the upload is not listed", file);
	} else if (accept_again(v, u, json_object_get(o, "accepted"))) {
		free(u);
	} else {
		u->next = v->uploads;
		v->uploads = u;
	}
	json_decref(o);
}

int uploads_open(struct vmms *v)
{
	const struct library_folder folder = { v->uploads_dir, "uploads", { ".part", ".import" }, load_description };

	return library_scan(v, &folder);
}

int uploads_resume(struct vmms *v)
{
	struct job *job;

	for (struct upload_item *u = v->uploads; u; u = u->next)
		if (upload_received(v, u) == u->size_bytes && upload_check_start(v, u, &job) < 0)
			log_error("uploads/%s cannot be checked", u->id);
	return 0;
}

void uploads_close(struct vmms *v)
{
	while (v->uploads) {
		struct upload_item *u = v->uploads;

		v->uploads = u->next;
		free(u);
	}
}

/* --- and the other way --- */

int disk_item_open_download(const struct vmms *v, const struct disk_item *d, struct problem *p)
{
	const struct vm *user = vm_using(v, d->id);
	char name[64];
	int fd;

	if (user && user->state != VM_OFF && user->state != VM_FAILED && !disk_item_child(v, d))
		return problem_set(p, PROBLEM_DISK_ATTACHED, NULL, "The VM %s writes to the disk %s; turn it off or detach the disk first.",
				   vm_name(user), d->name);
	if (d->busy)
		return problem_set(p, PROBLEM_LOCKED_BY_JOB, NULL, "A job works on the disk %s.", d->name);
	disk_item_file(d, name, sizeof(name));
	fd = openat(v->disks_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return problem_from_errno(p, -errno, d->name);
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return fd;
	close(fd);
	return problem_set(p, PROBLEM_LOCKED_BY_JOB, NULL, "The disk %s is open for writing.", d->name);
}
