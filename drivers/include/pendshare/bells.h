/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The bells of an open file: one page that the driver and the owner both see, so that a ring reaches
 * the owner without a request. Linux; the same source serves the kernel and user space, as C11 and C++17.
 *
 * Layout, offsets in bytes from the start of the page:
 *
 *     0  put: places queued so far				written by the driver
 *    64  taken: places taken so far				written by the owner
 *   128  the queue of places, 256 * 4 bytes			written by the driver
 *  1152  rings of each place, 256 * 4 bytes			written by the driver
 *
 * A share that is lent with PENDSHARE_SHARE_BELL has a place, which its owner chose. At a ring the
 * driver counts in the place, and queues the place unless it lies in the queue already; poll() says
 * POLLPRI while any lies there. All counts run freely, modulo 2^32: what a place has rung since its
 * owner last looked is a difference, also where another share had the place before.
 *
 * A place lies in the queue once at most, so 256 entries are room for all, and nothing overflows.
 *
 * No ring is lost: the driver counts, then a full barrier, then reads taken; the owner writes taken,
 * then a full barrier, then reads the count. So where the driver finds its place still in the queue, the
 * owner's look at the count comes later and sees this ring. For nothing an owner may look: where a
 * ring came between its two steps, the place is queued again and its count is found unchanged. Nor is a
 * wake-up lost: poll() reads taken after it has been put on the list of those to be woken.
 *
 * What the peer wrote before a ring is seen by who sees its count: store-release and load-acquire.
 *
 * What the owner writes is taken alone. The driver reads it once a ring and once a poll(), and
 * decides by it whether to queue a place and whether poll() says that there is one: a wrong one costs the
 * owner rings or wake-ups for nothing, and no one else anything. The rest of the page the driver only
 * writes, from memory of its own.
 */
#ifndef PENDSHARE_BELLS_H
#define PENDSHARE_BELLS_H

#include "atomic.h"

/* The page. */
struct pendshare_bells {
	__u32 put;
	__u32 reserved0[15];
	__u32 taken;
	__u32 reserved1[15];
	__u32 queue[PENDSHARE_BELLS];
	__u32 rings[PENDSHARE_BELLS];
};

/* The driver's side, under one lock of its own. Zeroed, but for shared. */
struct pendshare_bells_driver {
	struct pendshare_bells *shared;
	__u64 put;
	__u64 queued[PENDSHARE_BELLS]; /* put after the place was last queued; 0: never */
	__u32 rings[PENDSHARE_BELLS];
};

/* Where there are more behind it than the queue holds, the owner has taken it, whatever taken says by now. */
static inline int pendshare_bells_lies(const struct pendshare_bells_driver *bells, __u32 place)
{
	__u64 queued = bells->queued[place];
	__u32 taken = pendshare_load_relaxed(&bells->shared->taken);

	return queued && bells->put - queued < PENDSHARE_BELLS &&
	       (__u32)queued - taken - 1u < 0x80000000u;
}

/* Counts rings of a place below PENDSHARE_BELLS. 1: it was queued now, wake the owner. */
static inline int pendshare_bells_ring(struct pendshare_bells_driver *bells, __u32 place, __u32 count)
{
	struct pendshare_bells *shared = bells->shared;

	bells->rings[place] += count;
	pendshare_store_release(&shared->rings[place], bells->rings[place]);
	pendshare_barrier();
	if (pendshare_bells_lies(bells, place))
		return 0;
	pendshare_store_relaxed(&shared->queue[bells->put % PENDSHARE_BELLS], place);
	bells->queued[place] = ++bells->put;
	pendshare_store_release(&shared->put, (__u32)bells->put);
	return 1;
}

/* Whether a place lies in the queue. */
static inline int pendshare_bells_any(const struct pendshare_bells_driver *bells)
{
	return pendshare_load_relaxed(&bells->shared->taken) != (__u32)bells->put;
}

/* The owner's side, on one thread at a time. Zeroed, but for shared. */
struct pendshare_bells_owner {
	struct pendshare_bells *shared;
	__u32 taken;
	__u32 told[PENDSHARE_BELLS];
};

/* How many places are to be taken now, at most PENDSHARE_BELLS. */
static inline __u32 pendshare_bells_waiting(const struct pendshare_bells_owner *bells)
{
	__u32 waiting = pendshare_load_acquire(&bells->shared->put) - bells->taken;

	return waiting < PENDSHARE_BELLS ? waiting : PENDSHARE_BELLS;
}

/* Takes the next place, which there is. Returns its rings since it was last taken, which may be 0. */
static inline __u32 pendshare_bells_take(struct pendshare_bells_owner *bells, __u32 *place)
{
	struct pendshare_bells *shared = bells->shared;
	__u32 rings, before;

	*place = pendshare_load_relaxed(&shared->queue[bells->taken % PENDSHARE_BELLS]) %
		 PENDSHARE_BELLS;
	pendshare_store_relaxed(&shared->taken, ++bells->taken);
	pendshare_barrier();
	rings = pendshare_load_acquire(&shared->rings[*place]);
	before = bells->told[*place];
	bells->told[*place] = rings;
	return rings - before;
}

#endif
