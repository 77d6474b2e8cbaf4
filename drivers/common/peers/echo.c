// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The peer `echo` copies every record of the inbound ring into the outbound one, in order
 * and with its kind. Where the outbound ring is full the rest stays in the inbound one
 * until the next NOTIFY: nothing is dropped. In both cases it asks to be rung.
 */
#include "../peer.h"

#define ECHO_BATCH_BYTES 0x10000u

static int echo_init(struct pendshare_peer_state *state, const void *options, __u32 size)
{
	(void)options;
	return size == 0u && pendshare_ring_capacity(pendshare_ring_half(state->length)) != 0u;
}

static __u32 echo_drive(const struct pendshare_peer_state *state)
{
	(void)state;
	return PENDSHARE_DRIVE_NOTIFY | PENDSHARE_DRIVE_LONG;
}

static void echo_start(struct pendshare_peer_state *state)
{
	__u64 half = pendshare_ring_half(state->length);
	__u32 capacity = pendshare_ring_capacity(half);

	pendshare_ring_format(state->memory, capacity);
	pendshare_ring_format(state->memory + half, capacity);
	pendshare_ring_producer_init(&state->out, state->memory, capacity);
	pendshare_ring_consumer_init(&state->in, state->memory + half, capacity);
}

/* Copies one record. BUSY: there was one, and it fitted. */
static __u32 echo_record(struct pendshare_peer_state *state, __u32 *bytes)
{
	struct pendshare_ring_record record;
	const void *from;
	void *to;

	switch (pendshare_ring_peek(&state->in, &record, &from)) {
	case PENDSHARE_RING_OK:
		break;
	case PENDSHARE_RING_EMPTY:
		return pendshare_ring_sleep(&state->in) ? 0u : PENDSHARE_STEP_BUSY;
	default:
		return PENDSHARE_STEP_FAIL;
	}
	if (record.length > pendshare_ring_max_payload(state->out.capacity))
		return PENDSHARE_STEP_FAIL;
	switch (pendshare_ring_try_reserve(&state->out, record.length, record.kind, &to)) {
	case PENDSHARE_RING_OK:
		break;
	case PENDSHARE_RING_FULL:
		(void)pendshare_ring_sleep(&state->in);
		return 0u;
	default:
		return PENDSHARE_STEP_FAIL;
	}
	memcpy(to, from, record.length);
	pendshare_ring_advance(&state->in, &record);
	*bytes += pendshare_ring_span(record.length);
	return PENDSHARE_STEP_BUSY;
}

static __u32 echo_step(struct pendshare_peer_state *state, __u64 now_ns, __u64 ticks)
{
	__u32 bytes = 0u;
	__u32 before;
	__u32 result;

	(void)now_ns;
	(void)ticks;
	/* Without progress the loop ends, whatever the owner makes of the positions meanwhile. */
	do {
		before = bytes;
		result = echo_record(state, &bytes);
	} while (result == PENDSHARE_STEP_BUSY && bytes != before && bytes < ECHO_BATCH_BYTES);
	if (result & PENDSHARE_STEP_FAIL)
		return result;
	if (bytes)
		pendshare_ring_release(&state->in);
	if (bytes && pendshare_ring_publish(&state->out))
		result |= PENDSHARE_STEP_RING;
	state->written = pendshare_peer_ring_written(&state->out, state->written);
	return result;
}

const struct pendshare_peer_logic pendshare_peer_echo = {
	.name = "echo",
	.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	.failure = PENDSHARE_FAILURE_RING,
	.init = echo_init,
	.drive = echo_drive,
	.start = echo_start,
	.step = echo_step,
};
