// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins the pages of a share, maps them for peers that ask, and gives them back.
 *
 * Pages belong to the share from a successful pin until its teardown; a pin that fails leaves
 * nothing pinned or charged, and giving back never fails. Pins always ask for write access:
 * pinned for reading only, a page not yet written can be the shared zero page, which user
 * space leaves at its next write.
 *
 * RLIMIT_MEMLOCK of the opener's user and mm->pinned_vm are charged with whole folios, because
 * one pinned page keeps all of its folio.
 */
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "internal.h"

#define PS_CHUNK 512UL	/* pages pinned at a time */
#define PS_FEW 32UL	/* so many need no array from the heap */

/* A pin under way. */
struct ps_pin {
	struct ps_pages *pages;
	unsigned long total;	/* pages to pin */
	struct folio *last;	/* the large folio that was counted last */
	unsigned long extra;	/* pages of large folios that are kept although not lent */
	u64 next;		/* frame that would go on with the last run; 0: none */
};

static int ps_charge(struct ps_file *file, struct ps_pages *pages, unsigned long count)
{
	atomic_long_t *locked = &file->user->uid->locked_vm;
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	unsigned long now = atomic_long_read(locked);

	if (!file->unlimited) {
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
	if (!file->unlimited)
		atomic_long_sub(pages->charged, &file->user->uid->locked_vm);
	atomic64_sub(pages->charged, &file->owner.mm->pinned_vm);
	pages->charged = 0;
}

/* Makes room for as many runs more, which is what that many pages can need. */
static int ps_reserve_runs(struct ps_pages *pages, unsigned long more)
{
	unsigned int capacity = max_t(unsigned long, pages->capacity * 2, pages->nr_runs + more);
	size_t size = capacity * sizeof(struct ps_run);
	struct ps_run *runs;

	if (pages->nr_runs + more <= pages->capacity)
		return 0;
	if (pages->runs == pages->few) {
		runs = kvmalloc(size, GFP_KERNEL_ACCOUNT);
		if (runs)
			memcpy(runs, pages->few, sizeof(pages->few));
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

/* How many of the pages follow each other in the large folio of the first; counts its others. */
static unsigned long ps_count_large(struct ps_pin *pin, struct folio *folio, struct page **chunk,
				    unsigned long count)
{
	unsigned long all = folio_nr_pages(folio);
	unsigned long n = 1;

	count = min(count, all - folio_page_idx(folio, *chunk));
	while (n < count && chunk[n] == *chunk + n)
		n++;
	if (folio != pin->last)
		pin->extra += all;
	pin->extra -= n;
	pin->last = folio;
	return n;
}

/*
 * Takes over pinned pages up to one that cannot be lent: only anonymous memory of the process
 * itself is, as all else has other owners than the lease. There is room for a run a page.
 */
static unsigned long ps_absorb(struct ps_pin *pin, struct page **chunk, unsigned long count)
{
	struct ps_pages *pages = pin->pages;
	struct ps_run *run = pages->runs + pages->nr_runs; /* behind the last */
	u64 next = pin->next;
	unsigned long i, n;

	for (i = 0; i < count; i += n) {
		struct folio *folio = page_folio(chunk[i]);
		u64 pfn = page_to_pfn(chunk[i]);

		if (!folio_test_anon(folio))
			break;
		n = 1;
		if (folio_test_large(folio)) {
			if (folio_test_hugetlb(folio))
				break;
			n = ps_count_large(pin, folio, chunk + i, count - i);
		}
		if (pfn == next && run[-1].count + n <= PS_RUN_MAX)
			run[-1].count += n;
		else
			*run++ = (struct ps_run){ .pfn = pfn, .count = n };
		next = pfn + n;
	}
	pages->nr_runs = run - pages->runs;
	pages->count += i;
	pin->next = next;
	return i;
}

/*
 * Names a fault: memory of a kind that cannot be lent is another mistake than memory that is
 * not there. Only the name depends on the mapping, which may have changed meanwhile.
 */
static int ps_explain_fault(unsigned long address)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	int ret = -EFAULT;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, untagged_addr(address));
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

static int ps_pin_chunk(struct ps_pin *pin, u64 address, struct page **chunk,
			unsigned long capacity)
{
	unsigned long done = pin->pages->count;
	unsigned long at = address + (done << PAGE_SHIFT);
	unsigned long taken, wanted = min(pin->total - done, capacity);
	int pinned;

	if (ps_reserve_runs(pin->pages, wanted))
		return -ENOBUFS;
	pinned = pin_user_pages_fast(at, wanted, FOLL_WRITE | FOLL_LONGTERM, chunk);
	if (pinned <= 0)
		return ps_pin_error(pinned, at);
	taken = ps_absorb(pin, chunk, pinned);
	if (taken == pinned)
		return 0;
	unpin_user_pages(chunk + taken, pinned - taken);
	return -EOPNOTSUPP;
}

static int ps_pin_chunks(struct ps_pin *pin, u64 address, struct page **chunk,
			 unsigned long capacity)
{
	for (;;) {
		int ret = ps_pin_chunk(pin, address, chunk, capacity);

		if (ret || pin->pages->count == pin->total)
			return ret;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

static int ps_pin_all(struct ps_pin *pin, u64 address)
{
	struct page *few[PS_FEW] __uninitialized;
	unsigned long capacity = min(pin->total, PS_CHUNK);
	struct page **chunk;
	int ret;

	if (capacity <= PS_FEW)
		return ps_pin_chunks(pin, address, few, PS_FEW);
	chunk = kmalloc_array(capacity, sizeof(*chunk), GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return -ENOBUFS;
	ret = ps_pin_chunks(pin, address, chunk, capacity);
	kfree(chunk);
	return ret;
}

/* pages: all zero. -ENOMEM: over RLIMIT_MEMLOCK. Other errors as SHARE has them in abi.h. */
int ps_pages_pin(struct ps_file *file, struct ps_pages *pages, u64 address, unsigned long count)
{
	struct ps_pin pin = { .pages = pages, .total = count };
	int ret;

	pages->runs = pages->few;
	pages->capacity = PS_FEW_RUNS;
	ret = ps_charge(file, pages, count);
	if (ret)
		return ret;
	ret = ps_pin_all(&pin, address);
	if (!ret && pin.extra)
		ret = ps_charge(file, pages, pin.extra);
	if (ret)
		ps_pages_unpin(file, pages, false);
	return ret;
}

static void ps_unpin_run(const struct ps_run *run, bool dirty)
{
	struct page *page = pfn_to_page(run->pfn);

	if (run->count == 1 && !dirty) /* as most are where small shares come and go */
		unpin_user_page(page);
	else
		unpin_user_page_range_dirty_lock(page, run->count, dirty);
}

void ps_pages_unpin(struct ps_file *file, struct ps_pages *pages, bool dirty)
{
	unsigned int i;

	for (i = 0; i < pages->nr_runs; i++) {
		ps_unpin_run(&pages->runs[i], dirty);
		if (i % PS_CHUNK == PS_CHUNK - 1)
			cond_resched();
	}
	if (pages->runs != pages->few)
		kvfree(pages->runs);
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
		return page_address(pfn_to_page(pages->runs[0].pfn));
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
