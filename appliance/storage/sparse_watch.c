/* SPDX-License-Identifier: Apache-2.0 */
/* Which parts of a disk are written to while it is being copied, and holding writes back: struct sparse_watch in sparse.h. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "storage/sparse.h"

#define GRANULE_MIN	(64u << 10)
#define GRANULES_MAX	(8u << 20)	/* a MiB of marks */
#define SLOW_NSEC	(100l * 1000 * 1000)	/* longest that one write is held up because the copying does not catch up */

int sparse_watch_start(struct sparse *s, struct sparse_watch *w, uint64_t size_bytes)
{
	*w = (struct sparse_watch) { .granule = GRANULE_MIN };
	while (size_bytes / w->granule >= GRANULES_MAX)
		w->granule *= 2;
	w->granules = (size_bytes + w->granule - 1) / w->granule;
	w->marks = calloc(w->granules / 8 + 1, 1);
	if (!w->marks)
		return -ENOMEM;
	pthread_mutex_lock(&s->lock);
	s->watch = w;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

void sparse_watch_end(struct sparse *s)
{
	struct sparse_watch *w;

	pthread_mutex_lock(&s->lock);
	w = s->watch;
	s->watch = NULL;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	free(w->marks);
}

static bool is_marked(const struct sparse_watch *w, uint64_t granule)
{
	return w->marks[granule / 8] >> (granule % 8) & 1;
}

bool sparse_watch_admits(const struct sparse *s, uint64_t offset)
{
	const struct sparse_watch *w = s->watch;

	return !w || (!w->closed && (!w->slow || w->allowance > 0 || is_marked(w, offset / w->granule)));
}

void sparse_watch_mark(struct sparse *s, uint64_t offset, uint64_t bytes)
{
	struct sparse_watch *w = s->watch;

	if (!w || bytes == 0)
		return;
	for (uint64_t g = offset / w->granule; g <= (offset + bytes - 1) / w->granule && g < w->granules; g++) {
		if (is_marked(w, g))
			continue;
		w->marks[g / 8] |= (uint8_t)(1 << g % 8);
		w->marked++;
		w->allowance--;
	}
}

bool sparse_watch_take(struct sparse *s, uint64_t *granule)
{
	struct sparse_watch *w = s->watch;
	uint64_t g = *granule;

	while (g < w->granules && !is_marked(w, g))
		g = g % 8 == 0 && w->marks[g / 8] == 0 ? g + 8 : g + 1;
	if (g >= w->granules)
		return false;
	w->marks[g / 8] &= (uint8_t)~(1 << g % 8);
	w->marked--;
	*granule = g;
	return true;
}

void sparse_watch_wait(struct sparse *s, uint64_t offset)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += SLOW_NSEC;
	until.tv_sec += until.tv_nsec / 1000000000l;
	until.tv_nsec %= 1000000000l;
	pthread_mutex_lock(&s->lock);
	while (!sparse_watch_admits(s, offset) && (r == 0 || s->watch->closed))
		r = s->watch->closed ? pthread_cond_wait(&s->changed, &s->lock)
				     : pthread_cond_timedwait(&s->changed, &s->lock, &until);
	if (s->watch && s->watch->slow && s->watch->allowance <= 0)
		s->watch->allowance = 1;
	pthread_mutex_unlock(&s->lock);
}

struct disk *sparse_through(struct sparse *s)
{
	struct disk *through;

	pthread_mutex_lock(&s->lock);
	through = s->through;
	pthread_mutex_unlock(&s->lock);
	return through;
}
