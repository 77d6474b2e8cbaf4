// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What the driver says to every kind of bad input, and that it changes nothing. */
#include "driver.h"

static const struct request {
	const char *name;
	unsigned long code;
	__u32 size;
} requests[] = {
	{ "INFO", PENDSHARE_IOC_INFO, sizeof(struct pendshare_info) },
	{ "SHARE", PENDSHARE_IOC_SHARE, sizeof(struct pendshare_share) },
	{ "PEND", PENDSHARE_IOC_PEND, sizeof(struct pendshare_pend) },
	{ "RELEASE", PENDSHARE_IOC_RELEASE, sizeof(struct pendshare_end) },
	{ "CANCEL", PENDSHARE_IOC_CANCEL, sizeof(struct pendshare_end) },
	{ "NOTIFY", PENDSHARE_IOC_NOTIFY, sizeof(struct pendshare_notify) },
	{ "SHUTDOWN", PENDSHARE_IOC_SHUTDOWN, sizeof(struct pendshare_shutdown) },
	{ "REVOKE", PENDSHARE_IOC_REVOKE, sizeof(struct pendshare_revoke) },
};

#define EACH_REQUEST(request)	\
	(const struct request *request = requests; request < requests + 8; request++)

static bool lists(const char *names, const char *name)
{
	for (; *names; names += strlen(names) + 1)
		if (!strcmp(names, name))
			return true;
	return false;
}

TEST(info_tells, "INFO tells versions, limits and peers")
{
	int fd = device();
	struct pendshare_info now = info(fd);

	CHECK_IS(now.size, sizeof(now));
	CHECK_IS(now.abi_version, PENDSHARE_ABI_VERSION);
	CHECK_IS(now.page_size, sysconf(_SC_PAGESIZE));
	CHECK_IS(now.max_shares, PENDSHARE_SHARES_PER_USER);
	CHECK(now.max_bytes >= 1ull << 30);
	CHECK(lists(now.peers, "fill") && lists(now.peers, "echo"));
	CHECK(lists(now.peers, "clock") && lists(now.peers, "blast"));
	CHECK_IS(now.shares, 0);
	close(fd);
}

TEST(unknown_requests, "unknown requests get ENOTTY")
{
	unsigned char arg[512] = { 16 };
	int fd = device();

	CHECK_IS(call(fd, PENDSHARE_IOC(PENDSHARE_NR_INFO - 1), arg), -ENOTTY);
	CHECK_IS(call(fd, PENDSHARE_IOC(PENDSHARE_NR_REVOKE + 1), arg), -ENOTTY);
	CHECK_IS(call(fd, _IO(PENDSHARE_IOC_MAGIC + 1, PENDSHARE_NR_INFO), arg), -ENOTTY);
	CHECK_IS(call(fd, _IOWR(PENDSHARE_IOC_MAGIC, PENDSHARE_NR_INFO, __u32), arg), -ENOTTY);
	CHECK_IS(call(fd, 0, arg), -ENOTTY);
	close(fd);
}

TEST(sizes, "structures that are short, dirty, endless or not there are refused by every request")
{
	int fd = device();

	for EACH_REQUEST(request) {
		unsigned char arg[8192] = { 0 };
		__u32 *size = (__u32 *)arg;

		*size = request->size - 8;
		CHECK_IS(call(fd, request->code, arg), -EINVAL);
		*size = 0;
		CHECK_IS(call(fd, request->code, arg), -EINVAL);
		*size = request->size + 8;
		arg[request->size + 7] = 1;
		CHECK_IS(call(fd, request->code, arg), -E2BIG);
		*size = 4104;
		CHECK_IS(call(fd, request->code, arg), -E2BIG);
		*size = 0xffffffff;
		CHECK_IS(call(fd, request->code, arg), -E2BIG);
		CHECK_IS(call(fd, request->code, NULL), -EFAULT);
		CHECK_IS(call(fd, request->code, (void *)-4096l), -EFAULT);
	}
	close(fd);
}

TEST(half_a_structure, "a structure that runs into unmapped memory gets EFAULT")
{
	unsigned char *memory = region(2 * PAGE);
	int fd = device();

	NEED(munmap(memory + PAGE, PAGE) == 0);
	for EACH_REQUEST(request) {
		__u32 *size = (__u32 *)(memory + PAGE - 8);

		memset(size, 0, 8);
		*size = request->size < 16 ? 16 : request->size;
		CHECK_IS(call(fd, request->code, size), -EFAULT);
	}
	munmap(memory, PAGE);
	close(fd);
}

TEST(longer_structures, "a longer structure with nothing in its tail is taken")
{
	struct {
		struct pendshare_info info;
		__u64 tail[4];
	} longer = { .info.size = sizeof(longer) };
	int fd = device();

	CHECK_IS(call(fd, PENDSHARE_IOC_INFO, &longer), 0);
	CHECK_IS(longer.info.abi_version, PENDSHARE_ABI_VERSION);
	CHECK_IS(longer.tail[0], 0);
	close(fd);
}

TEST(unknown_flags, "unknown flags get EINVAL from every request")
{
	int fd = device();

	for EACH_REQUEST(request) {
		__u32 arg[128] = { request->size, 0x80000000 };

		CHECK_IS(call(fd, request->code, arg), -EINVAL);
	}
	close(fd);
}

