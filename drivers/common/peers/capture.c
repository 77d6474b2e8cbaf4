// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The peer `capture` fills frames with numbered words and their sum: a device that captures. With
 * a period it loses what finds no slot, as a device does; without, it waits until it is notified of
 * one.
 */
#include "../peer.h"

#define CAPTURE_HEAD_BYTES 16u
#define CAPTURE_FACTOR 0x9e3779b1u

static int capture_init(struct pendshare_peer_state *state, const void *options, __u32 size)
{
	struct pendshare_capture_options *capture = &state->options.capture;

	if (!pendshare_peer_options(capture, sizeof(*capture), options, size))
		return 0;
	if (!capture->bytes)
		capture->bytes = state->frame_bytes;
	if (!capture->written || capture->written > capture->bytes)
		capture->written = capture->bytes;
	if (capture->period_ns && (capture->period_ns < PENDSHARE_MIN_PERIOD_NS ||
				   capture->period_ns > PENDSHARE_MAX_PERIOD_NS))
		return 0;
	state->period_ns = capture->period_ns;
	return capture->bytes >= CAPTURE_HEAD_BYTES && capture->bytes <= state->frame_bytes &&
	       !(capture->bytes & 3u) && capture->written >= CAPTURE_HEAD_BYTES;
}

static __u32 capture_drive(const struct pendshare_peer_state *state)
{
	return PENDSHARE_DRIVE_LONG |
	       (state->period_ns ? PENDSHARE_DRIVE_TIMER
				 : PENDSHARE_DRIVE_START | PENDSHARE_DRIVE_NOTIFY);
}

static void capture_start(struct pendshare_peer_state *state)
{
	state->written = state->frames->data;
}

/* Takes a slot for the next frame. BUSY: there was one. */
static __u32 capture_begin(struct pendshare_peer_state *state)
{
	switch (pendshare_frames_take(state->frames, &state->frame)) {
	case PENDSHARE_FRAMES_OK:
		break;
	case PENDSHARE_FRAMES_NONE:
		if (!state->period_ns)
			return pendshare_frames_sleep(state->frames) ? 0u : PENDSHARE_STEP_BUSY;
		pendshare_frames_overrun(state->frames);
		return 0u;
	default:
		return PENDSHARE_STEP_FAIL;
	}
	state->busy = 1u;
	state->offset = CAPTURE_HEAD_BYTES;
	state->sum = 0u;
	return PENDSHARE_STEP_BUSY;
}

/* Fills on, at most a step's bytes. BUSY: there is more. */
static __u32 capture_fill(struct pendshare_peer_state *state)
{
	const __u32 sequence = (__u32)state->frames->sequence;
	__u32 *words = (__u32 *)pendshare_frames_memory(state->frames, state->frame.slot);
	__u32 end = (__u32)(state->options.capture.written / 4u);
	__u32 at = (__u32)(state->offset / 4u);
	__u32 stop = end - at < PENDSHARE_STEP_BYTES / 4u ? end : at + PENDSHARE_STEP_BYTES / 4u;
	__u32 sum = state->sum;

	for (; at < stop; at++) {
		words[at] = (sequence + at) * CAPTURE_FACTOR;
		sum += words[at];
	}
	state->sum = sum;
	state->offset = (__u64)at * 4u;
	return at < end ? PENDSHARE_STEP_BUSY : 0u;
}

static void capture_finish(struct pendshare_peer_state *state, __u64 now_ns)
{
	struct pendshare_frames *frames = state->frames;
	__u32 *words = (__u32 *)pendshare_frames_memory(frames, state->frame.slot);
	__u64 reached = pendshare_frames_offset(frames, state->frame.slot);

	words[0] = (__u32)frames->sequence;
	words[1] = (__u32)(frames->sequence >> 32);
	words[3] = (__u32)state->options.capture.bytes;
	words[2] = state->sum + words[0] + words[1] + words[3];
	state->frame.bytes = words[3];
	state->frame.timestamp_ns = now_ns;
	state->frame.flags = 0u;
	(void)pendshare_frames_give(frames, &state->frame);
	state->busy = 0u;
	reached += state->options.capture.bytes;
	if (state->written < reached)
		state->written = reached;
}

/* END once there were as many frames as were asked for, overruns and missed ones included. */
static __u32 capture_end(const struct pendshare_peer_state *state)
{
	__u64 count = state->options.capture.count;

	return count && state->frames->sequence >= count ? PENDSHARE_STEP_END : 0u;
}

static __u32 capture_step(struct pendshare_peer_state *state, __u64 now_ns, __u64 ticks)
{
	/* One tick is for a frame; those told with it, or while one is unfinished, get none. */
	__u64 served = state->busy ? 0u : 1u;
	__u32 result;

	if (state->period_ns && !ticks && !state->busy)
		return 0u; /* notified, for nothing */
	if (ticks > served) {
		state->missed += ticks - served;
		state->late += ticks - served;
	}
	if (!state->busy) {
		/* An unfinished frame has its number already. */
		if (state->late)
			pendshare_frames_miss(state->frames, state->late);
		state->late = 0u;
		result = capture_begin(state);
		if (!state->busy)
			return result | capture_end(state);
	}
	if (capture_fill(state))
		return PENDSHARE_STEP_BUSY;
	capture_finish(state, now_ns);
	result = state->period_ns ? 0u : PENDSHARE_STEP_BUSY;
	if (pendshare_frames_publish(state->frames))
		result |= PENDSHARE_STEP_RING;
	if (capture_end(state))
		result = (result & ~PENDSHARE_STEP_BUSY) | PENDSHARE_STEP_END;
	return result;
}

const struct pendshare_peer_logic pendshare_peer_capture = {
	.name = "capture",
	.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	.frames = PENDSHARE_FRAMES_CAPTURE,
	.failure = PENDSHARE_FAILURE_FRAMES,
	.init = capture_init,
	.drive = capture_drive,
	.start = capture_start,
	.step = capture_step,
};
