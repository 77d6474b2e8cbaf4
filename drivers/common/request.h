/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a request may say, where it is the same on every system. Callers pass a copy in kernel
 * memory: what was checked must not change before it is used.
 */
#ifndef PENDSHARE_REQUEST_H
#define PENDSHARE_REQUEST_H

#include "../include/pendshare/frames.h"
#include "names.h"

#define PENDSHARE_MAX_DEADLINE_NS 0x7fffffffffffffffull
#define PENDSHARE_MAX_GRACE_MS 3600000u

/*
 * Nothing follows the options; by words, as there are mostly none. Where they lie elsewhere, none are
 * here.
 */
static inline int pendshare_request_options(const struct pendshare_share *share)
{
	__u32 at = share->options_size;
	__u64 any = 0;
	__u64 word;

	if (share->more && (at <= PENDSHARE_OPTIONS_SIZE || at > PENDSHARE_OPTIONS_MAX))
		return 0;
	if (share->more)
		at = 0;
	if (at > PENDSHARE_OPTIONS_SIZE || (share->options_size && !share->peer[0]))
		return 0;
	for (; at % sizeof(word); at++)
		any |= share->options[at];
	for (; at < PENDSHARE_OPTIONS_SIZE; at += sizeof(word)) {
		memcpy(&word, share->options + at, sizeof(word));
		any |= word;
	}
	return !any;
}

/* Whether the slots that it asks for fit the memory, whose length is known by now. */
static inline int pendshare_request_frames(const struct pendshare_share *share, __u64 length,
					   __u32 page)
{
	const __u32 access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE;

	if (!share->frame_count)
		return !share->frame_bytes;
	return share->access == access && share->peer[0] &&
	       pendshare_frames_fit(share->frame_count, share->frame_bytes, page, length);
}

/*
 * Whether a SHARE is in order but for its memory, which each system names and bounds in its own
 * way, and but for what only its peer knows.
 */
static inline int pendshare_request_share(const struct pendshare_share *share)
{
	const __u32 access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE;

	const __u32 flags = PENDSHARE_SHARE_EVENT | PENDSHARE_SHARE_BELL;

	return share->id && !(share->flags & ~flags) &&
	       (!share->event || (share->flags & PENDSHARE_SHARE_EVENT)) &&
	       share->access && !(share->access & ~access) &&
	       (!share->bell || (share->flags & PENDSHARE_SHARE_BELL)) &&
	       share->bell < PENDSHARE_BELLS && share->deadline_ns <= PENDSHARE_MAX_DEADLINE_NS &&
	       !share->reply == !share->reply_size && share->reply_size <= PENDSHARE_REPLY_MAX &&
	       (!share->reply || share->peer[0]) &&
	       pendshare_name_length(share->peer) < PENDSHARE_NAME_SIZE &&
	       pendshare_name_length(share->label) < PENDSHARE_NAME_SIZE &&
	       pendshare_request_options(share);
}

#endif
