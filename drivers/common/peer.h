/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the built-in peers do, without how an operating system drives them: a
 * peer is a state and a step. The driver owns timers, threads and locks; it calls step
 * from one context at a time, never after the share's detach has returned.
 */
#ifndef PENDSHARE_PEER_H
#define PENDSHARE_PEER_H

#include "../include/pendshare/ring.h"

/* What makes a peer step. Several may hold. */
#define PENDSHARE_DRIVE_NOTIFY 1u /* a NOTIFY of the owner */
#define PENDSHARE_DRIVE_TIMER 2u  /* a period, in a context that must not sleep: a step is short */
#define PENDSHARE_DRIVE_THREAD 4u /* a thread, again and again while the step says BUSY */

/* What a step says to the driver. */
#define PENDSHARE_STEP_RING 1u /* ring the doorbell */
#define PENDSHARE_STEP_BUSY 2u /* there is more to do right away */
#define PENDSHARE_STEP_END 4u  /* end the share as PEER_ENDED */
#define PENDSHARE_STEP_FAIL 8u /* end the share as FAILED, PENDSHARE_FAILURE_RING */

struct pendshare_peer_state {
	__u8 *memory; /* the whole share, mapped */
	__u64 length;
	__u64 written; /* value of the END */
	__u64 period_ns; /* set by init: 0 means no timer */
	__u64 round;
	struct pendshare_ring_producer out;
	struct pendshare_ring_consumer in;
	union {
		struct pendshare_fill_options fill;
		struct pendshare_clock_options clock;
		struct pendshare_blast_options blast;
	} options;
};

/*
 * init checks options (size bytes, from the caller of SHARE, copied) and length before
 * anything is mapped, and returns 0 or one of these; start is called once memory is set.
 */
#define PENDSHARE_PEER_INVALID 1 /* EINVAL / INVALID_PARAMETER */

struct pendshare_peer_logic {
	const char *name;
	__u32 access; /* PENDSHARE_ACCESS_* that it needs */
	__u32 rings;  /* how many rings it lays out: 0, 1, or 2 (halves of the share: out, in) */
	int (*init)(struct pendshare_peer_state *state, const void *options, __u32 size);
	__u32 (*drive)(const struct pendshare_peer_state *state);
	void (*start)(struct pendshare_peer_state *state);
	__u32 (*step)(struct pendshare_peer_state *state, __u64 now_ns);
};

extern const struct pendshare_peer_logic pendshare_peer_fill;
extern const struct pendshare_peer_logic pendshare_peer_echo;
extern const struct pendshare_peer_logic pendshare_peer_clock;
extern const struct pendshare_peer_logic pendshare_peer_blast;

#endif
