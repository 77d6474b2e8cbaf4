// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Options that do not fit SHARE, and what a peer replies. */
#include "../peer-test/probe.h"
#include "driver.h"

struct asked {
	unsigned int task;
	unsigned int refuse;
	unsigned char bytes[4096 - 8];
};

static struct pendshare_share ask(__u64 id, const void *memory, const struct asked *options, __u32 size,
				  void *reply, __u32 reply_size)
{
	struct pendshare_share args = lend(id, memory, PAGE, "probe");

	args.options_size = size;
	if (size > sizeof(args.options))
		args.more = (uintptr_t)options;
	else
		memcpy(args.options, options, size);
	args.reply = (uintptr_t)reply;
	args.reply_size = reply_size;
	return args;
}

static unsigned int sum_of(const struct asked *options, __u32 size)
{
	unsigned int sum = 0;

	for (__u32 at = 8; at < size; at++)
		sum += options->bytes[at - 8];
	return sum;
}

TEST(every_size, "options of up to 4096 bytes reach the peer, and its reply of 256 the caller")
{
	static const __u32 sizes[] = { 8, 63, 64, 65, 72, 100, 1000, 4095, 4096 };
	struct asked options = { .task = PROBE_ANSWER };
	void *memory = region(PAGE);
	int fd = device();

	for (__u32 at = 0; at < sizeof(options.bytes); at++)
		options.bytes[at] = (unsigned char)(at * 7 + 1);
	for (__u32 i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct probe_answer answer = { 0 };

		CHECK_IS(share_args(fd, ask(1, memory, &options, sizes[i], &answer, sizeof(answer))), 0);
		CHECK_IS(answer.size, sizes[i]);
		CHECK_IS(answer.sum, sum_of(&options, sizes[i]));
		CHECK_IS(answer.rest[247], 0xa5);
		CHECK_IS(release_share(fd, 1), 0);
	}
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(a_part, "a caller gets as much of the reply as it asked for, and nothing behind it is touched")
{
	struct asked options = { .task = PROBE_ANSWER };
	struct probe_answer answer;
	void *memory = region(PAGE);
	int fd = device();

	memset(&answer, 0x11, sizeof(answer));
	CHECK_IS(share_args(fd, ask(1, memory, &options, 8, &answer, 4)), 0);
	CHECK_IS(answer.size, 8);
	CHECK_IS(answer.sum, 0x11111111);
	CHECK_IS(release_share(fd, 1), 0);
	memset(&answer, 0x11, sizeof(answer));
	CHECK_IS(share_args(fd, ask(2, memory, &options, 8, NULL, 0)), 0);
	CHECK_IS(answer.size, 0x11111111);
	CHECK_IS(release_share(fd, 2), 0);
	options.refuse = 1;
	CHECK_IS(share_args(fd, ask(3, memory, &options, 8, &answer, sizeof(answer))), -ENXIO);
	CHECK_IS(answer.size, 0x11111111);
	options = (struct asked){ .task = PROBE_NOTHING };
	CHECK_IS(share_args(fd, ask(4, memory, &options, 8, &answer, sizeof(answer))), 0);
	CHECK_IS(answer.size, 0x11111111);
	CHECK_IS(release_share(fd, 4), 0);
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(out_of_reach, "options that cannot be read refuse the share; a reply that cannot be written is lost alone")
{
	struct asked options = { .task = PROBE_ANSWER };
	void *memory = region(PAGE);
	char *hole = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct pendshare_share args;
	int fd = device();

	NEED(hole != MAP_FAILED && mprotect(hole + PAGE, PAGE, PROT_NONE) == 0);
	memcpy(hole + PAGE - 100, &options, 100);
	args = ask(1, memory, (void *)(hole + PAGE - 100), 100, NULL, 0);
	CHECK_IS(share_args(fd, args), 0);
	CHECK_IS(release_share(fd, 1), 0);
	args.options_size = 101;
	CHECK_IS(share_args(fd, args), -EFAULT);
	args.more = ~0ull - 50;
	CHECK_IS(share_args(fd, args), -EFAULT);
	args = ask(2, memory, &options, 8, hole + PAGE, 8);
	CHECK_IS(share_args(fd, args), 0);
	CHECK_IS(release_share(fd, 2), 0);
	close(fd);
	munmap(hole, 2 * PAGE);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(refused, "options and replies that are too long, or of no peer, are refused")
{
	struct asked options = { .task = PROBE_ANSWER };
	unsigned char reply[300];
	void *memory = region(PAGE);
	struct pendshare_share args;
	int fd = device();

	CHECK_IS(share_args(fd, ask(1, memory, &options, 4097, NULL, 0)), -EINVAL);
	CHECK_IS(share_args(fd, ask(1, memory, &options, 8, reply, 257)), -EINVAL);
	args = ask(1, memory, &options, 100, NULL, 0);
	args.options[3] = 1; /* here and elsewhere */
	CHECK_IS(share_args(fd, args), -EINVAL);
	args = ask(1, memory, &options, 8, NULL, 0);
	args.more = (uintptr_t)&options;
	CHECK_IS(share_args(fd, args), -EINVAL);
	args = ask(1, memory, &options, 100, NULL, 0);
	args.peer[0] = 0;
	memset(args.peer, 0, sizeof(args.peer));
	CHECK_IS(share_args(fd, args), -EINVAL);
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

MAIN
