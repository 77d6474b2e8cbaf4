// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a peer sees the pages of a share: as one mapping of the kernel's, as a table for DMA, or as
 * entries of a list for a part of it.
 */
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/vmalloc.h>

#include "internal.h"

static void *ps_vmap(const struct ps_pages *pages, pgprot_t protection)
{
	struct page **array = kvmalloc_array(pages->count, sizeof(*array), GFP_KERNEL);
	unsigned long n = 0;
	void *mapping;
	unsigned int i;

	if (!array)
		return NULL;
	for (i = 0; i < pages->nr_runs; i++) {
		unsigned long pfn = page_to_pfn(ps_run_page(&pages->runs[i]));
		unsigned long end = pfn + ps_run_count(&pages->runs[i]);

		while (pfn < end)
			array[n++] = pfn_to_page(pfn++);
	}
	mapping = vmap(array, n, VM_MAP, protection);
	kvfree(array);
	return mapping;
}

/* One run is mapped already: no high memory on the machines we run on. */
void *ps_pages_map(const struct ps_pages *pages, bool writable)
{
	if (pages->nr_runs == 1)
		return page_address(ps_run_page(pages->runs));
	return ps_vmap(pages, writable ? PAGE_KERNEL : PAGE_KERNEL_RO);
}

void ps_pages_unmap(const struct ps_pages *pages, void *mapping)
{
	if (pages->nr_runs > 1)
		vunmap(mapping);
}

/* Fills entries from one run on; returns the next. */
static struct scatterlist *ps_set_run(struct scatterlist *entry, const union ps_run *run,
				      unsigned int longest)
{
	unsigned long pfn = page_to_pfn(ps_run_page(run));
	unsigned int left = ps_run_count(run) << PAGE_SHIFT;

	while (left) {
		unsigned int length = min(left, longest);

		sg_set_page(entry, pfn_to_page(pfn), length, 0);
		entry = sg_next(entry);
		pfn += length >> PAGE_SHIFT;
		left -= length;
	}
	return entry;
}

/* longest: bytes of an entry, whole pages. */
int ps_pages_sgtable(const struct ps_pages *pages, struct sg_table *table, unsigned int longest)
{
	struct scatterlist *entry;
	unsigned int i, count = 0;

	/* not DIV_ROUND_UP(): its sum overflows for devices without a limit, who say UINT_MAX */
	for (i = 0; i < pages->nr_runs; i++)
		count += ((ps_run_count(&pages->runs[i]) << PAGE_SHIFT) - 1) / longest + 1;
	if (sg_alloc_table(table, count, GFP_KERNEL))
		return -ENOMEM;
	entry = table->sgl;
	for (i = 0; i < pages->nr_runs; i++)
		entry = ps_set_run(entry, &pages->runs[i], longest);
	return 0;
}

/* By the mapping: it takes the same time wherever the page lies, where runs would be counted. */
static struct page *ps_mapped_page(const void *address)
{
	return is_vmalloc_addr(address) ? vmalloc_to_page(address) : virt_to_page(address);
}

/* Whether the entry could be made longer by what lies there. */
static bool ps_sg_grow(struct scatterlist *entry, const struct page *page, unsigned int at,
		       unsigned int length)
{
	if (sg_phys(entry) + entry->length != page_to_phys(page) + at ||
	    entry->length > UINT_MAX - length)
		return false;
	entry->length += length;
	return true;
}

int pendshare_share_sg(const struct ps_share *share, u64 offset, u64 length,
		       struct scatterlist *sg, unsigned int max)
{
	const void *address = share->mapping + offset;
	struct scatterlist *entry = NULL;
	int count = 0;

	if (!share->mapping || !length || offset > share->length ||
	    length > share->length - offset)
		return -EINVAL;
	if (!max || max > INT_MAX)
		return -EMSGSIZE;
	/* no more than may be needed: each is cleared */
	sg_init_table(sg, min_t(u64, max, (offset_in_page(offset) + length - 1) / PAGE_SIZE + 1));
	while (length) {
		unsigned int at = offset_in_page(address);
		unsigned int part = min_t(u64, PAGE_SIZE - at, length);
		struct page *page = ps_mapped_page(address);

		if (!entry || !ps_sg_grow(entry, page, at, part)) {
			if (count == max)
				return -EMSGSIZE;
			entry = &sg[count++];
			sg_set_page(entry, page, part, at);
		}
		address += part;
		length -= part;
	}
	sg_mark_end(entry);
	return count;
}
EXPORT_SYMBOL_GPL(pendshare_share_sg);
