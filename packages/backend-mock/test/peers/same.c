// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Plays a short piece on the peers capture and loopback as the drivers have them, and writes the memory and the count of
 * bytes written to the standard output: same.test.ts plays it on those of the mock.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../../../drivers/common/peer.h"

#define PAGE 4096u

static struct pendshare_peer_state state;
static struct pendshare_frames frames;
static struct pendshare_frames_owner owner;

static void begin(const struct pendshare_peer_logic *logic, const void *options, __u32 size,
		  __u32 count)
{
	__u64 length = pendshare_frames_data(count, PAGE) + (__u64)count * PAGE;

	memset(&state, 0, sizeof(state));
	state.length = length;
	state.frame_bytes = PAGE;
	state.memory = aligned_alloc(PAGE, length);
	state.frames = &frames;
	if (!state.memory || !logic->init(&state, options, size))
		exit(1);
	memset(state.memory, 0, length);
	pendshare_frames_format(&frames, state.memory, count, PAGE, PAGE,
				logic->frames == PENDSHARE_FRAMES_PLAYBACK);
	logic->start(&state);
	if (pendshare_frames_owner_init(&owner, state.memory, length) != PENDSHARE_FRAMES_OK)
		exit(1);
}

static void end(void)
{
	fwrite(state.memory, 1, state.length, stdout);
	fwrite(&state.written, 1, sizeof(state.written), stdout);
	free(state.memory);
}

static __u32 take(void)
{
	struct pendshare_frame frame;

	if (pendshare_frames_owner_take(&owner, &frame) != PENDSHARE_FRAMES_OK)
		exit(1);
	return frame.slot;
}

static void give(__u32 slot, __u32 bytes, __u32 flags, __u64 timestamp_ns)
{
	struct pendshare_frame frame = {slot, bytes, 0, timestamp_ns, flags, 0};

	if (pendshare_frames_owner_give(&owner, &frame) != PENDSHARE_FRAMES_OK)
		exit(1);
	(void)pendshare_frames_owner_wakes(&owner);
}

static void capture(void)
{
	struct pendshare_capture_options options = {1000000, 1000, 0, 514};
	__u64 tick;

	begin(&pendshare_peer_capture, &options, sizeof(options), 3);
	for (tick = 1; tick <= 5; tick++)
		(void)pendshare_peer_capture.step(&state, tick * 1000000, 1);
	(void)take();
	give(take(), 0, PENDSHARE_FRAME_EMPTY, 0);
	give(0, 0, PENDSHARE_FRAME_EMPTY, 0);
	(void)pendshare_peer_capture.step(&state, 6000000, 1);
	(void)pendshare_peer_capture.step(&state, 10000000, 4);
	(void)pendshare_peer_capture.step(&state, 11000000, 1);
	end();
}

static void loopback(void)
{
	__u32 slot;

	begin(&pendshare_peer_loopback, NULL, 0, 4);
	for (slot = 0; slot < 4; slot++)
		(void)take();
	for (slot = 0; slot < 3; slot++) {
		memset(pendshare_frames_owner_memory(&owner, slot), (int)(slot * 3), 11 + slot);
		if (slot == 1)
			give(slot, 0, PENDSHARE_FRAME_EMPTY, 0);
		else
			give(slot, 11 + slot, 0xabcd0002u, 99);
	}
	(void)pendshare_peer_loopback.step(&state, 7000000, 0);
	end();
}

int main(void)
{
	capture();
	loopback();
	return 0;
}
