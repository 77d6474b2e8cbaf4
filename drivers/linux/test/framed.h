/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Shares of frames, with the slots' data from the page after the control area. */
#ifndef FRAMED_H
#define FRAMED_H

#include <pendshare/frames.h>

#include "driver.h"

static inline __u64 length_of(__u32 count, __u32 bytes)
{
	return pendshare_frames_data(count, PAGE) + (__u64)count * bytes;
}

static inline struct pendshare_share ask(__u64 id, const void *memory, const char *peer,
					 __u32 count, __u32 bytes)
{
	struct pendshare_share args = lend(id, memory, length_of(count, bytes), peer);

	args.frame_count = count;
	args.frame_bytes = bytes;
	return args;
}

#endif
