// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The peer `loopback` inverts each byte of a frame that the owner has submitted, where it lies,
 * and gives it back: a device that plays and captures. What comes EMPTY goes back as it is.
 */
#include "../peer.h"

static int loopback_init(struct pendshare_peer_state *state, const void *options, __u32 size)
{
	(void)state;
	(void)options;
	return size == 0u;
}

static __u32 loopback_drive(const struct pendshare_peer_state *state)
{
	(void)state;
	return PENDSHARE_DRIVE_START | PENDSHARE_DRIVE_NOTIFY | PENDSHARE_DRIVE_LONG;
}

/* The first step asks to be notified, and sees what an owner has given before. */
static void loopback_start(struct pendshare_peer_state *state)
{
	state->written = state->frames->data;
}

/* BUSY: there is a frame to invert, or another to look at. */
static __u32 loopback_begin(struct pendshare_peer_state *state)
{
	switch (pendshare_frames_take(state->frames, &state->frame)) {
	case PENDSHARE_FRAMES_OK:
		break;
	case PENDSHARE_FRAMES_NONE:
		return pendshare_frames_sleep(state->frames) ? 0u : PENDSHARE_STEP_BUSY;
	default:
		return PENDSHARE_STEP_FAIL;
	}
	if (state->frame.flags & PENDSHARE_FRAME_EMPTY) {
		(void)pendshare_frames_give_back(state->frames, state->frame.slot);
	} else {
		state->busy = 1u;
		state->offset = 0u;
	}
	return PENDSHARE_STEP_BUSY;
}

/* Inverts on, at most *budget bytes, a word at a time where it can. */
static void loopback_invert(struct pendshare_peer_state *state, __u64 *budget)
{
	__u8 *slot = pendshare_frames_memory(state->frames, state->frame.slot);
	__u64 rest = state->frame.bytes - state->offset;
	__u64 stop = state->offset + (rest < *budget ? rest : *budget);
	__u64 at = state->offset;

	for (; at + sizeof(__u64) <= stop; at += sizeof(__u64))
		*(__u64 *)(slot + at) = ~*(__u64 *)(slot + at);
	for (; at < stop; at++)
		slot[at] = (__u8)~slot[at];
	*budget -= stop - state->offset;
	state->offset = stop;
}

static void loopback_finish(struct pendshare_peer_state *state, __u64 now_ns)
{
	__u64 reached = pendshare_frames_offset(state->frames, state->frame.slot);

	state->frame.timestamp_ns = now_ns;
	state->frame.flags &= PENDSHARE_FRAME_OWN_FLAGS;
	(void)pendshare_frames_give(state->frames, &state->frame);
	state->busy = 0u;
	reached += state->frame.bytes;
	if (state->written < reached)
		state->written = reached;
}

static __u32 loopback_step(struct pendshare_peer_state *state, __u64 now_ns, __u64 ticks)
{
	__u64 budget = PENDSHARE_STEP_BYTES;
	__u32 turns = state->frames->count;
	__u32 given = state->frames->given;
	__u32 result = PENDSHARE_STEP_BUSY;

	(void)ticks;
	/* No more turns than slots, whatever the owner gives meanwhile. */
	while (result == PENDSHARE_STEP_BUSY && budget && turns--) {
		if (!state->busy)
			result = loopback_begin(state);
		if (!state->busy)
			continue;
		loopback_invert(state, &budget);
		if (state->offset < state->frame.bytes)
			break;
		loopback_finish(state, now_ns);
	}
	if (result & PENDSHARE_STEP_FAIL)
		return result;
	if (state->frames->given != given && pendshare_frames_publish(state->frames))
		result |= PENDSHARE_STEP_RING;
	return result;
}

const struct pendshare_peer_logic pendshare_peer_loopback = {
	.name = "loopback",
	.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	.frames = PENDSHARE_FRAMES_PLAYBACK,
	.failure = PENDSHARE_FAILURE_FRAMES,
	.init = loopback_init,
	.drive = loopback_drive,
	.start = loopback_start,
	.step = loopback_step,
};
