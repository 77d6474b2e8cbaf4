// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libFuzzer on the dispatcher of pendshare.ko: runs where the module is loaded, so in a VM. The input
 * is a program of requests on two files, of what the owner does to his memory meanwhile, and of closes.
 *
 * The kernel has no coverage for the fuzzer: what guides it is this program's own paths and the corpus.
 * What judges is the kernel's log (KASAN, lockdep, warnings), and that no share is left at the end.
 *
 * Addresses come from a list and are never made up: a peer would write over the fuzzer itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../drivers/include/pendshare/abi.h"

#define FILES 2
#define PAGES 16u
#define PAGE 4096u

struct input {
	const unsigned char *bytes;
	size_t left;
};

static unsigned char take(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->bytes++;
}

static int files[FILES];
static int bells_mapped[FILES];
static int eventfd_of_test;
static unsigned char *region;	/* what is lent */
static unsigned char *readonly; /* one page of each */
static unsigned char *shared;
static unsigned char *bells; /* of each file, where it has mapped them; else nothing is there */

/* Below what mmap() hands out: a page unmapped here could become the fuzzer's own heap, and be lent. */
#define UNMAPPED 0x8000u

static const unsigned long requests[] = {
	PENDSHARE_IOC_SHARE,  PENDSHARE_IOC_PEND,   PENDSHARE_IOC_RELEASE,
	PENDSHARE_IOC_NOTIFY, PENDSHARE_IOC_CANCEL, PENDSHARE_IOC_INFO,
	PENDSHARE_IOC_REVOKE, PENDSHARE_IOC_SHUTDOWN,
};

/* Mostly pages of the region. */
static __u64 draw_address(struct input *input)
{
	unsigned char choice = take(input);

	switch (choice >> 4) {
	case 0:
		return (uintptr_t)readonly;
	case 1:
		return (uintptr_t)shared;
	case 2:
		return UNMAPPED;
	case 3:
		return choice & 1 ? 0xffff888000000000ull : ~0ull << 12;
	case 5:
		return (uintptr_t)bells;
	case 4:
		return (uintptr_t)region + choice;
	default:
		return (uintptr_t)region + (choice & 15u) * PAGE;
	}
}

static __u64 draw_length(struct input *input, __u64 address)
{
	unsigned char choice = take(input);
	__u64 most = (uintptr_t)region + PAGES * PAGE - address;

	if (choice < 16)
		return choice & 1 ? ~0ull << (choice * 4) : choice;
	/* Not beyond the region, if it begins in it. */
	if (most > PAGES * PAGE)
		return PAGE;
	return most < (choice & 7u) * PAGE ? most & ~(__u64)(PAGE - 1u) : (choice & 7u) * PAGE;
}

static void draw_share(struct input *input, struct pendshare_share *share)
{
	static const char *const peers[] = { "", "fill", "echo", "clock", "blast", "nobody" };
	unsigned char choice = take(input);
	__u64 period = (take(input) & 3) * 100000ull;

	*share = (struct pendshare_share){ .size = sizeof(*share), .id = 1 + (choice & 3) };
	share->address = draw_address(input);
	share->length = draw_length(input, share->address);
	share->access = 1 + take(input) % 3;
	strcpy(share->peer, peers[take(input) % 6]);
	if (share->peer[0] == 'f' || share->peer[0] == 'c') {
		memcpy(share->options, &period, sizeof(period));
		share->options_size = sizeof(period);
	}
	if (choice & 0x10)
		share->deadline_ns = 1 + take(input) * 1000ull;
	if (choice & 0x20) {
		share->flags = PENDSHARE_SHARE_EVENT;
		share->event = (choice & 0x40) ? (unsigned int)eventfd_of_test : take(input) + 100u;
	}
	if (choice & 0x80) {
		share->flags |= PENDSHARE_SHARE_BELL;
		share->bell = take(input);
	}
}

/* Flips bits of anything but an address and its length, which the caller knows the place of. */
static void spoil(struct input *input, unsigned char *bytes, size_t size, size_t address, size_t end)
{
	unsigned int times = take(input) & 3;

	while (times--) {
		size_t at = take(input) % size;
		unsigned char flip = take(input);

		if (at < address || at >= end)
			bytes[at] ^= flip;
	}
}

