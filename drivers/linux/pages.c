// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins the pages of a share, maps them for peers that ask, and gives them back.
 *
 * Pages belong to the share from a successful pin until its teardown; a pin that fails leaves
 * nothing pinned or charged, and giving back never fails. Pins always ask for write access: pinned for
 * reading only, a page not yet written can be the shared zero page, which user space leaves at its next write.
 *
 * Charged to RLIMIT_MEMLOCK of the opener's user and to mm->pinned_vm are whole folios, because one
 * pinned page keeps all of its folio.
 */
#include <linux/hugetlb.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "internal.h"

#define PS_CHUNK 512	/* pages pinned at a time */
#define PS_FEW 16	/* so many need no array from the heap */

static int ps_charge(struct ps_file *file, struct ps_pages *pages, unsigned long count)
{
	atomic_long_t *locked = &file->user->uid->locked_vm;
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	unsigned long now = atomic_long_read(locked);

	if (!pages->unlimited) {
		do {
			if (count > limit || now > limit - count)
				return -ENOMEM;
		} while (!atomic_long_try_cmpxchg(locked, &now, now + count));
	}
	atomic64_add(count, &file->owner.mm->pinned_vm);
	pages->charged += count;
	return 0;
}

static void ps_uncharge(struct ps_file *file, struct ps_pages *pages)
{
	if (!pages->unlimited)
		atomic_long_sub(pages->charged, &file->user->uid->locked_vm);
	atomic64_sub(pages->charged, &file->owner.mm->pinned_vm);
	pages->charged = 0;
}

static bool ps_is_last_run(const struct ps_pages *pages, u64 pfn)
{
	const struct ps_run *last;

	if (!pages->nr_runs)
		return false;
	last = &pages->runs[pages->nr_runs - 1];
	return pfn == last->pfn + last->count && last->count < PS_RUN_MAX;
}

static int ps_grow(struct ps_pages *pages)
{
	unsigned int capacity = max(pages->capacity * 2, 64U);
	size_t size = capacity * sizeof(struct ps_run);
	struct ps_run *runs;

	if (pages->runs == &pages->first) {
		runs = kvmalloc(size, GFP_KERNEL_ACCOUNT);
		if (runs)
			*runs = pages->first;
	} else {
		runs = ps_kvrealloc(pages->runs, pages->capacity * sizeof(*runs), size,
				    GFP_KERNEL_ACCOUNT);
	}
	if (!runs)
		return -ENOBUFS;
	pages->runs = runs;
	pages->capacity = capacity;
	return 0;
}

static int ps_append(struct ps_pages *pages, struct page *page)
{
	u64 pfn = page_to_pfn(page);

	if (ps_is_last_run(pages, pfn)) {
		pages->runs[pages->nr_runs - 1].count++;
	} else {
		if (pages->nr_runs == pages->capacity && ps_grow(pages))
			return -ENOBUFS;
		pages->runs[pages->nr_runs++] = (struct ps_run){ .pfn = pfn, .count = 1 };
	}
	pages->count++;
	return 0;
}

/* Anonymous memory of the process itself; all else has other owners than the lease. */
static bool ps_is_lendable(struct page *page)
{
	struct folio *folio = page_folio(page);

	return folio_test_anon(folio) && !folio_test_hugetlb(folio) && !is_zone_device_page(page);
}

/* Takes over pinned pages, or unpins those that it did not take. */
static int ps_absorb(struct ps_pages *pages, struct page **chunk, unsigned long count,
		     unsigned long *folio_pages)
{
	struct folio *last = NULL;
	unsigned long i;
	int ret = 0;

	for (i = 0; i < count; i++) {
		struct folio *folio = page_folio(chunk[i]);

		ret = ps_is_lendable(chunk[i]) ? ps_append(pages, chunk[i]) : -EOPNOTSUPP;
		if (ret)
			break;
		if (folio != last)
			*folio_pages += folio_nr_pages(folio);
		last = folio;
	}
	unpin_user_pages(chunk + i, count - i);
	return ret;
}

/*
 * Names a fault: memory of a kind that cannot be lent is not the same mistake as memory that is
 * not there. Only the name depends on it, so it does not matter if the mapping has changed meanwhile.
 */
static int ps_explain_fault(unsigned long address)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	int ret = -EFAULT;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, address);
	if (vma && (vma->vm_flags & (VM_SHARED | VM_PFNMAP | VM_IO | VM_HUGETLB)))
		ret = -EOPNOTSUPP;
	mmap_read_unlock(mm);
	return ret;
}

