/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the built-in peers do, without how an operating system drives them: a
 * peer is a state and a step. The driver owns timers, threads and locks; it calls
 * init, drive, start and step from one context at a time, and none of them after the
 * share's detach has returned.
 */
#ifndef PENDSHARE_PEER_H
#define PENDSHARE_PEER_H

#if defined(__KERNEL__)
#include <linux/string.h>
#else
#include <string.h>
#endif

#include "../include/pendshare/frames.h"
#include "../include/pendshare/ring.h"

/* What makes a peer step; drive() says it once, after init. */
#define PENDSHARE_DRIVE_START 1u  /* once, as soon as memory is mapped */
#define PENDSHARE_DRIVE_NOTIFY 2u /* a NOTIFY of the owner */
#define PENDSHARE_DRIVE_TIMER 4u  /* every period_ns */
#define PENDSHARE_DRIVE_THREAD 8u /* a thread of low priority, again and again */
/*
 * Without it a step is short and may run in the timer's interrupt; with it a step takes as
 * long as writing PENDSHARE_STEP_BYTES does and wants a context that can be preempted.
 */
#define PENDSHARE_DRIVE_LONG 16u

/* What a step says to the driver. */
#define PENDSHARE_STEP_RING 1u /* ring the doorbell */
#define PENDSHARE_STEP_BUSY 2u /* there is more to do right away: step again */
#define PENDSHARE_STEP_END 4u  /* end the share as PEER_ENDED */
#define PENDSHARE_STEP_FAIL 8u /* end the share as FAILED, for the logic's failure */

/* A step writes about this many bytes at most, then says BUSY. */
#define PENDSHARE_STEP_BYTES 0x100000u
#define PENDSHARE_MAX_PERIOD_NS 3600000000000ull

/* Whether a peer speaks frames, and who has the slots at first. */
#define PENDSHARE_FRAMES_NO 0u
#define PENDSHARE_FRAMES_CAPTURE 1u  /* the kernel */
#define PENDSHARE_FRAMES_PLAYBACK 2u /* the owner */

struct pendshare_peer_state {
	__u64 length; /* of the share; set by the driver before init */
	__u8 *memory; /* the whole share, mapped; set by the driver before start */
	struct pendshare_frames *frames; /* laid out; set by the driver before start */
	__u32 frame_bytes;		 /* of a slot; set by the driver before init */
	__u64 written;	 /* value of the END: bytes written from the start of the share */
	__u64 period_ns; /* set by init; 0: no timer */
	__u64 round;	 /* fills, ticks or records so far */
	__u64 offset;	 /* fill, capture, loopback: where an unfinished round or frame goes on */
	__u64 missed;	 /* ticks that came too late for a record or fill of their own */
	__u64 late;	 /* capture: those of them that the sequence does not count yet */
	struct pendshare_ring_producer out;
	struct pendshare_ring_consumer in;
	struct pendshare_frame frame; /* the unfinished one */
	__u32 busy;		      /* whether there is one */
	__u32 sum;
	union {
		struct pendshare_fill_options fill;
		struct pendshare_clock_options clock;
		struct pendshare_blast_options blast;
		struct pendshare_capture_options capture;
	} options;
};

struct pendshare_peer_logic {
	const char *name;
	__u32 access; /* PENDSHARE_ACCESS_* that it needs */
	__u32 frames; /* PENDSHARE_FRAMES_*: whether it speaks frames, and in whose hands they start */
	__u32 failure; /* enum pendshare_failure of its FAIL */
	/*
	 * Checks and copies the options (size bytes in kernel memory, size 0: all defaults) and the
	 * length of the share. Returns 1, or 0 for EINVAL / INVALID_PARAMETER. The state was zeroed.
	 */
	int (*init)(struct pendshare_peer_state *state, const void *options, __u32 size);
	__u32 (*drive)(const struct pendshare_peer_state *state); /* PENDSHARE_DRIVE_* */
	void (*start)(struct pendshare_peer_state *state);
	/*
	 * now_ns is monotonic. ticks: periods since the last step by the timer, 1 unless
	 * some were missed; 0 when it was not the timer. Returns PENDSHARE_STEP_*.
	 */
	__u32 (*step)(struct pendshare_peer_state *state, __u64 now_ns, __u64 ticks);
};

extern const struct pendshare_peer_logic pendshare_peer_fill;
extern const struct pendshare_peer_logic pendshare_peer_echo;
extern const struct pendshare_peer_logic pendshare_peer_clock;
extern const struct pendshare_peer_logic pendshare_peer_blast;
extern const struct pendshare_peer_logic pendshare_peer_capture;
extern const struct pendshare_peer_logic pendshare_peer_loopback;

/* Copies the options into a structure that was zeroed; 1, or 0 when they are longer. */
static inline int pendshare_peer_options(void *to, __u32 capacity, const void *options, __u32 size)
{
	if (size > capacity)
		return 0;
	memcpy(to, options, size);
	return 1;
}

/* Whether a ring over all of length bytes takes payloads of that size. */
static inline int pendshare_peer_fits(__u64 length, __u64 payload)
{
	__u32 capacity = pendshare_ring_capacity(length);

	return capacity && payload <= pendshare_ring_max_payload(capacity);
}

/* Lays the ring out over all of the share, for samples in runs or for records alone. */
static inline void pendshare_peer_start_ring(struct pendshare_peer_state *state, int runs)
{
	__u32 capacity = pendshare_ring_capacity(state->length);

	pendshare_ring_format(state->memory, capacity);
	pendshare_ring_producer_init(&state->out, state->memory, capacity);
	if (runs)
		pendshare_ring_allow_runs(&state->out);
}

/* What END says of a ring that was written up to its producer's position. */
static inline __u64 pendshare_peer_ring_written(const struct pendshare_ring_producer *ring,
						__u64 written)
{
	__u64 bytes = (__u64)PENDSHARE_RING_DATA + ring->position;
	__u64 all = (__u64)PENDSHARE_RING_DATA + ring->capacity;

	if (written == all || bytes > all)
		return all;
	return bytes > written ? bytes : written;
}

#endif
