/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging a differencing disk into its parent while it is read and written. The child stays the truth until the end:
 *
 * 1. Its data is copied, then again what was written to meanwhile, until that is little.
 * 2. Writes are held back, the rest is copied, and the parent is flushed: it has everything, durably.
 * 3. The child's file is cut to nothing, durably. This is the one step that counts: before it, the child lies over the parent
 *    and hides whatever was written there; after it, an empty file says that all is in the parent.
 * 4. Requests go to the parent.
 *
 * A file system makes the change of a file's size whole or not at all, whatever happens; so nobody has to remember anything.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/image.h"
#include "storage/merge.h"
#include "storage/sparse.h"

#define HELD_BYTES	(8ull << 20)	/* most that is copied while writes wait, if it can be had */
#define PASSES_MAX	40u

struct live_merge {
	struct disk *child, *parent;
	struct sparse *s;		/* the child's */
	struct sparse_watch watch;
	const struct disk_progress *progress;
	atomic_bool stopped;		/* its disk is being closed */
	uint8_t *buffer;
};

static bool on_step(void *context, uint64_t done, uint64_t total)
{
	struct live_merge *m = context;

	return atomic_load(&m->stopped) || (m->progress && m->progress->step && m->progress->step(m->progress->context, done, total));
}

/* --- the parent, open for writing --- */

static int check_same_file(int a, int b)
{
	struct stat x, y;

	if (fstat(a, &x) < 0 || fstat(b, &y) < 0)
		return -errno;
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino ? 0 : disk_fail(-EXDEV, "that is not the file of the disk's parent");
}

static void wait_until_idle(struct sparse *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->active[0] || s->active[1])
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

/* Whoever maps from now on maps through the new one; what was mapped through the old one has ended when this returns. */
static void replace_parent(struct live_merge *m, struct disk *parent)
{
	struct disk *old = m->child->parent;
	struct sparse *s = old->ops->engine ? old->ops->engine(old) : NULL;

	pthread_mutex_lock(&m->s->lock);
	m->child->parent = parent;
	pthread_mutex_unlock(&m->s->lock);
	old->parent = NULL;		/* the new one's */
	m->child->shared->replaced = old;
	if (s)
		wait_until_idle(s);
}

/* Takes fd on success. An earlier merge that was stopped has left the parent open for writing. */
static int open_parent(struct live_merge *m, int fd)
{
	struct disk *old = m->child->parent, *parent = NULL;
	int r = check_same_file(fd, old->fd);

	if (r == 0 && !old->read_only) {
		m->parent = old;
		close(fd);
		return 0;
	}
	if (r == 0)
		r = disk_open_over(&(struct disk_source) { old->format, fd }, old->parent, false, &parent);
	if (r < 0)
		return r;
	disk_keep_data_guid(parent);
	r = m->child->ops->link(m->child, parent);
	if (r < 0) {
		parent->parent = NULL;
		disk_end(parent);
		return r;
	}
	m->parent = parent;
	replace_parent(m, parent);
	return 0;
}

/* --- copying --- */

static bool take_marked(struct live_merge *m, uint64_t *granule)
{
	bool taken;

	pthread_mutex_lock(&m->s->lock);
	taken = sparse_watch_take(m->s, granule);
	if (taken && *granule % 2 && m->watch.slow) {	/* two are copied for one that may be written to */
		m->watch.allowance++;
		pthread_cond_broadcast(&m->s->changed);
	}
	pthread_mutex_unlock(&m->s->lock);
	return taken;
}

static int copy_marked(struct live_merge *m, const struct disk_progress *p)
{
	int r = 0;

	for (uint64_t granule = 0; r == 0 && take_marked(m, &granule); granule++) {
		uint64_t from = granule * m->watch.granule, to = from + m->watch.granule, size = m->child->size_bytes;

		if (p && p->step(p->context, size, size))
			return -ECANCELED;
		r = merge_span(m->child, m->parent, from, to < size ? to : size, m->buffer, NULL);
	}
	return r;
}

/* Where the writer is faster than the copying, it is slowed down until it is not. */
static int catch_up(struct live_merge *m, const struct disk_progress *p)
{
	uint64_t before = UINT64_MAX;
	int r = 0;

	for (unsigned int pass = 0; r == 0 && pass < PASSES_MAX; pass++) {
		uint64_t marked;

		pthread_mutex_lock(&m->s->lock);
		marked = m->watch.marked;
		m->watch.slow = marked > before / 2;
		m->watch.allowance = 0;
		pthread_mutex_unlock(&m->s->lock);
		if (marked * m->watch.granule <= HELD_BYTES)
			break;
		before = marked;
		r = copy_marked(m, p);
	}
	return r;
}

/* --- the end --- */

