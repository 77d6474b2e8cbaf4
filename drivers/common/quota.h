/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a user may have, counted the same in every driver. At no moment does a count exceed its
 * limit, so a charge is refused only if it did not fit then, and the sum cannot wrap.
 *
 * Rejected: to add first and take back what was too much. Meanwhile the count is too high for
 * others, who are refused though they fit, and enough of them at once wrap it. Where nobody
 * interferes a compare-and-swap costs what an atomic add does.
 */
#ifndef PENDSHARE_QUOTA_H
#define PENDSHARE_QUOTA_H

#include "../include/pendshare/atomic.h"

#define PENDSHARE_RATE_PER_USER 100000u /* timer ticks a second, of all shares */

struct pendshare_quota {
	__u32 used;
};

/* May be old by the time it is looked at. */
static inline __u32 pendshare_quota_used(const struct pendshare_quota *quota)
{
	return pendshare_load_relaxed(&quota->used);
}

/* Takes amount and returns 1, or returns 0 and takes nothing. In any context. */
static inline int pendshare_quota_charge(struct pendshare_quota *quota, __u32 amount, __u32 limit)
{
	__u32 used;

	do {
		used = pendshare_load_relaxed(&quota->used);
		if (amount > limit || used > limit - amount)
			return 0;
	} while (pendshare_cas(&quota->used, used, used + amount) != used);
	return 1;
}

/* Gives back what was taken. In any context. */
static inline void pendshare_quota_refund(struct pendshare_quota *quota, __u32 amount)
{
	__u32 used;

	do
		used = pendshare_load_relaxed(&quota->used);
	while (pendshare_cas(&quota->used, used, used - amount) != used);
}

/* Ticks a second, rounded up, so that no timer is free. */
static inline __u32 pendshare_rate(__u64 period_ns)
{
	return (__u32)(999999999u / period_ns + 1u);
}

/* period_ns 0, here and for the refund: no timer. */
static inline int pendshare_quota_charge_rate(struct pendshare_quota *rate, __u64 period_ns)
{
	return !period_ns ||
	       pendshare_quota_charge(rate, pendshare_rate(period_ns), PENDSHARE_RATE_PER_USER);
}

static inline void pendshare_quota_refund_rate(struct pendshare_quota *rate, __u64 period_ns)
{
	if (period_ns)
		pendshare_quota_refund(rate, pendshare_rate(period_ns));
}

#endif
