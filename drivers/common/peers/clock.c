// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The peer `clock` puts a record {tick, monotonic ns} into the ring every period, or a sample of a
 * run. A tick that came too late, or found no room, is a gap in the number and one of two counts;
 * none is replayed.
 */
#include "../peer.h"

struct clock_record {
	__u64 tick;
	__u64 now_ns;
};

#define CLOCK_MAX_PAYLOAD 4096u

static int clock_init(struct pendshare_peer_state *state, const void *options, __u32 size)
{
	struct pendshare_clock_options *clock = &state->options.clock;

	if (!pendshare_peer_options(clock, sizeof(*clock), options, size))
		return 0;
	if (!clock->payload)
		clock->payload = sizeof(struct clock_record);
	if (clock->period_ns < PENDSHARE_MIN_PERIOD_NS ||
	    clock->period_ns > PENDSHARE_MAX_PERIOD_NS)
		return 0;
	state->period_ns = clock->period_ns;
	return clock->runs <= 1u && clock->payload >= sizeof(struct clock_record) &&
	       clock->payload <= CLOCK_MAX_PAYLOAD &&
	       pendshare_peer_fits(state->length, clock->payload);
}

static __u32 clock_drive(const struct pendshare_peer_state *state)
{
	(void)state;
	return PENDSHARE_DRIVE_TIMER;
}

static void clock_start(struct pendshare_peer_state *state)
{
	pendshare_peer_start_ring(state, state->options.clock.runs != 0u);
}

static __u32 clock_step(struct pendshare_peer_state *state, __u64 now_ns, __u64 ticks)
{
	const struct pendshare_clock_options *clock = &state->options.clock;
	struct clock_record record;
	void *payload;
	__u32 result = 0u;

	state->round += ticks;
	if (ticks > 1u) {
		state->missed += ticks - 1u;
		pendshare_ring_miss(&state->out, ticks - 1u);
	}
	if (clock->ticks && state->round >= clock->ticks)
		result |= PENDSHARE_STEP_END;
	switch (pendshare_ring_push(&state->out, (__u32)clock->payload, 0u, &payload)) {
	case PENDSHARE_RING_OK:
		record.tick = state->round;
		record.now_ns = now_ns;
		memcpy(payload, &record, sizeof(record)); /* a sample may lie at any address */
		break;
	case PENDSHARE_RING_FULL:
		break;
	default:
		return PENDSHARE_STEP_FAIL;
	}
	/* What waits goes with the next tick, and there is one unless this is the last. */
	if (clock->runs && !(result & PENDSHARE_STEP_END)
		? pendshare_ring_publish_lazily(&state->out)
		: pendshare_ring_publish(&state->out))
		result |= PENDSHARE_STEP_RING;
	state->written = pendshare_peer_ring_written(&state->out, state->written);
	return result;
}

const struct pendshare_peer_logic pendshare_peer_clock = {
	.name = "clock",
	.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	.failure = PENDSHARE_FAILURE_RING,
	.init = clock_init,
	.drive = clock_drive,
	.start = clock_start,
	.step = clock_step,
};
