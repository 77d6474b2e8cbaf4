// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The peer `blast` puts records, or samples of runs, into the ring as fast as the consumer takes
 * them, and waits, rather than drops, while the ring is full: the measure of the ring's speed.
 */
#include "../peer.h"

#define BLAST_DEFAULT_PAYLOAD 64u
#define BLAST_MAX_PAYLOAD 0x100000u
/*
 * Published at once: so much of the ring that waking the consumer pays, and so little that the
 * consumer has work while the rest is filled.
 */
#define BLAST_BATCHES_A_RING 4u

static int blast_init(struct pendshare_peer_state *state, const void *options, __u32 size)
{
	struct pendshare_blast_options *blast = &state->options.blast;

	if (!pendshare_peer_options(blast, sizeof(*blast), options, size))
		return 0;
	if (!blast->payload)
		blast->payload = BLAST_DEFAULT_PAYLOAD;
	return blast->runs <= 1u && blast->payload >= sizeof(__u64) &&
	       blast->payload <= BLAST_MAX_PAYLOAD &&
	       pendshare_peer_fits(state->length, blast->payload);
}

static __u32 blast_drive(const struct pendshare_peer_state *state)
{
	(void)state;
	return PENDSHARE_DRIVE_THREAD | PENDSHARE_DRIVE_LONG;
}

static void blast_start(struct pendshare_peer_state *state)
{
	pendshare_peer_start_ring(state, state->options.blast.runs != 0u);
}

/* Writes so many records next to each other, or samples, which may lie at any address. */
static void blast_write(struct pendshare_peer_state *state, __u8 *payload, __u32 length, __u32 count)
{
	__u64 index;

	for (; count; count--, payload += length) {
		index = state->round++;
		memcpy(payload, &index, sizeof(index));
		memset(payload + sizeof(index), (int)(index & 0xffu), length - sizeof(index));
	}
}

/* How many may still come, and fit a batch that has so many bytes left. */
static __u32 blast_wanted(const struct pendshare_peer_state *state, __u32 length, __u32 bytes)
{
	const struct pendshare_blast_options *blast = &state->options.blast;
	__u32 wanted = bytes / length + 1u;

	if (blast->count && blast->count - state->round < wanted)
		return (__u32)(blast->count - state->round);
	return wanted;
}

/* Reserves up to a batch of records. */
static __u32 blast_reserve(struct pendshare_peer_state *state)
{
	const struct pendshare_blast_options *blast = &state->options.blast;
	__u32 length = (__u32)blast->payload;
	__u32 batch = state->out.capacity / BLAST_BATCHES_A_RING;
	__u32 begin = state->out.position;
	void *payload;
	__u32 count;

	if (batch > PENDSHARE_STEP_BYTES)
		batch = PENDSHARE_STEP_BYTES;
	while (state->out.position - begin < batch) {
		count = blast_wanted(state, length, batch - (state->out.position - begin));
		switch (pendshare_ring_try_push_many(&state->out, length, 0u, &count, &payload)) {
		case PENDSHARE_RING_OK:
			break;
		case PENDSHARE_RING_FULL:
			return 0u;
		default:
			return PENDSHARE_STEP_FAIL;
		}
		blast_write(state, payload, length, count);
		if (state->round == blast->count)
			return PENDSHARE_STEP_END;
	}
	return PENDSHARE_STEP_BUSY;
}

static __u32 blast_step(struct pendshare_peer_state *state, __u64 now_ns, __u64 ticks)
{
	__u32 result = blast_reserve(state);

	(void)now_ns;
	(void)ticks;
	if (result & PENDSHARE_STEP_FAIL)
		return result;
	if (pendshare_ring_publish(&state->out))
		result |= PENDSHARE_STEP_RING;
	state->written = pendshare_peer_ring_written(&state->out, state->written);
	return result;
}

const struct pendshare_peer_logic pendshare_peer_blast = {
	.name = "blast",
	.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	.failure = PENDSHARE_FAILURE_RING,
	.init = blast_init,
	.drive = blast_drive,
	.start = blast_start,
	.step = blast_step,
};
