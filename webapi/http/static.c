/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the file that a path means: itself, a ready-made compressed copy beside it, or index.html for the
 * paths that the UI routes in the browser. Names that carry a content hash (assets/) are cached for ever,
 * the rest is asked for again.
 */
#include "http/static.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <mbedtls/sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ETAG_SIZE_MAX	(1u << 20)

static const struct {
	const char *suffix, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".mjs", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".map", "application/json" },
	{ ".webmanifest", "application/manifest+json" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".jpg", "image/jpeg" },
	{ ".ico", "image/x-icon" },
	{ ".webp", "image/webp" },
	{ ".woff2", "font/woff2" },
	{ ".wasm", "application/wasm" },
	{ ".txt", "text/plain; charset=utf-8" },
};

static const struct {
	const char *token, *suffix;
} encodings[] = {		/* best first */
	{ "br", ".br" },
	{ "gzip", ".gz" },
};

static const char *type_of(const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t n = strlen(types[i].suffix);

		if (length > n && strcmp(path + length - n, types[i].suffix) == 0)
			return types[i].type;
	}
	return "application/octet-stream";
}

static int open_regular(int ui_fd, const char *path, struct stat *st)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, ui_fd, path, &how, sizeof(how));

	if (fd >= 0 && (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* "br" in "gzip, deflate, br;q=0.9", but not with q=0. */
static bool accepts(const char *header, const char *token)
{
	size_t length = strlen(token);

	while (header && *header) {
		size_t size;

		header += strspn(header, ", \t");
		size = strcspn(header, ",");
		if (size >= length && strncmp(header, token, length) == 0 && strchr(",; \t", header[length]))
			return !memmem(header, size, "q=0", 3) || memmem(header, size, "q=0.", 4);
		header += size;
	}
	return false;
}

static int open_encoded(int ui_fd, const struct request *req, const char *path, struct stat *st,
                        const char **encoding)
{
	char name[1024];

	*encoding = NULL;
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
		int fd = -1;

		if (accepts(req->header[HEADER_ACCEPT_ENCODING], encodings[i].token) &&
		    snprintf(name, sizeof(name), "%s%s", path, encodings[i].suffix) < (int)sizeof(name))
			fd = open_regular(ui_fd, name, st);
		if (fd >= 0) {
			*encoding = encodings[i].token;
			return fd;
		}
	}
	return open_regular(ui_fd, path, st);
}

/* A path without a dot in its last part that a browser navigates to belongs to the UI's own router. */
static bool is_ui_route(const struct request *req, const char *path)
{
	const char *last = strrchr(path, '/'), *accept = req->header[HEADER_ACCEPT];

	return !strchr(last ? last : path, '.') && accept && strstr(accept, "text/html");
}

/*
 * By content: the image's files all have one time stamp, and index.html keeps its size when only the hashes
 * in it change.
 */
static void make_etag(struct static_file *file)
{
	unsigned char digest[32];
	char *text = file->size <= ETAG_SIZE_MAX ? malloc(file->size + 1) : NULL;
	ssize_t n = text ? pread(file->fd, text, file->size, 0) : -1;

	if (n == (ssize_t)file->size && mbedtls_sha256((unsigned char *)text, file->size, digest, 0) == 0)
		snprintf(file->etag, sizeof(file->etag), "\"%02x%02x%02x%02x%02x%02x%02x%02x%s%s\"",
		         digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6],
		         digest[7], file->encoding ? "-" : "", file->encoding ? file->encoding : "");
	free(text);
}

int static_open(int ui_fd, const struct request *req, struct static_file *out)
{
	const char *path = req->path[1] ? req->path + 1 : "index.html",
	           *known = req->header[HEADER_IF_NONE_MATCH];
	struct stat st;

	*out = (struct static_file){ .fd = -1 };
	out->fd = open_encoded(ui_fd, req, path, &st, &out->encoding);
	if (out->fd < 0 && is_ui_route(req, req->path)) {
		path = "index.html";
		out->fd = open_encoded(ui_fd, req, path, &st, &out->encoding);
	}
	if (out->fd < 0)
		return -ENOENT;
	out->size = (uint64_t)st.st_size;
	out->content_type = type_of(path);
	if (strncmp(path, "assets/", 7) == 0) {
		out->cache = "public, max-age=31536000, immutable";
		return 0;
	}
	out->cache = "no-cache";
	make_etag(out);
	if (known && out->etag[0] && strstr(known, out->etag)) {
		out->not_modified = true;
		close(out->fd);
		out->fd = -1;
	}
	return 0;
}
