/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * When a share ends by itself, the same in every driver: at the earliest of the times that were
 * set, for the reason that came with it; a later one changes nothing. What wakes the driver then
 * is its own. Times are of its monotonic clock, in ns and never 0. Set under the driver's lock;
 * the reason may be read by a timer that is under way.
 */
#ifndef PENDSHARE_DUE_H
#define PENDSHARE_DUE_H

#include "../include/pendshare/atomic.h"

struct pendshare_due {
	__u64 at_ns; /* 0: never */
	__u32 reason;
};

/* The time after so long, or the last that there is. */
static inline __u64 pendshare_due_after(__u64 now_ns, __u64 delay_ns, __u64 last_ns)
{
	return now_ns >= last_ns || delay_ns > last_ns - now_ns ? last_ns : now_ns + delay_ns;
}

/* 1: it is the earliest now, and the driver has to wake at it. */
static inline int pendshare_due_by(struct pendshare_due *due, __u64 at_ns, __u32 reason)
{
	if (due->at_ns && due->at_ns <= at_ns)
		return 0;
	due->at_ns = at_ns;
	pendshare_store_relaxed(&due->reason, reason);
	return 1;
}

static inline __u32 pendshare_due_reason(const struct pendshare_due *due)
{
	return pendshare_load_relaxed(&due->reason);
}

#endif
