/* SPDX-License-Identifier: MIT */
/*
 * What the hostile other sides of ring and frames have in common: a libFuzzer target that reads its
 * input byte by byte, and, with -DSTANDALONE, inputs from a seed.
 */
#ifndef PENDSHARE_NATIVE_HOSTILE_H
#define PENDSHARE_NATIVE_HOSTILE_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "stream.h"

int LLVMFuzzerTestOneInput(const __u8 *bytes, size_t size);

/* The input, byte by byte; zeroes once it is used up. */
struct input {
	const __u8 *bytes;
	size_t left;
};

static inline __u32 take(struct input *input, unsigned int bytes)
{
	__u32 value = 0;

	for (; bytes; bytes--) {
		value <<= 8;
		if (!input->left)
			continue;
		value |= *input->bytes++;
		input->left--;
	}
	return value;
}

/* Memory between two pages without access. */
static inline __u8 *guarded(size_t bytes)
{
	__u8 *all = mmap(NULL, bytes + 2 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (all == MAP_FAILED || mprotect(all + 4096, bytes, PROT_READ | PROT_WRITE))
		abort();
	return all + 4096;
}

static inline void expect(int condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "hostile: %s\n", what);
	abort();
}

/* Writes anything anywhere, from a thread of its own, as the other side can at any moment. The data
 * race is the point. */
struct scribbler {
	__u8 *memory;
	void (*scribble)(__u8 *memory, __u32 random);
	__u32 seed;
	int stop;
	pthread_t thread;
};

static inline void *scribble_on(void *argument)
{
	struct scribbler *scribbler = argument;
	__u32 state = scribbler->seed;

	while (!__atomic_load_n(&scribbler->stop, __ATOMIC_RELAXED))
		scribbler->scribble(scribbler->memory, next_random(&state));
	return NULL;
}

static inline void scribbler_start(struct scribbler *scribbler)
{
	if (pthread_create(&scribbler->thread, NULL, scribble_on, scribbler))
		abort();
}

static inline void scribbler_stop(struct scribbler *scribbler)
{
	__atomic_store_n(&scribbler->stop, 1, __ATOMIC_RELAXED);
	pthread_join(scribbler->thread, NULL);
}

struct hostile_run {
	__u32 inputs;
	__u32 seed;
};

/* Plays as many inputs as the first argument says, from the seed that is the second. */
static inline struct hostile_run hostile_inputs(int argc, char **argv)
{
	struct hostile_run run = {argc > 1 ? (__u32)strtoul(argv[1], NULL, 0) : 100000u,
				  argc > 2 ? (__u32)strtoul(argv[2], NULL, 0) : 1u};
	__u32 state = run.seed;
	__u32 n;

	for (n = 0; n < run.inputs; n++) {
		__u8 bytes[512];
		size_t at;

		for (at = 0; at < sizeof(bytes); at++)
			bytes[at] = (__u8)next_random(&state);
		LLVMFuzzerTestOneInput(bytes, 1 + next_random(&state) % sizeof(bytes));
	}
	printf("hostile: %u inputs, seed %u\n", run.inputs, run.seed);
	return run;
}

#endif
