// SPDX-License-Identifier: MIT
/*
 * Plays golden/vectors.txt on ring.h and stops at the first step that differs. The same file is
 * played on the TypeScript side, so the two agree on every word of the layout.
 */
#include <stdlib.h>
#include "../shared/golden.h"
#include "stream.h"

struct player {
	__u8 *memory;
	struct pendshare_ring_producer out;
	struct pendshare_ring_consumer in;
};

static void play_ring(struct player *player)
{
	__u32 capacity = number();
	__u32 start = number();

	free(player->memory);
	/* Exactly as large as the ring, so that the sanitizer sees a byte too far. */
	player->memory = aligned_alloc(4096, PENDSHARE_RING_DATA + capacity);
	memset(player->memory, 0, PENDSHARE_RING_DATA + capacity);
	stream_format(player->memory, capacity, start);
	stream_producer(&player->out, player->memory, capacity, start);
	stream_consumer(&player->in, player->memory, capacity, start);
}

typedef enum pendshare_ring_result reserve(struct pendshare_ring_producer *ring, __u32 length,
					   __u32 kind, void **payload);

static void play_write(struct player *player, reserve *reserve)
{
	__u32 length = number();
	__u32 kind = number();
	__u32 fill = number();
	const char *result = word();
	void *payload;
	__u32 offset, at;

	switch (reserve(&player->out, length, kind, &payload)) {
	case PENDSHARE_RING_OK:
		offset = (__u32)((__u8 *)payload - player->out.data);
		equal("offset", (__u32)number_in(result), offset);
		for (at = 0; at < length; at++)
			((__u8 *)payload)[at] = (__u8)(fill + at);
		/* What pads a payload is free; the vectors want it zero. */
		for (; (offset + at) % 8u; at++)
			((__u8 *)payload)[at] = 0;
		break;
	case PENDSHARE_RING_FULL:
		equal("write is full", 0u, strcmp(result, "full") != 0);
		break;
	case PENDSHARE_RING_CORRUPT:
		equal("write is corrupt", 0u, strcmp(result, "corrupt") != 0);
		break;
	}
}

static void play_read(struct player *player)
{
	struct pendshare_ring_record record;
	enum pendshare_ring_result result;
	const void *payload;
	const char *expected;

	while ((result = pendshare_ring_peek(&player->in, &record, &payload)) ==
	       PENDSHARE_RING_OK) {
		char got[64];

		__u32 offset = (__u32)((const __u8 *)payload - player->in.data);
		__u32 stride = player->in.stride;

		if (stride == record.length)
			snprintf(got, sizeof(got), "%u:%u:%u", offset, stride, record.kind);
		else
			snprintf(got, sizeof(got), "%u:%ux%u:%u", offset, record.length / stride,
				 stride, record.kind);
		same("record", got);
		pendshare_ring_advance(&player->in, &record);
	}
	expected = word();
	if (result == PENDSHARE_RING_EMPTY) {
		equal("records that are missing", 0u, expected != NULL);
		pendshare_ring_release(&player->in);
	} else {
		equal("read is corrupt", 0u, !expected || strcmp(expected, "corrupt") != 0);
	}
}

static __u32 *words_of(struct player *player, const char *where)
{
	return (__u32 *)(strcmp(where, "data") ? player->memory
					       : player->memory + PENDSHARE_RING_DATA);
}

static void play_words(struct player *player, const char *where)
{
	equal_words(where, words_of(player, where) + number());
}

static void play_set(struct player *player)
{
	__u32 *words = words_of(player, word());
	__u32 at = number();

	words[at] = number();
}

static void play(void *argument, const char *step)
{
	struct player *player = argument;

	if (!strcmp(step, "ring"))
		play_ring(player);
	else if (!strcmp(step, "write"))
		play_write(player, pendshare_ring_reserve);
	else if (!strcmp(step, "push"))
		play_write(player, pendshare_ring_push);
	else if (!strcmp(step, "runs"))
		pendshare_ring_allow_runs(&player->out);
	else if (!strcmp(step, "lazily"))
		equal("lazily", number(), (__u32)pendshare_ring_publish_lazily(&player->out));
	else if (!strcmp(step, "publish"))
		equal("publish", number(), (__u32)pendshare_ring_publish(&player->out));
	else if (!strcmp(step, "miss"))
		pendshare_ring_miss(&player->out, number());
	else if (!strcmp(step, "read"))
		play_read(player);
	else if (!strcmp(step, "sleep"))
		equal("sleep", 1u, (__u32)pendshare_ring_sleep(&player->in));
	else if (!strcmp(step, "leave"))
		equal("leave", number(), (__u32)pendshare_ring_leave(&player->in));
	else if (!strcmp(step, "header") || !strcmp(step, "data"))
		play_words(player, step);
	else if (!strcmp(step, "set"))
		play_set(player);
	else
		differs("unknown step", 0u, 0u);
}

int main(int argc, char **argv)
{
	struct player player = {0};
	int failed = golden_play(argc, argv, play, &player);

	free(player.memory);
	return failed;
}
