/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Import of qcow2 and VMDK: vmpriv runs qemu-img in a sandbox, which reads the upload and writes uploads/<id>.import; we read what it
 * prints. An image that names other files (backing file, external data, extents) is refused before; in the sandbox there are none.
 */
#include "upload_import.h"

#include "vm.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* --- what it is --- */

#define QCOW2_FEATURES_KNOWN	(1ull << 0 | 1ull << 3 | 1ull << 4)	/* dirty, compression type, extended L2 entries */
#define DESCRIPTOR_MAX		20480u

static int refuse(char *report, size_t size, const char *text)
{
	snprintf(report, size, "%s", text);
	return -EILSEQ;
}

/* QEMU's docs/interop/qcow2.txt, "Header". */
static int judge_qcow2(int fd, char *report, size_t size)
{
	struct {
		uint32_t magic, version;
		uint64_t backing_offset;
		uint32_t backing_bytes, cluster_bits;
		uint64_t size_bytes;
		uint32_t crypt, l1_entries;
		uint64_t l1, refcounts;
		uint32_t refcount_clusters, snapshots;
		uint64_t snapshots_offset, incompatible;
	} __attribute__((packed)) h = { 0 };

	if (pread(fd, &h, sizeof(h), 0) < (ssize_t)sizeof(h) || be32toh(h.version) < 2 || be32toh(h.version) > 3)
		return refuse(report, size, "The file is a qcow2 image of a version that is not known.");
	if (h.backing_offset)
		return refuse(report, size, "The file is a qcow2 image with a backing file, and is nothing without it; convert it to one without first.");
	if (h.crypt)
		return refuse(report, size, "The file is an encrypted qcow2 image.");
	if (be32toh(h.version) == 3 && be64toh(h.incompatible) & ~QCOW2_FEATURES_KNOWN)
		return refuse(report, size, "The file is a qcow2 image that is damaged, keeps its data in another file, or needs a feature that is not known.");
	return be64toh(h.size_bytes) > DISK_SIZE_MAX ? refuse(report, size, "The disk in the file is larger than 64 TiB.") : 0;
}

/* "Virtual Disk Format 5.0", Hosted Sparse Extents. */
static int judge_vmdk(int fd, char *report, size_t size)
{
	struct {
		uint32_t magic, version, flags;
		uint64_t capacity, grain, descriptor, descriptor_sectors;
	} __attribute__((packed)) h = { 0 };
	char text[DESCRIPTOR_MAX + 1] = "";
	uint64_t bytes;

	if (pread(fd, &h, sizeof(h), 0) < (ssize_t)sizeof(h) || h.capacity == 0 || le64toh(h.capacity) > DISK_SIZE_MAX / 512)
		return refuse(report, size, "The file is a VMDK image without a size, or of more than 64 TiB.");
	bytes = le64toh(h.descriptor_sectors) < DESCRIPTOR_MAX / 512 ? le64toh(h.descriptor_sectors) * 512 : DESCRIPTOR_MAX;
	if (le64toh(h.descriptor) > INT64_MAX / 1024 || pread(fd, text, bytes, (off_t)(le64toh(h.descriptor) * 512)) < 0)
		return refuse(report, size, "The file is a VMDK image without a description.");
	if (!strstr(text, "createType=\"monolithicSparse\"") && !strstr(text, "createType=\"streamOptimized\""))
		return refuse(report, size, "The file is a part of a VMDK disk of several files; only monolithicSparse and streamOptimized are imported.");
	return strstr(text, "parentCID=ffffffff") ? 0 : refuse(report, size, "The file is a VMDK image with a parent, and is nothing without it.");
}

