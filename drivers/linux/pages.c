// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins the pages of a share, and gives them back.
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
#include <linux/slab.h>

#include "internal.h"

#define PS_CHUNK 512UL /* pages pinned, or runs given back, at a time */

/* A pin under way. */
struct ps_pin {
	struct ps_pages *pages;
	unsigned long total;	/* pages to pin */
	struct folio *last;	/* the large folio that was counted last */
	unsigned long extra;	/* pages of large folios that are kept although not lent */
	struct page *next;	/* page that may go on with the last run; NULL: none */
};

static union ps_run ps_run_of(struct page *page, unsigned long count)
{
	if (count == 1)
		return (union ps_run){ .page = page };
	return (union ps_run){ .pfn = page_to_pfn(page), .count = count };
}

/* Whether the pages could be added. That they are next to it in the memory map is not enough. */
static bool ps_run_grow(union ps_run *run, const struct page *page, unsigned long count)
{
	unsigned long pfn = page_to_pfn(ps_run_page(run));
	unsigned int old = ps_run_count(run);

	if (page_to_pfn(page) != pfn + old || old + count > PS_RUN_MAX)
		return false;
	*run = (union ps_run){ .pfn = pfn, .count = old + count };
	return true;
}

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

static void ps_free_runs(struct ps_pages *pages)
{
	if (pages->runs != pages->few)
		kvfree(pages->runs);
}

/* Makes room for as many runs more, which is what that many pages can need. */
static int ps_reserve_runs(struct ps_pages *pages, unsigned long more)
{
	unsigned long needed = pages->nr_runs + more;
	unsigned int capacity;
	union ps_run *runs;
	size_t size;

	if (needed <= pages->capacity)
		return 0;
	capacity = max_t(unsigned long, pages->capacity * 2, needed);
	size = capacity * sizeof(*runs);
	runs = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!runs)
		return -ENOBUFS;
	memcpy(runs, pages->runs, pages->nr_runs * sizeof(*runs));
	ps_free_runs(pages);
	pages->runs = runs;
	pages->capacity = capacity;
	return 0;
}

/* How many of the pages follow each other in the large folio of the first; counts its others. */
static unsigned long ps_count_large(struct ps_pin *pin, struct folio *folio,
				    const union ps_run *chunk, unsigned long count)
{
	unsigned long all = folio_nr_pages(folio);
	unsigned long n = 1;

	count = min(count, all - folio_page_idx(folio, chunk->page));
	while (n < count && chunk[n].page == chunk->page + n)
		n++;
	if (folio != pin->last)
		pin->extra += all;
	pin->extra -= n;
	pin->last = folio;
	return n;
}

/*
 * Makes runs of pinned pages, in place, up to one that cannot be lent: only anonymous memory
 * of the process itself is, as all else has other owners than the lease.
 */
static unsigned long ps_absorb(struct ps_pin *pin, const union ps_run *chunk, unsigned long count)
{
	struct ps_pages *pages = pin->pages;
	union ps_run *run = pages->runs + pages->nr_runs; /* behind the last: where chunk began */
	const union ps_run *at = chunk, *end = chunk + count;
	struct page *next = pin->next;

	while (at < end) {
		struct page *page = at->page;
		struct folio *folio = page_folio(page);
		unsigned long n = 1;

		if (!folio_test_anon(folio))
			break;
		if (!folio_test_large(folio) && page != next) { /* as most are */
			run++->page = page;
			next = page + 1;
			at++;
			continue;
		}
		if (folio_test_large(folio)) {
			if (folio_test_hugetlb(folio))
				break;
			n = ps_count_large(pin, folio, at, end - at);
		}
		if (page != next || !ps_run_grow(run - 1, page, n))
			*run++ = ps_run_of(page, n);
		next = page + n;
		at += n;
	}
	pages->nr_runs = run - pages->runs;
	pages->count += at - chunk;
	pin->next = next;
	return at - chunk;
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

/* Pages are pinned into the room for their runs. */
static int ps_pin_chunk(struct ps_pin *pin, u64 address)
{
	struct ps_pages *pages = pin->pages;
	unsigned long at = address + (pages->count << PAGE_SHIFT);
	unsigned long taken, wanted = min(pin->total - pages->count, PS_CHUNK);
	union ps_run *chunk;
	int pinned;

	if (ps_reserve_runs(pages, wanted))
		return -ENOBUFS;
	chunk = pages->runs + pages->nr_runs;
	pinned = pin_user_pages_fast(at, wanted, FOLL_WRITE | FOLL_LONGTERM, &chunk->page);
	if (pinned <= 0)
		return ps_pin_error(pinned, at);
	taken = ps_absorb(pin, chunk, pinned);
	if (taken == pinned)
		return 0;
	unpin_user_pages(&chunk[taken].page, pinned - taken);
	return -EOPNOTSUPP;
}

static int ps_pin_all(struct ps_pin *pin, u64 address)
{
	for (;;) {
		int ret = ps_pin_chunk(pin, address);

		if (ret || pin->pages->count == pin->total)
			return ret;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

/* pages: zero up to few. -ENOMEM: over RLIMIT_MEMLOCK. Other errors as SHARE has them in abi.h. */
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

static void ps_unpin_run(const union ps_run *run, bool dirty)
{
	if (likely(run->single && !dirty)) /* as most are where small shares come and go */
		unpin_user_page(run->page);
	else
		unpin_user_page_range_dirty_lock(ps_run_page(run), ps_run_count(run), dirty);
}

void ps_pages_unpin(struct ps_file *file, struct ps_pages *pages, bool dirty)
{
	const union ps_run *run = pages->runs, *end = run + pages->nr_runs;

	while (run < end) {
		const union ps_run *pause = min(run + PS_CHUNK, end);

		for (; run < pause; run++)
			ps_unpin_run(run, dirty);
		if (run < end)
			cond_resched();
	}
	ps_free_runs(pages);
	ps_uncharge(file, pages);
}
