// SPDX-License-Identifier: MIT
/*
 * Times lending memory to the kernel and taking it back, at the level of system calls, against the nearest thing that
 * the kernel offers: io_uring's registered buffers. All contenders work on the same memory, touched before, and take
 * turns in one process, so that whatever disturbs one disturbs all.
 *
 * usage: pin ROUNDS BYTES HUGE(0|1); prints one JSON object: nanoseconds a cycle by contender, one number a round.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <pendshare/abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define HUGE_BYTES (2ul << 20)

static void fail(const char *what)
{
	fprintf(stderr, "pin: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static char *memory_of(size_t bytes, int huge)
{
	char *memory = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		fail("mmap");
	memory += -(uintptr_t)memory & (HUGE_BYTES - 1);
	if (madvise(memory, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		fail("madvise");
	memset(memory, 1, bytes);
	return memory;
}

static int device;
static int uring;
static int sparse;

static void share_and_release(void *memory, size_t bytes)
{
	static uint64_t id;
	struct pendshare_share share = { .size = sizeof(share), .id = ++id, .address = (uintptr_t)memory,
					 .length = bytes, .access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE };
	struct pendshare_end end = { .size = sizeof(end), .id = id };

	if (ioctl(device, PENDSHARE_IOC_SHARE, &share))
		fail("SHARE");
	if (ioctl(device, PENDSHARE_IOC_RELEASE, &end))
		fail("RELEASE");
	if (end.event.reason != PENDSHARE_RELEASED)
		fail("END");
}

static int uring_register(int ring, unsigned int opcode, void *argument, unsigned int count)
{
	return (int)syscall(SYS_io_uring_register, ring, opcode, argument, count);
}

static void register_and_unregister(void *memory, size_t bytes)
{
	struct iovec buffer = { memory, bytes };

	if (uring_register(uring, IORING_REGISTER_BUFFERS, &buffer, 1))
		fail("REGISTER_BUFFERS");
	if (uring_register(uring, IORING_UNREGISTER_BUFFERS, NULL, 0))
		fail("UNREGISTER_BUFFERS");
}

/* A sparse table keeps its slot; only its content changes. */
static void update_slot(void *memory, size_t bytes)
{
	struct iovec buffer = { memory, bytes };
	struct io_uring_rsrc_update2 update = { .data = (uintptr_t)&buffer, .nr = 1 };

	if (uring_register(sparse, IORING_REGISTER_BUFFERS_UPDATE, &update, sizeof(update)) != 1)
		fail("BUFFERS_UPDATE");
	buffer = (struct iovec){ NULL, 0 };
	if (uring_register(sparse, IORING_REGISTER_BUFFERS_UPDATE, &update, sizeof(update)) != 1)
		fail("BUFFERS_UPDATE to nothing");
}

static const struct contender {
	const char *name;
	void (*cycle)(void *memory, size_t bytes);
} contenders[] = {
	{ "pendshare", share_and_release },
	{ "io_uring register", register_and_unregister },
	{ "io_uring update", update_slot },
};

#define CONTENDERS (sizeof(contenders) / sizeof(contenders[0]))

static int uring_setup(void)
{
	struct io_uring_params params = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 4, &params);

	if (ring < 0)
		fail("io_uring_setup");
	return ring;
}

static void open_all(void)
{
	struct io_uring_rsrc_register table = { .nr = 1, .flags = IORING_RSRC_REGISTER_SPARSE };
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	device = open(PENDSHARE_DEVICE_PATH, O_RDWR | O_CLOEXEC);
	if (device < 0)
		fail(PENDSHARE_DEVICE_PATH);
	uring = uring_setup();
	sparse = uring_setup();
	if (uring_register(sparse, IORING_REGISTER_BUFFERS2, &table, sizeof(table)))
		fail("REGISTER_BUFFERS2");
}

/* Enough cycles that the clock and the loop do not count. */
static unsigned int cycles_for(void (*cycle)(void *, size_t), void *memory, size_t bytes)
{
	uint64_t start = now_ns();

	cycle(memory, bytes);
	cycle(memory, bytes);
	return (unsigned int)(20000000u / ((now_ns() - start) / 2 + 1)) + 3;
}

static double time_cycles(void (*cycle)(void *, size_t), void *memory, size_t bytes, unsigned int cycles)
{
	uint64_t start = now_ns();

	for (unsigned int i = 0; i < cycles; i++)
		cycle(memory, bytes);
	return (double)(now_ns() - start) / cycles;
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc == 4 ? (unsigned int)atoi(argv[1]) : 0;
	size_t bytes = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	double times[CONTENDERS][64];
	unsigned int cycles[CONTENDERS];
	char *memory;

	if (!rounds || rounds > 64 || !bytes) {
		fprintf(stderr, "usage: pin ROUNDS(1-64) BYTES HUGE(0|1)\n");
		return 2;
	}
	open_all();
	memory = memory_of(bytes, atoi(argv[3]));
	for (unsigned int i = 0; i < CONTENDERS; i++)
		cycles[i] = cycles_for(contenders[i].cycle, memory, bytes);
	for (unsigned int round = 0; round < rounds; round++)
		for (unsigned int i = 0; i < CONTENDERS; i++)
			times[i][round] = time_cycles(contenders[i].cycle, memory, bytes, cycles[i]);
	putchar('{');
	for (unsigned int i = 0; i < CONTENDERS; i++) {
		printf("%s\"%s\":[", i ? "," : "", contenders[i].name);
		for (unsigned int round = 0; round < rounds; round++)
			printf("%s%.0f", round ? "," : "", times[i][round]);
		putchar(']');
	}
	puts("}");
	return 0;
}