int upload_foreign_format(int fd, const char **format, char *report, size_t size)
{
	static const struct {
		const char *magic;
		size_t bytes;
		const char *format;		/* as qemu-img calls it */
		int (*judge)(int fd, char *report, size_t size);
		const char *refusal;
	} rows[] = {
		{ "QFI\xfb", 4, "qcow2", judge_qcow2, NULL },	{ "KDMV", 4, "vmdk", judge_vmdk, NULL },
		{ "# Disk DescriptorFile", 21, NULL, NULL, "The file is the description of a VMDK disk; its data is in others." },
		{ "COWD", 4, NULL, NULL, "The file is a part of a VMDK disk of several files." },
		{ "\x1f\x8b", 2, NULL, NULL, "The file is a gzip archive; unpack it first." },
		{ "\xfd" "7zXZ", 5, NULL, NULL, "The file is an xz archive; unpack it first." },
		{ "PK\3\4", 4, NULL, NULL, "The file is a zip archive; unpack it first." },
	};
	char head[32] = "";

	*format = NULL;
	if (pread(fd, head, sizeof(head), 0) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (memcmp(head, rows[i].magic, rows[i].bytes) != 0)
			continue;
		*format = rows[i].format;
		return rows[i].judge ? rows[i].judge(fd, report, size) : refuse(report, size, rows[i].refusal);
	}
	return 0;
}

/* --- converting it --- */

#define TEXT_MAX	400u
#define SPARE_BYTES	(256ull << 20)	/* of the volume, that stay free */

struct upload_import {
	struct job_work *work;
	int in, out, pipe;			/* in: the caller's */
	sd_event_source *source;
	pid_t pid;				/* 0: not known yet, or not started */
	bool answered, ended;			/* vmpriv has answered; the pipe has ended. It is over after both */
	bool complete;				/* it said 100 % */
	char text[TEXT_MAX];			/* the end of what it printed */
	size_t text_bytes;
	upload_imported *done;
	void *data;
};

/* While it works another user can read the one and write the other, if it is handed a descriptor: nobody else gets into the folder. */
static void set_modes(const struct upload_import *i, mode_t in, mode_t out)
{
	if (fchmod(i->in, in) < 0 || fchmod(i->out, out) < 0)
		snprintf(i->work->report, sizeof(i->work->report), "%s", strerror(errno));
}

static void import_free(struct upload_import *i)
{
	sd_event_source_disable_unref(i->source);
	if (i->pipe >= 0)
		close(i->pipe);
	if (i->out >= 0)
		close(i->out);
	free(i);
}

/* Keeps the end, and what can be shown of it. */
static void text_add(struct upload_import *i, const char *bytes, size_t count)
{
	for (size_t at = 0; at < count; at++) {
		if (i->text_bytes == TEXT_MAX - 1) {
			memmove(i->text, i->text + TEXT_MAX / 2, TEXT_MAX / 2 - 1);
			i->text_bytes = TEXT_MAX / 2 - 1;
		}
		i->text[i->text_bytes++] = isprint((unsigned char)bytes[at]) ? bytes[at] : ' ';
	}
	i->text[i->text_bytes] = '\0';
}

/* "    (12.34/100%)" over and over. */
static void look_at_progress(struct upload_import *i)
{
	const char *last = NULL;
	double percent;

	for (const char *at = strchr(i->text, '('); at; at = strchr(at + 1, '('))
		if (strstr(at, "/100%)"))
			last = at;
	if (!last || sscanf(last, "(%lf/100%%)", &percent) != 1 || !(percent >= 0 && percent <= 100))
		return;
	i->complete = percent >= 100;
	atomic_store(&i->work->percent, UPLOAD_IMPORT_FROM + (unsigned int)(percent * (99 - UPLOAD_IMPORT_FROM) / 100));
}

static int result_of(struct upload_import *i)
{
	const char *said = strstr(i->text, "qemu-img: ");

	if (atomic_load(&i->work->cancelled))
		return -ECANCELED;
	if (i->complete && !said)
		return 0;
	if (strstr(i->text, strerror(ENOSPC)) || strstr(i->text, strerror(EFBIG)))
		return -ENOSPC;
	if (!i->work->report[0])
		snprintf(i->work->report, sizeof(i->work->report), "The image cannot be converted: %.200s",
			 said ? said + strlen("qemu-img: ") : "the conversion ended before its time, or took too long.");
	return i->pid ? -EILSEQ : -EIO;
}

