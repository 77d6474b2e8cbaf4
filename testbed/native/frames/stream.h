/* SPDX-License-Identifier: MIT */
/*
 * The frames that the tests send: length, flags and content of frame n follow from a seed and n
 * alone. stream.ts says the same in TypeScript.
 */
#ifndef PENDSHARE_FRAMES_STREAM_H
#define PENDSHARE_FRAMES_STREAM_H

#include <stdlib.h>
#include "../shared/stream.h"
#include "../../../drivers/include/pendshare/frames.h"

/* What the frames are laid out as. Positions start at start, whole queues, to see them wrap soon.
 */
struct shape {
	__u32 count;
	__u32 bytes;
	__u32 page;
	int playback;
	__u32 start;
};

static inline size_t shape_length(const struct shape *shape)
{
	return pendshare_frames_data(shape->count, shape->page) +
	       (size_t)shape->count * shape->bytes;
}

/* Exactly as much as the frames need, so that the sanitizer sees a byte too far. */
static inline __u8 *shape_memory(const struct shape *shape)
{
	void *memory;

	if (posix_memalign(&memory, 4096, shape_length(shape)))
		abort();
	memset(memory, 0, shape_length(shape));
	return memory;
}

static inline void shape_format(const struct shape *shape, struct pendshare_frames *frames,
				__u8 *memory)
{
	struct pendshare_frames_shared *shared = (struct pendshare_frames_shared *)memory;

	pendshare_frames_format(frames, memory, shape->count, shape->bytes, shape->page,
				shape->playback);
	frames->given += shape->start;
	frames->seen += shape->start;
	frames->taken += shape->start;
	pendshare_store_relaxed(&shared->taken, shape->start);
	pendshare_store_relaxed(&shared->to_kernel, shared->to_kernel + shape->start);
	pendshare_store_release(&shared->to_user, frames->given);
}

static inline __u32 frame_mix(__u32 seed, __u32 n)
{
	return stream_mix(seed ^ n * 0x9e3779b1u);
}

/* Frame n, in the slot where it is to lie. */
static inline struct pendshare_frame frame_of(__u32 seed, __u32 n, __u32 slot, __u32 bytes)
{
	struct pendshare_frame frame = {.slot = slot};

	frame.bytes = frame_mix(seed, n) % (bytes + 1u);
	frame.flags = frame_mix(seed, n) & PENDSHARE_FRAME_OWN_FLAGS;
	frame.timestamp_ns = n + 1u;
	return frame;
}

/* Whether that is frame n: all that is said of it, and its content. */
static inline int frame_is(const struct pendshare_frame *frame, __u32 seed, __u32 n,
			   const __u8 *memory, __u32 bytes)
{
	struct pendshare_frame expected = frame_of(seed, n, frame->slot, bytes);

	return frame->bytes == expected.bytes && frame->flags == expected.flags &&
	       frame->timestamp_ns == expected.timestamp_ns &&
	       stream_holds(seed, n, memory, frame->bytes);
}

#endif
