// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The peer `fill` writes one byte value over the whole share, the next value each
 * round: the simplest proof that the kernel writes the caller's memory.
 */
#include "../peer.h"

static int fill_init(struct pendshare_peer_state *state, const void *options, __u32 size)
{
	struct pendshare_fill_options *fill = &state->options.fill;

	if (!pendshare_peer_options(fill, sizeof(*fill), options, size))
		return 0;
	if (fill->period_ns && (fill->period_ns < PENDSHARE_MIN_PERIOD_NS ||
				fill->period_ns > PENDSHARE_MAX_PERIOD_NS))
		return 0;
	state->period_ns = fill->period_ns;
	return fill->first <= 255u;
}

static __u32 fill_drive(const struct pendshare_peer_state *state)
{
	return PENDSHARE_DRIVE_LONG |
	       (state->period_ns ? PENDSHARE_DRIVE_TIMER
				 : PENDSHARE_DRIVE_START | PENDSHARE_DRIVE_NOTIFY);
}

static void fill_start(struct pendshare_peer_state *state)
{
	(void)state;
}

static __u32 fill_step(struct pendshare_peer_state *state, __u64 now_ns, __u64 ticks)
{
	const struct pendshare_fill_options *fill = &state->options.fill;
	__u64 rest = state->length - state->offset;
	__u64 bytes = rest < PENDSHARE_STEP_BYTES ? rest : PENDSHARE_STEP_BYTES;
	/* One tick begins a round; those told with it, or while one is unfinished, get none. */
	__u64 served = state->offset ? 0u : 1u;

	(void)now_ns;
	if (ticks > served)
		state->missed += ticks - served;
	memset(state->memory + state->offset, (int)((fill->first + state->round) & 0xffu),
	       (size_t)bytes);
	state->offset += bytes;
	if (state->written < state->offset)
		state->written = state->offset;
	if (bytes < rest)
		return PENDSHARE_STEP_BUSY;
	state->offset = 0u;
	state->round++;
	if (state->round == fill->rounds)
		return PENDSHARE_STEP_RING | PENDSHARE_STEP_END;
	return PENDSHARE_STEP_RING;
}

const struct pendshare_peer_logic pendshare_peer_fill = {
	.name = "fill",
	.access = PENDSHARE_ACCESS_WRITE,
	.init = fill_init,
	.drive = fill_drive,
	.start = fill_start,
	.step = fill_step,
};