static void import_end_if_over(struct upload_import *i)
{
	upload_imported *done = i->done;
	void *data = i->data;
	int result, fd = i->out;

	if (!i->answered || !i->ended)
		return;
	result = result_of(i);
	set_modes(i, 0600, 0600);
	if (result == 0)
		i->out = -1;			/* the caller's */
	import_free(i);
	done(data, result, result == 0 ? fd : -1);
}

/* Its end is the end of the child and of everybody who has the other end. */
static int on_text(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct upload_import *i = data;
	char bytes[512];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)source;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0) {
		text_add(i, bytes, (size_t)n);
		look_at_progress(i);
		return 0;
	}
	i->ended = true;
	sd_event_source_set_enabled(i->source, SD_EVENT_OFF);
	import_end_if_over(i);
	return 0;
}

static void ask_to_stop(struct upload_import *i)
{
	(void)priv_call(i->work->vmms, "vmpriv.StopImport", json_pack("{s:I}", "pid", (json_int_t)i->pid), NULL, 0, NULL, NULL);
}

void upload_import_stop(struct upload_import *i)
{
	if (i->pid)
		ask_to_stop(i);
}

static void on_started(struct ipc_message *m, int result, bool continues, void *data)
{
	struct upload_import *i = data;
	const char *detail = result == -EREMOTE ? json_string_value(json_object_get(json_object_get(m->body, "parameters"), "detail")) : NULL;

	(void)continues;
	i->answered = true;
	if (result < 0)
		snprintf(i->work->report, sizeof(i->work->report), "The conversion cannot be started: %.200s", detail ? detail : strerror(-result));
	else
		i->pid = (pid_t)json_integer_value(json_object_get(m->body, "pid"));
	if (i->pid && atomic_load(&i->work->cancelled))
		ask_to_stop(i);
	import_end_if_over(i);
}

static json_int_t limit_of(int dir)
{
	struct statvfs fs;
	uint64_t room;

	if (fstatvfs(dir, &fs) < 0)
		return 0;
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	return room > 2 * SPARE_BYTES ? (json_int_t)(room - SPARE_BYTES) : (json_int_t)(room / 2 + 1);
}

static int ask_vmpriv(struct upload_import *i, const char *format, int pipe_end)
{
	struct vmms *v = i->work->vmms;
	const int fds[] = { i->in, i->out, pipe_end };

	set_modes(i, 0644, 0666);
	return priv_call(v, "vmpriv.StartImport", json_pack("{s:s, s:I}", "format", format, "limitBytes", limit_of(v->uploads_dir)), fds, 3,
			 on_started, i);
}

static int open_result(const struct vmms *v, const struct upload_item *u)
{
	char name[64];
	int fd;

	upload_import_name(u, name, sizeof(name));
	if (unlinkat(v->uploads_dir, name, 0) < 0 && errno != ENOENT)	/* whoever still writes to an earlier one does so to nobody's file */
		return -errno;
	fd = openat(v->uploads_dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

int upload_import_start(struct job_work *w, const struct upload_item *u, int fd, const char *format, upload_imported *done, void *data,
			struct upload_import **out)
{
	struct upload_import *i = calloc(1, sizeof(*i));
	int ends[2] = { -1, -1 }, r = -ENOMEM;

	if (!i)
		return r;
	*i = (struct upload_import){ .work = w, .in = fd, .out = open_result(w->vmms, u), .pipe = -1, .done = done, .data = data };
	r = i->out < 0 ? i->out : pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
	i->pipe = ends[0];
	if (r == 0)
		r = fcntl(i->pipe, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
	if (r == 0)
		r = sd_event_add_io(w->vmms->loop, &i->source, i->pipe, EPOLLIN, on_text, i);
	if (r >= 0)
		r = ask_vmpriv(i, format, ends[1]);
	if (ends[1] >= 0)
		close(ends[1]);
	if (r < 0) {
		import_free(i);
		return r;
	}
	*out = i;
	return 0;
}
