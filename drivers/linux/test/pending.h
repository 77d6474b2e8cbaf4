/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A PEND in a thread of its own, and shares that have something to tell. */
#ifndef PENDING_H
#define PENDING_H

#include "driver.h"

struct pending {
	int fd;
	__u64 id;
	int result;
	struct pendshare_event events[64];
};

static inline void *pend_once(void *context)
{
	struct pending *pending = context;

	pending->result = pend(pending->fd, pending->id, pending->events, 64);
	return NULL;
}

static inline struct pendshare_fill_options rounds(__u64 count, __u64 period_ns)
{
	return (struct pendshare_fill_options){ .rounds = count, .period_ns = period_ns };
}

/* A share whose END and rings are queued: it was filled so many times. */
static inline void share_and_end(int fd, __u64 id, void *memory, __u64 count)
{
	struct pendshare_fill_options options = rounds(count, count > 1 ? 100000 : 0);
	struct pendshare_info now;

	CHECK_IS(SHARE_WITH(fd, id, memory, PAGE, "fill", options), 0);
	do
		now = info(fd);
	while (now.shares);
}

#endif
