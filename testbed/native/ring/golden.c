// SPDX-License-Identifier: MIT
/*
 * Plays golden/vectors.txt on ring.h and stops at the first step that differs. The same file is
 * played on the TypeScript side, so the two agree on every word of the layout.
 */
#include <stdio.h>
#include <stdlib.h>
#include "stream.h"

struct player {
	__u8 *memory;
	struct pendshare_ring_producer out;
	struct pendshare_ring_consumer in;
	unsigned int line;
	unsigned int steps;
};

static _Noreturn void differs(const struct player *player, const char *what, __u32 expected,
			      __u32 got)
{
	fprintf(stderr, "golden: line %u: %s: expected %u (%#x), got %u (%#x)\n", player->line,
		what, expected, expected, got, got);
	exit(1);
}

static void equal(const struct player *player, const char *what, __u32 expected, __u32 got)
{
	if (expected != got)
		differs(player, what, expected, got);
}

static const char *word(void)
{
	return strtok(NULL, " \n");
}

static __u32 number_in(const char *text)
{
	return (__u32)strtoul(text, NULL, 0);
}

static __u32 number(const struct player *player)
{
	const char *text = word();

	if (!text)
		differs(player, "a number is missing", 0u, 0u);
	return number_in(text);
}

static void play_ring(struct player *player)
{
	__u32 capacity = number(player);
	__u32 start = number(player);

	free(player->memory);
	/* Exactly as large as the ring, so that the sanitizer sees a byte too far. */
	player->memory = aligned_alloc(4096, PENDSHARE_RING_DATA + capacity);
	memset(player->memory, 0, PENDSHARE_RING_DATA + capacity);
	stream_format(player->memory, capacity, start);
	stream_producer(&player->out, player->memory, capacity, start);
	stream_consumer(&player->in, player->memory, capacity, start);
}

static void play_write(struct player *player)
{
	__u32 length = number(player);
	__u32 kind = number(player);
	__u32 fill = number(player);
	const char *result = word();
	void *payload;
	__u32 at;

	switch (pendshare_ring_reserve(&player->out, length, kind, &payload)) {
	case PENDSHARE_RING_OK:
		equal(player, "offset", number_in(result),
		      (__u32)((__u8 *)payload - player->out.data));
		for (at = 0; at < length; at++)
			((__u8 *)payload)[at] = (__u8)(fill + at);
		/* What pads a payload is free; the vectors want it zero. */
		for (; at % 8u; at++)
			((__u8 *)payload)[at] = 0;
		break;
	case PENDSHARE_RING_FULL:
		equal(player, "write is full", 0u, strcmp(result, "full") != 0);
		break;
	case PENDSHARE_RING_CORRUPT:
		equal(player, "write is corrupt", 0u, strcmp(result, "corrupt") != 0);
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

		snprintf(got, sizeof(got), "%u:%u:%u",
			 (__u32)((const __u8 *)payload - player->in.data), record.length,
			 record.kind);
		expected = word();
		if (!expected || strcmp(expected, got)) {
			fprintf(stderr, "golden: line %u: expected record %s, got %s\n",
				player->line, expected ? expected : "none", got);
			exit(1);
		}
		pendshare_ring_advance(&player->in, &record);
	}
	expected = word();
	if (result == PENDSHARE_RING_EMPTY) {
		equal(player, "records that are missing", 0u, expected != NULL);
		pendshare_ring_release(&player->in);
	} else {
		equal(player, "read is corrupt", 0u, !expected || strcmp(expected, "corrupt") != 0);
	}
}

static __u32 *words_of(struct player *player, const char *where)
{
	return (__u32 *)(strcmp(where, "data") ? player->memory
					       : player->memory + PENDSHARE_RING_DATA);
}

static void play_words(struct player *player, const char *where)
{
	__u32 *words = words_of(player, where) + number(player);
	const char *expected;

	while ((expected = word()))
		equal(player, where, number_in(expected), *words++);
}

static void play_set(struct player *player)
{
	__u32 *words = words_of(player, word());
	__u32 at = number(player);

	words[at] = number(player);
}

static void play(struct player *player, char *line)
{
	const char *step = strtok(line, " \n");

	if (!step || *step == '#')
		return;
	player->steps++;
	if (!strcmp(step, "ring"))
		play_ring(player);
	else if (!strcmp(step, "write"))
		play_write(player);
	else if (!strcmp(step, "publish"))
		equal(player, "publish", number(player),
		      (__u32)pendshare_ring_publish(&player->out));
	else if (!strcmp(step, "miss"))
		pendshare_ring_miss(&player->out, number(player));
	else if (!strcmp(step, "read"))
		play_read(player);
	else if (!strcmp(step, "sleep"))
		equal(player, "sleep", 1u, (__u32)pendshare_ring_sleep(&player->in));
	else if (!strcmp(step, "leave"))
		equal(player, "leave", number(player), (__u32)pendshare_ring_leave(&player->in));
	else if (!strcmp(step, "header") || !strcmp(step, "data"))
		play_words(player, step);
	else if (!strcmp(step, "set"))
		play_set(player);
	else
		differs(player, "unknown step", 0u, 0u);
}

int main(int argc, char **argv)
{
	struct player player = {0};
	char line[512];
	FILE *vectors = argc == 2 ? fopen(argv[1], "r") : NULL;

	if (!vectors) {
		fprintf(stderr, "usage: golden vectors.txt\n");
		return 2;
	}
	while (fgets(line, sizeof(line), vectors)) {
		player.line++;
		play(&player, line);
	}
	fclose(vectors);
	free(player.memory);
	printf("golden: %u steps agree\n", player.steps);
	return 0;
}