static void hold_writes(struct live_merge *m, bool hold)
{
	pthread_mutex_lock(&m->s->lock);
	m->watch.closed = hold;
	m->watch.slow = false;
	while (hold && m->s->writing)
		pthread_cond_wait(&m->s->changed, &m->s->lock);
	pthread_cond_broadcast(&m->s->changed);
	pthread_mutex_unlock(&m->s->lock);
}

static void send_through(struct sparse *s, struct disk *parent)
{
	pthread_mutex_lock(&s->lock);
	s->through = parent;
	while (parent && (s->active[0] || s->active[1]))	/* reads of what is about to go */
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

/* Under commit_lock, which keeps commits away from the child's file. */
static int cut_child(struct live_merge *m)
{
	int r;

	send_through(m->s, m->parent);
	r = image_set_size(m->child->fd, 0);
	if (r < 0) {
		send_through(m->s, NULL);
		return r;
	}
	r = image_sync(m->child->fd);
	pthread_mutex_lock(&m->s->lock);
	m->s->dead = r < 0;		/* the old file may come back, and hide what the parent gets from now on */
	m->s->begun = false;		/* nothing is to be committed any more */
	pthread_mutex_unlock(&m->s->lock);
	return r;
}

static int switch_over(struct live_merge *m)
{
	int r;

	pthread_mutex_lock(&m->s->commit_lock);
	r = cut_child(m);
	pthread_mutex_unlock(&m->s->commit_lock);
	if (r < 0)
		return r;
	(void)disk_renew_data_guid(m->parent);	/* else the next to open it for writing does */
	__atomic_store_n(&m->child->shared->through, m->parent, __ATOMIC_RELEASE);
	return 0;
}

static int finish(struct live_merge *m)
{
	int r;

	hold_writes(m, true);
	r = copy_marked(m, NULL);
	if (r == 0)
		r = disk_flush(m->parent);
	if (r == 0)
		r = switch_over(m);
	hold_writes(m, false);
	return r;
}

static int merge(struct live_merge *m)
{
	const struct disk_progress p = { on_step, m };
	int r = sparse_watch_start(m->s, &m->watch, m->child->size_bytes);

	if (r < 0)
		return r;
	if (m->parent->size_bytes < m->child->size_bytes)
		r = disk_resize(m->parent, m->child->size_bytes);
	if (r == 0)
		r = merge_span(m->child, m->parent, 0, m->child->size_bytes, m->buffer, &p);
	if (r == 0)
		r = catch_up(m, &p);
	if (r == 0)
		r = finish(m);
	if (r < 0)
		(void)disk_flush(m->parent);
	sparse_watch_end(m->s);
	return r;
}

/* --- around it --- */

static int check_child(struct disk *d)
{
	if (d->read_only)
		return -EROFS;
	if (!d->parent || !d->ops->engine)
		return disk_fail(-EINVAL, "the disk is not differencing: there is nothing to merge it into");
	return 0;
}

static int join(struct live_merge *m)
{
	struct disk_shared *shared = m->child->shared;
	int r = 0;

	pthread_mutex_lock(&shared->merge_lock);
	if (shared->merge)
		r = -EBUSY;
	else
		shared->merge = m;
	pthread_mutex_unlock(&shared->merge_lock);
	return r;
}

/* The last that this thread does with the disk: it may be closed at once. */
static void leave(struct live_merge *m)
{
	struct disk_shared *shared = m->child->shared;

	pthread_mutex_lock(&shared->merge_lock);
	shared->merge = NULL;
	pthread_cond_broadcast(&shared->merge_ended);
	pthread_mutex_unlock(&shared->merge_lock);
}

void disk_stop_live_merge(struct disk *d)
{
	struct disk_shared *shared = d->shared;

	pthread_mutex_lock(&shared->merge_lock);
	while (shared->merge) {
		atomic_store(&shared->merge->stopped, true);
		pthread_cond_wait(&shared->merge_ended, &shared->merge_lock);
	}
	pthread_mutex_unlock(&shared->merge_lock);
}

int disk_live_merge_begin(struct disk *d, struct live_merge **out)
{
	struct live_merge *m;
	int r;

	disk_fail_clear();
	d = disk_target(d);
	r = check_child(d);
	if (r < 0)
		return r;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->child = d;
	m->s = d->ops->engine(d);
	r = join(m);
	if (r < 0)
		free(m);
	else
		*out = m;
	return r;
}

int disk_live_merge_run(struct live_merge *m, int parent_fd, const struct disk_progress *p)
{
	int r;

	disk_fail_clear();
	m->progress = p;
	m->buffer = aligned_alloc(4096, MERGE_BYTES);
	r = m->buffer ? open_parent(m, parent_fd) : -ENOMEM;
	if (r < 0)
		close(parent_fd);
	else
		r = merge(m);
	free(m->buffer);
	leave(m);
	free(m);
	return r;
}
