// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Lets the first allocation of a call fail, then the second, and so on until the call passes: whatever
 * fails, SHARE says ENOBUFS and leaves nothing, and no END is lost. Needs a kernel with fault injection.
 */
#include "driver.h"

#define DEBUGFS "/sys/kernel/debug/"

static int nth_fd = -1; /* this task's countdown; kept open, as opening it allocates */

static bool set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);

	if (fd >= 0)
		close(fd);
	return done;
}

/* Makes every allocation of this task a candidate, those that may sleep included. */
static bool arm(void)
{
	if (nth_fd < 0)
		nth_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	return nth_fd >= 0 && set(DEBUGFS "failslab/ignore-gfp-wait", "N") &&
	       set(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N") &&
	       set(DEBUGFS "fail_page_alloc/min-order", "0");
}

static void fail_nth(int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", n);

	/* a countdown that is running can hit this very write, and is over then */
	if (pwrite(nth_fd, text, length, 0) != length)
		NEED(pwrite(nth_fd, text, length, 0) == length);
}

/* Whether the nth point was reached since. Ends the countdown. */
static bool has_failed(void)
{
	char text[16] = "";
	/* when it hits this very read, it did not come to its end before */
	bool failed = pread(nth_fd, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;

	fail_nth(0);
	return failed;
}

struct variant {
	const char *peer;
	__u64 bytes;
	__u64 options[3];
	bool touched;
	bool event;
};

static int share_variant(int fd, const struct variant *variant, void *memory, int event_fd)
{
	struct pendshare_share args = lend(1, memory, variant->bytes, variant->peer);

	memcpy(args.options, variant->options, sizeof(variant->options));
	args.options_size = variant->options[0] ? sizeof(variant->options) : 0;
	if (variant->event) {
		args.flags = PENDSHARE_SHARE_EVENT;
		args.event = event_fd;
	}
	args.deadline_ns = 3600000000000;
	return share_args(fd, args);
}

static void walk_share(const struct variant *variant)
{
	int fd = device(), event_fd = eventfd(0, 0), n;

	for (n = 1; n < 1000; n++) {
		void *memory = mmap(NULL, variant->bytes, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		bool failed;
		int ret;

		NEED(memory != MAP_FAILED);
		if (variant->touched)
			memset(memory, 1, variant->bytes);
		fail_nth(n);
		ret = share_variant(fd, variant, memory, event_fd);
		failed = has_failed();
		CHECK(ret == 0 || (failed && ret == -ENOBUFS));
		CHECK_IS(info(fd).shares, ret == 0);
		CHECK_IS(info(fd).pinned_pages, ret ? 0 : variant->bytes / PAGE);
		if (ret == 0)
			CHECK_IS(release_share(fd, 1), 0);
		munmap(memory, variant->bytes);
		if (!failed || tap_failures)
			break;
	}
	printf("# peer '%s', %llu bytes: %d points\n", variant->peer, variant->bytes, n - 1);
	CHECK(n > 1);
	close(fd);
	close(event_fd);
	check_nothing_left();
}

TEST(shares, "SHARE survives the failure of each of its allocations")
{
	const struct variant variants[] = {
		{ "", PAGE, .touched = true },
		{ "", PAGE, .touched = false },
		{ "", 64 * PAGE, .touched = true, .event = true },
		{ "", 2048 * PAGE, .touched = true },
		{ "fill", PAGE, .touched = true },
		{ "fill", 64 * PAGE, .touched = true },
		{ "echo", 64 * PAGE, .touched = true },
		{ "clock", 64 * PAGE, { 1000000 }, .touched = true },
		{ "blast", 64 * PAGE, .touched = true },
	};

	if (!arm())
		SKIP("no fault injection in this kernel");
	for (unsigned int i = 0; i < sizeof(variants) / sizeof(*variants); i++)
		walk_share(&variants[i]);
}

TEST(opens, "open survives the failure of each of its allocations")
{
	bool failed = true;
	int n;

	if (!arm())
		SKIP("no fault injection in this kernel");
	for (n = 1; failed && n < 1000; n++) {
		int fd;

		fail_nth(n);
		fd = open(PENDSHARE_DEVICE_PATH, O_RDWR);
		failed = has_failed();
		CHECK(fd >= 0 || failed);
		if (fd >= 0)
			close(fd);
	}
	printf("# %d points\n", n - 2);
	CHECK(n > 2);
	check_nothing_left();
}

TEST(bells, "mapping the bells survives the failure of each of its allocations, and works when it passes")
{
	bool failed = true;
	int fd = device(), n;

	if (!arm())
		SKIP("no fault injection in this kernel");
	for (n = 1; failed && n < 1000; n++) {
		void *page;

		fail_nth(n);
		page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		failed = has_failed();
		CHECK(page != MAP_FAILED || (failed && errno == ENOMEM));
		if (page == MAP_FAILED)
			continue;
		CHECK_IS(*(volatile __u32 *)page, 0);
		munmap(page, PAGE);
	}
	printf("# %d points\n", n - 2);
	CHECK(n > 2);
	close(fd);
	check_nothing_left();
}

TEST(ends, "an END that could not be copied out is delivered by the next call")
{
	struct pendshare_event event;
	void *memory = region(PAGE);
	int fd = device(), n = 1;
	bool failed;

	if (!arm())
		SKIP("no fault injection in this kernel");
	do {
		int ret;

		CHECK_IS(share(fd, n, memory, PAGE, ""), 0);
		fail_nth(n);
		ret = end(fd, PENDSHARE_IOC_RELEASE, n, 0, &event);
		failed = has_failed();
		if (ret) {
			CHECK(failed);
			CHECK_IS(ret, -EFAULT);
			fail_nth(1);
			ret = pend(fd, 0, &event, 1);
			CHECK(has_failed() ? ret == -EFAULT || ret == 1 : ret == 1);
			if (ret != 1)
				CHECK_IS(pend(fd, 0, &event, 1), 1);
		}
		CHECK_IS(event.id, n);
		CHECK_IS(event.reason, PENDSHARE_RELEASED);
	} while (failed && ++n < 100 && !tap_failures);
	printf("# %d points\n", n - 1);
	CHECK(n > 1);
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

MAIN