static void request(struct input *input)
{
	static struct pendshare_event events[4];
	union {
		struct pendshare_share share;
		struct pendshare_pend pend;
		struct pendshare_end end;
		struct pendshare_revoke revoke;
		struct pendshare_info info;
		unsigned char bytes[512];
	} arguments = { .bytes = { 0 } };
	int fd = files[take(input) % FILES];
	unsigned char choice = take(input);
	unsigned long code = requests[choice & 7];
	size_t size;

	switch (code) {
	case PENDSHARE_IOC_SHARE:
		draw_share(input, &arguments.share);
		size = sizeof(arguments.share);
		spoil(input, arguments.bytes, size + 8, 16, 32);
		break;
	case PENDSHARE_IOC_PEND:
		size = sizeof(arguments.pend);
		arguments.pend = (struct pendshare_pend){ .size = sizeof(arguments.pend),
							  .capacity = 1 + (choice >> 6),
							  .events = (uintptr_t)events };
		if (choice & 0x20)
			arguments.pend.events = draw_address(input) & ~7ull;
		spoil(input, arguments.bytes, size + 8, 16, 28);
		break;
	case PENDSHARE_IOC_REVOKE:
		size = sizeof(arguments.revoke);
		arguments.revoke = (struct pendshare_revoke){ .size = sizeof(arguments.revoke),
							      .grace_ms = choice >> 5 };
		spoil(input, arguments.bytes, size + 8, size, size);
		break;
	case PENDSHARE_IOC_INFO:
		size = sizeof(arguments.info);
		arguments.info.size = sizeof(arguments.info);
		spoil(input, arguments.bytes, 255, size, size);
		break;
	default:
		size = code == PENDSHARE_IOC_NOTIFY   ? sizeof(struct pendshare_notify)
		       : code == PENDSHARE_IOC_SHUTDOWN ? sizeof(struct pendshare_shutdown)
							: sizeof(arguments.end);
		arguments.end.size = (__u32)size;
		if (code != PENDSHARE_IOC_SHUTDOWN)
			arguments.end.id = 1 + (choice >> 5 & 3);
		spoil(input, arguments.bytes, size + 8, size, size);
	}
	if (choice & 0x08 && (take(input) & 7) == 7)
		code ^= 1ul << (take(input) & 31);
	ioctl(fd, code, arguments.bytes);
}

/* Nothing else may come to lie there. */
static void unmap_bells(unsigned int which)
{
	mmap(bells + which * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void map_bells(unsigned int which)
{
	if (mmap(bells + which * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, files[which],
		 0) == MAP_FAILED)
		unmap_bells(which); /* what was there before is gone */
	else
		bells_mapped[which] = 1;
}

/* A mapping keeps its file. */
static void close_file(unsigned int which)
{
	unmap_bells(which);
	bells_mapped[which] = 0;
	close(files[which]);
}

static void reopen(unsigned int which)
{
	close_file(which);
	files[which] = open(PENDSHARE_DEVICE_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (files[which] < 0) {
		perror(PENDSHARE_DEVICE_PATH);
		exit(1);
	}
}

static void act(struct input *input)
{
	struct pollfd poll_of_test = { files[0], POLLIN | POLLPRI, 0 };
	unsigned int page, which, word;

	switch (take(input) & 15) {
	case 0:
		reopen(take(input) % FILES);
		break;
	case 1: /* other pages at the same address, under a share or not */
		page = take(input) % PAGES;
		mmap(region + page * PAGE, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		break;
	case 2:
		mprotect(region + (take(input) % PAGES) * PAGE, PAGE, take(input) & 3);
		break;
	case 3:
		madvise(region + (take(input) % PAGES) * PAGE, PAGE, MADV_DONTNEED);
		break;
	case 4:
		poll(&poll_of_test, 1, 0);
		break;
	case 5:
		map_bells(take(input) % FILES);
		break;
	case 6: /* the owner writes anything there, above all how far it has taken */
		which = take(input) % FILES;
		word = take(input);
		if (bells_mapped[which])
			((volatile __u32 *)(bells + which * PAGE))[word & 1 ? 16 : word] = take(input) * 0x01010101u;
		break;
	default:
		request(input);
	}
}

static void *map(int protection, int flags)
{
	return mmap(NULL, PAGE, protection, flags | MAP_ANONYMOUS, -1, 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	region = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	readonly = map(PROT_READ, MAP_PRIVATE);
	shared = map(PROT_READ | PROT_WRITE, MAP_SHARED);
	bells = mmap(NULL, FILES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	eventfd_of_test = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	files[0] = files[1] = -1;
	return 0;
}

/* Nothing is left once both files are closed; closing waits for it. */
static void check_nothing_left(void)
{
	struct pendshare_info info = { .size = sizeof(info) };

	close_file(1);
	files[1] = -1;
	reopen(0);
	if (ioctl(files[0], PENDSHARE_IOC_INFO, &info) == 0 && !info.total_shares &&
	    !info.total_pinned_pages)
		return;
	fprintf(stderr, "%llu shares and %llu pages are left\n",
		(unsigned long long)info.total_shares, (unsigned long long)info.total_pinned_pages);
	abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	struct input input = { bytes, size };

	reopen(0);
	reopen(1);
	mprotect(region, PAGES * PAGE, PROT_READ | PROT_WRITE);
	while (input.left)
		act(&input);
	check_nothing_left();
	return 0;
}
