/* SPDX-License-Identifier: MIT */
/*
 * Plays a file of golden vectors: a step a line, its words the step's arguments and what has to
 * come of it. Stops at the first that differs.
 */
#ifndef PENDSHARE_NATIVE_GOLDEN_H
#define PENDSHARE_NATIVE_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../../drivers/include/pendshare/abi.h"

static struct {
	unsigned int line;
	unsigned int steps;
} golden;

static inline _Noreturn void differs(const char *what, __u32 expected, __u32 got)
{
	fprintf(stderr, "golden: line %u: %s: expected %u (%#x), got %u (%#x)\n", golden.line, what,
		expected, expected, got, got);
	exit(1);
}

static inline void equal(const char *what, __u32 expected, __u32 got)
{
	if (expected != got)
		differs(what, expected, got);
}

/* The next word of the line; NULL at its end. */
static inline const char *word(void)
{
	return strtok(NULL, " \n");
}

/* The next word has to be what was got. */
static inline void same(const char *what, const char *got)
{
	const char *expected = word();

	if (expected && !strcmp(expected, got))
		return;
	fprintf(stderr, "golden: line %u: %s: expected %s, got %s\n", golden.line, what,
		expected ? expected : "none", got);
	exit(1);
}

static inline __u64 number_in(const char *text)
{
	return strtoull(text, NULL, 0);
}

static inline __u64 wide_number(void)
{
	const char *text = word();

	if (!text)
		differs("a number is missing", 0u, 0u);
	return number_in(text);
}

static inline __u32 number(void)
{
	return (__u32)wide_number();
}

/* The words that are left have to be those in memory. */
static inline void equal_words(const char *where, const __u32 *words)
{
	const char *expected;

	while ((expected = word()))
		equal(where, (__u32)number_in(expected), *words++);
}

/* Of main(): play() is called with each step. */
static inline int golden_play(int argc, char **argv, void (*play)(void *player, const char *step),
			      void *player)
{
	FILE *vectors = argc == 2 ? fopen(argv[1], "r") : NULL;
	char line[512];

	if (!vectors) {
		fprintf(stderr, "usage: golden vectors.txt\n");
		return 2;
	}
	while (fgets(line, sizeof(line), vectors)) {
		const char *step = strtok(line, " \n");

		golden.line++;
		if (!step || *step == '#')
			continue;
		golden.steps++;
		play(player, step);
	}
	fclose(vectors);
	printf("golden: %u steps agree\n", golden.steps);
	return 0;
}

#endif
