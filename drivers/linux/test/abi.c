// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What the driver says to programs of other ABIs. PENDSHARE_THEIRS is the number that it was built with;
 * a program of a newer ABI is played by longer structures, requests and flags that this header does
 * not have.
 */
#include <stddef.h>

#include "driver.h"

_Static_assert(offsetof(struct pendshare_info, size) == 0 &&
		       offsetof(struct pendshare_info, flags) == 4 &&
		       offsetof(struct pendshare_info, abi_version) == 8 &&
		       offsetof(struct pendshare_info, driver_version) == 12,
	       "every ABI reads INFO's head");

#define ABI_1_INFO_SIZE 328u

static __u32 theirs(void)
{
	const char *text = getenv("PENDSHARE_THEIRS");

	return text ? (__u32)strtoul(text, NULL, 10) : PENDSHARE_ABI_VERSION;
}

TEST(any_info, "INFO tells the driver's ABI to a program of any")
{
	static const __u32 sizes[] = { ABI_1_INFO_SIZE, ABI_1_INFO_SIZE + 8, 4096 };
	int fd = device();

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		__u64 words[4096 / 8] = { sizes[i] };
		__u32 *head = (__u32 *)words;

		CHECK_IS(call(fd, PENDSHARE_IOC_INFO, words), 0);
		CHECK_IS(head[2], theirs());
		CHECK_IS(head[3], PENDSHARE_DRIVER_VERSION);
		CHECK_IS(words[ABI_1_INFO_SIZE / 8], 0);
	}
	close(fd);
}

TEST(newer_program, "what only a newer program knows is refused: ENOTTY, E2BIG, EINVAL")
{
	struct {
		struct pendshare_share known;
		__u64 unknown;
	} args = { .known = lend(1, region(PAGE), PAGE, "") };
	int fd = device();

	CHECK_IS(call(fd, PENDSHARE_IOC(PENDSHARE_NR_REVOKE + 1), &args), -ENOTTY);
	args.known.size = sizeof(args);
	args.unknown = 1;
	CHECK_IS(call(fd, PENDSHARE_IOC_SHARE, &args), -E2BIG);
	args.unknown = 0;
	args.known.flags = 1u << 31;
	CHECK_IS(call(fd, PENDSHARE_IOC_SHARE, &args), -EINVAL);
	CHECK_IS(info(fd).shares, 0);
	args.known.flags = 0;
	CHECK_IS(call(fd, PENDSHARE_IOC_SHARE, &args), 0);
	CHECK_IS(release_share(fd, 1), 0);
	close(fd);
}

TEST(older_program, "a structure that is shorter than its first version gets EINVAL")
{
	struct pendshare_share args = lend(1, region(PAGE), PAGE, "");
	int fd = device();

	args.size = PENDSHARE_SHARE_SIZE - 8;
	CHECK_IS(call(fd, PENDSHARE_IOC_SHARE, &args), -EINVAL);
	CHECK_IS(info(fd).shares, 0);
	check_nothing_left();
	close(fd);
}

MAIN
