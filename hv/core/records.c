/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of small records in pool pages; see records.h. A page that was taken stays with its set until records_fini(). */
#include <hv/records.h>
#include <hv/string.h>

struct record_page {
	struct record_page *next;
	uint64_t unused;
	uint8_t data[PAGE_SIZE - 16];
};

static void *record_at(struct records *r, struct record_page *page, uint32_t index)
{
	return page->data + (size_t)index * r->size;
}

static uint32_t records_per_page(const struct records *r)
{
	return sizeof(((struct record_page *)NULL)->data) / r->size;
}

static bool record_used(const void *record)
{
	return *(const uint32_t *)record != 0;
}

void *records_add(struct records *r, struct pool *pool)
{
	struct record_page *page;

	for (page = r->pages; page; page = page->next)
		for (uint32_t i = 0; i < records_per_page(r); i++)
			if (!record_used(record_at(r, page, i)))
				return memset(record_at(r, page, i), 0, r->size);
	page = pool_alloc_page(pool);
	if (!page)
		return NULL;
	page->next = r->pages;
	r->pages = page;
	return page->data;
}

void *records_next(struct records *r, const void *after)
{
	struct record_page *page = after ? (void *)((uintptr_t)after & PAGE_MASK) : r->pages;
	uint32_t i = after ? (uint32_t)((const uint8_t *)after - page->data) / r->size + 1 : 0;

	for (; page; page = page->next, i = 0)
		for (; i < records_per_page(r); i++)
			if (record_used(record_at(r, page, i)))
				return record_at(r, page, i);
	return NULL;
}

void *records_match(struct records *r, bool (*matches)(const void *record, const void *key), const void *key)
{
	void *record = NULL;

	while ((record = records_next(r, record)) && !matches(record, key))
		;
	return record;
}

static bool first_word_is(const void *record, const void *key)
{
	return *(const uint32_t *)record == *(const uint32_t *)key;
}

void *records_find(struct records *r, uint32_t key)
{
	return records_match(r, first_word_is, &key);
}

void records_fini(struct records *r, struct pool *pool)
{
	while (r->pages) {
		struct record_page *page = r->pages;

		r->pages = page->next;
		pool_free_page(pool, page);
	}
}