static int ps_pin_error(long ret, unsigned long address)
{
	switch (ret) {
	case -EINTR:
		return -EINTR;
	case -ENOMEM:
		return -ENOBUFS;
	default:
		return ps_explain_fault(address);
	}
}

static int ps_pin_chunks(struct ps_pages *pages, u64 address, unsigned long count,
			 struct page **chunk, unsigned int capacity, unsigned long *folio_pages)
{
	while (pages->count < count) {
		unsigned long at = address + (pages->count << PAGE_SHIFT);
		long pinned;
		int ret;

		pinned = pin_user_pages_fast(at, min_t(unsigned long, count - pages->count, capacity),
					     FOLL_WRITE | FOLL_LONGTERM, chunk);
		if (pinned <= 0)
			return ps_pin_error(pinned, at);
		ret = ps_absorb(pages, chunk, pinned, folio_pages);
		if (ret)
			return ret;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int ps_pin_all(struct ps_pages *pages, u64 address, unsigned long count,
		      unsigned long *folio_pages)
{
	struct page *few[PS_FEW];
	struct page **chunk;
	int ret;

	if (count <= PS_FEW)
		return ps_pin_chunks(pages, address, count, few, PS_FEW, folio_pages);
	chunk = kmalloc_array(PS_CHUNK, sizeof(*chunk), GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return -ENOBUFS;
	ret = ps_pin_chunks(pages, address, count, chunk, PS_CHUNK, folio_pages);
	kfree(chunk);
	return ret;
}

/* -ENOMEM: over RLIMIT_MEMLOCK. -EFAULT, -EOPNOTSUPP, -ENOBUFS, -EINTR as abi.h has them. */
int ps_pages_pin(struct ps_file *file, struct ps_pages *pages, u64 address, unsigned long count)
{
	unsigned long folio_pages = 0;
	int ret;

	*pages = (struct ps_pages){
		.runs = &pages->first,
		.capacity = 1,
		.unlimited = capable(CAP_IPC_LOCK),
	};
	ret = ps_charge(file, pages, count);
	if (ret)
		return ret;
	ret = ps_pin_all(pages, address, count, &folio_pages);
	if (!ret && folio_pages > count)
		ret = ps_charge(file, pages, folio_pages - count);
	atomic_long_add(pages->count, &file->pinned);
	atomic_long_add(pages->count, &ps_total_pinned);
	if (ret)
		ps_pages_unpin(file, pages, false);
	return ret;
}

void ps_pages_unpin(struct ps_file *file, struct ps_pages *pages, bool dirty)
{
	unsigned int i;

	for (i = 0; i < pages->nr_runs; i++) {
		unpin_user_page_range_dirty_lock(pfn_to_page(pages->runs[i].pfn),
						 pages->runs[i].count, dirty);
		cond_resched();
	}
	if (pages->runs != &pages->first)
		kvfree(pages->runs);
	atomic_long_sub(pages->count, &file->pinned);
	atomic_long_sub(pages->count, &ps_total_pinned);
	ps_uncharge(file, pages);
}

static void *ps_vmap(const struct ps_pages *pages, pgprot_t protection)
{
	struct page **array = kvmalloc_array(pages->count, sizeof(*array), GFP_KERNEL);
	unsigned long n = 0;
	unsigned int i;
	void *mapping;
	u64 j;

	if (!array)
		return NULL;
	for (i = 0; i < pages->nr_runs; i++)
		for (j = 0; j < pages->runs[i].count; j++)
			array[n++] = pfn_to_page(pages->runs[i].pfn + j);
	mapping = vmap(array, n, VM_MAP, protection);
	kvfree(array);
	return mapping;
}

/* One run is mapped already: no high memory on the machines we run on. */
void *ps_pages_map(const struct ps_pages *pages, bool writable)
{
	if (pages->nr_runs == 1)
		return page_address(pfn_to_page(pages->first.pfn));
	return ps_vmap(pages, writable ? PAGE_KERNEL : PAGE_KERNEL_RO);
}

void ps_pages_unmap(const struct ps_pages *pages, void *mapping)
{
	if (mapping && pages->nr_runs > 1)
		vunmap(mapping);
}

int ps_pages_sgtable(const struct ps_pages *pages, struct sg_table *table)
{
	struct scatterlist *entry;
	unsigned int i;

	if (sg_alloc_table(table, pages->nr_runs, GFP_KERNEL))
		return -ENOMEM;
	for_each_sgtable_sg(table, entry, i)
		sg_set_page(entry, pfn_to_page(pages->runs[i].pfn),
			    (unsigned int)pages->runs[i].count << PAGE_SHIFT, 0);
	return 0;
}
