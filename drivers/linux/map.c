// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a peer sees the pages of a share: as one mapping of the kernel's, or as a table for DMA.
 */
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

int ps_pages_sgtable(const struct ps_pages *pages, struct sg_table *table)
{
	struct scatterlist *entry;
	unsigned int i;

	if (sg_alloc_table(table, pages->nr_runs, GFP_KERNEL))
		return -ENOMEM;
	for_each_sgtable_sg(table, entry, i)
		sg_set_page(entry, ps_run_page(&pages->runs[i]),
			    ps_run_count(&pages->runs[i]) << PAGE_SHIFT, 0);
	return 0;
}
