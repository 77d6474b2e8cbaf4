// SPDX-License-Identifier: GPL-2.0-only
/* Frames of a share: frames.h over the mapped pages, with its private side in our own memory. */
#include <linux/slab.h>

#include "internal.h"

/* Not yet laid out, but how many and how long: shares without frames pay a pointer for it. */
int ps_frames_alloc(struct ps_share *share, const struct pendshare_share *args)
{
	if (!args->frame_count)
		return 0;
	share->frames = kzalloc(sizeof(*share->frames), GFP_KERNEL_ACCOUNT);
	if (!share->frames)
		return -ENOBUFS;
	share->frames->count = args->frame_count;
	share->frames->bytes = args->frame_bytes;
	return 0;
}

struct pendshare_frames *pendshare_share_frames(struct ps_share *share, bool playback)
{
	struct pendshare_frames *frames = share->frames;
	void *memory;

	if (!frames || frames->shared)
		return ERR_PTR(-EINVAL);
	memory = pendshare_share_map(share);
	if (!memory)
		return ERR_PTR(-ENOBUFS);
	pendshare_frames_format(frames, memory, frames->count, frames->bytes, PAGE_SIZE, playback);
	return frames;
}
EXPORT_SYMBOL_GPL(pendshare_share_frames);

/* The peer goes on meanwhile: each count is one that was true, if not all at one time. */
void ps_frames_show(const struct pendshare_frames *frames, struct seq_file *m)
{
	u32 taken = READ_ONCE(frames->taken);
	u32 has = READ_ONCE(frames->has);
	u32 kernels = min(READ_ONCE(frames->seen) - taken + has, frames->count);

	seq_printf(m, "frames %u user %u overruns %u ", frames->count, frames->count - kernels,
		   READ_ONCE(frames->overruns));
}