TEST(bad_fields, "SHARE refuses fields that are out of range")
{
	void *memory = region(4 * PAGE);
	int fd = device();

#define REFUSED(error, change)							\
	do {									\
		struct pendshare_share args = lend(1, memory, 4 * PAGE, "fill");	\
		change;								\
		CHECK_IS(share_args(fd, args), error);				\
	} while (0)

	REFUSED(-EINVAL, args.id = 0);
	REFUSED(-EINVAL, args.access = 0);
	REFUSED(-EINVAL, args.access = 4);
	REFUSED(-EINVAL, args.access = PENDSHARE_ACCESS_READ); /* fill writes */
	REFUSED(-EINVAL, args.length = 0);
	REFUSED(-EINVAL, args.length = PAGE + 1);
	REFUSED(-EINVAL, args.length = 8);
	REFUSED(-EINVAL, args.address += 8);
	REFUSED(-EINVAL, args.options_size = PENDSHARE_OPTIONS_SIZE + 1);
	REFUSED(-EINVAL, args.options_size = PENDSHARE_OPTIONS_SIZE); /* more than fill knows */
	REFUSED(-EINVAL, args.options[0] = 1);
	REFUSED(-EINVAL, (args.options_size = 8, args.options[63] = 1));
	REFUSED(-EINVAL, (args.options_size = 8, args.options[0] = 1)); /* a period of 1 ns */
	REFUSED(-EINVAL, memset(args.peer, 'a', sizeof(args.peer)));
	REFUSED(-EINVAL, memset(args.label, 'a', sizeof(args.label)));
	REFUSED(-EINVAL, args.event = 1);
	REFUSED(-EINVAL, args.deadline_ns = 1ull << 63);
	REFUSED(-EINVAL, (args.peer[0] = 0, args.options_size = 8));
	REFUSED(-ENOENT, args.peer[0] = 'b');
	REFUSED(-EOVERFLOW, args.length = info(fd).max_bytes + PAGE);
	REFUSED(-EOVERFLOW, (args.address = -(__u64)PAGE, args.length = 2 * PAGE));
	REFUSED(-EOVERFLOW, args.length = -(__u64)PAGE);
	CHECK_IS(info(fd).shares, 0);
	CHECK_IS(info(fd).pinned_pages, 0);
	munmap(memory, 4 * PAGE);
	close(fd);
	check_nothing_left();
}

TEST(bad_eventfd, "SHARE refuses an event that is no eventfd with EBADF")
{
	void *memory = region(PAGE);
	int fd = device();
	__u64 bad[] = { (__u64)fd, 1000, 1ull << 32, ~0ull, 0x80000000 };

	for (unsigned int i = 0; i < 5; i++) {
		struct pendshare_share args = lend(1, memory, PAGE, "");

		args.flags = PENDSHARE_SHARE_EVENT;
		args.event = bad[i];
		CHECK_IS(share_args(fd, args), -EBADF);
	}
	munmap(memory, PAGE);
	close(fd);
	check_nothing_left();
}

TEST(wrong_ids, "ids that are unknown, ended or of another file get ENOENT")
{
	void *memory = region(2 * PAGE);
	int fd = device(), other = device();
	struct pendshare_event event;

	CHECK_IS(share(fd, 7, memory, PAGE, "fill"), 0);
	CHECK_IS(share(fd, 7, memory + PAGE, PAGE, ""), -EEXIST);
	for (int i = 0; i < 2; i++) {
		int at = i ? other : fd;
		__u64 id = i ? 7 : 8;

		CHECK_IS(release_share(at, id), -ENOENT);
		CHECK_IS(end(at, PENDSHARE_IOC_CANCEL, id, 0, NULL), -ENOENT);
		CHECK_IS(notify(at, id), -ENOENT);
		CHECK_IS(pend(at, id, &event, 1), -ENOENT);
	}
	CHECK_IS(share(other, 7, memory + PAGE, PAGE, ""), 0);
	CHECK_IS(notify(other, 7), -EOPNOTSUPP);
	CHECK_IS(release_share(fd, 7), 0);
	CHECK_IS(release_share(fd, 7), -ENOENT);
	CHECK_IS(notify(fd, 7), -ENOENT);
	CHECK_IS(info(other).shares, 1);
	CHECK_IS(share(fd, 7, memory, PAGE, ""), 0); /* the id is free again */
	close(fd);
	close(other);
	munmap(memory, 2 * PAGE);
	check_nothing_left();
}

static int use_inherited(void *context)
{
	int fd = *(int *)context;

	for EACH_REQUEST(request) {
		__u32 arg[128] = { request->size };
		int expected = request->code == PENDSHARE_IOC_INFO ? 0 : -EIO;

		if (call(fd, request->code, arg) != expected)
			return 1;
	}
	return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) == 1 ? 0 : 2;
}

TEST(other_process, "another process gets EIO from all but INFO, and changes nothing")
{
	void *memory = region(PAGE);
	int fd = device();

	CHECK_IS(share(fd, 1, memory, PAGE, ""), 0);
	CHECK_IS(in_child(use_inherited, &fd), 0);
	CHECK_IS(info(fd).shares, 1);
	CHECK_IS(release_share(fd, 1), 0);
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

static int revoke_as_user(void *context)
{
	become_user(1000, 0);
	return revoke_all(device(), 0) == -EPERM ? 0 : 1;
}

TEST(not_privileged, "REVOKE is for administrators")
{
	open_to_all();
	CHECK_IS(in_child(revoke_as_user, NULL), 0);
}

MAIN
