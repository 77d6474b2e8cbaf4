// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What fill does with memory, every way in which a share ends without its owner, and what can be seen of it. */
#include "driver.h"

TEST(fill_twice, "fill writes every byte, again at each NOTIFY")
{
	size_t bytes = 8 << 20;
	unsigned char *memory = region(bytes);
	struct pendshare_event event;
	int fd = device();

	CHECK_IS(share(fd, 1, memory, bytes, "fill"), 0);
	for (int round = 0; round < 3; round++) {
		size_t wrong = 0;

		CHECK_IS(pend(fd, 0, &event, 1), 1);
		CHECK_IS(event.kind, PENDSHARE_EVENT_DOORBELL);
		for (size_t i = 0; i < bytes; i++)
			wrong += memory[i] != round;
		CHECK_IS(wrong, 0);
		CHECK_IS(notify(fd, 1), 0);
	}
	CHECK_IS(end(fd, PENDSHARE_IOC_RELEASE, 1, 0, &event), 0);
	CHECK_IS(event.value, bytes);
	close(fd);
	munmap(memory, bytes);
	check_nothing_left();
}

/* Every mix of long and short runs: parts of huge pages, small pages, and both in one share. */
TEST(fill_runs, "fill reaches every byte of memory that is contiguous, scattered, or both")
{
	static const unsigned int lengths[] = { 1, 2, 5, 31, 33, 511, 512, 513, 700, 1024, 1300 };
	size_t huge_bytes = 512 * PAGE, bytes = 4 * huge_bytes;
	unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *huge = (void *)(((uintptr_t)memory + huge_bytes - 1) & ~(huge_bytes - 1));
	struct pendshare_event event;
	int fd = device();

	NEED(memory != MAP_FAILED);
	madvise(huge, huge_bytes, MADV_HUGEPAGE);
	madvise(huge + huge_bytes, huge_bytes, MADV_NOHUGEPAGE);
	memset(huge, 0xee, 3 * huge_bytes);
	for (unsigned int i = 0; i < 2 * sizeof(lengths) / sizeof(*lengths); i++) {
		struct pendshare_fill_options options = { .rounds = 1, .first = i + 1 };
		unsigned char *from = huge + (i % 2 ? 100 * PAGE : 0);
		size_t length = lengths[i / 2] * PAGE, wrong = 0;
		unsigned char behind = from[length];

		CHECK_IS(SHARE_WITH(fd, 1, from, length, "fill", options), 0);
		event = next_but_doorbells(fd);
		CHECK_IS(event.value, length);
		for (size_t j = 0; j < length; j++)
			wrong += from[j] != i + 1;
		CHECK_IS(wrong, 0);
		CHECK_IS(from[length], behind);
	}
	close(fd);
	munmap(memory, bytes);
	check_nothing_left();
}

TEST(fill_timed, "fill with a period fills so many rounds and ends by itself")
{
	struct pendshare_fill_options options = { .period_ns = 1000000, .rounds = 5, .first = 254 };
	unsigned char *memory = region(PAGE);
	struct pendshare_event event;
	int fd = device();

	CHECK_IS(SHARE_WITH(fd, 1, memory, PAGE, "fill", options), 0);
	event = next_but_doorbells(fd);
	CHECK_IS(event.reason, PENDSHARE_PEER_ENDED);
	CHECK_IS(event.value, PAGE);
	CHECK_IS(memory[0], 2); /* 254, 255, 0, 1, 2 */
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(no_peer, "without a peer the memory is pinned and stays as it is")
{
	unsigned char *memory = region(PAGE);
	struct pendshare_event event;
	int fd = device();

	CHECK_IS(share(fd, 1, memory, PAGE, ""), 0);
	CHECK_IS(info(fd).pinned_pages, 1);
	CHECK_IS(notify(fd, 1), -EOPNOTSUPP);
	CHECK_IS(end(fd, PENDSHARE_IOC_RELEASE, 1, 0, &event), 0);
	CHECK_IS(event.value, 0);
	CHECK_IS(memory[5], 0xee);
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(deadline, "a deadline ends the share when it has passed")
{
	void *memory = region(PAGE);
	struct pendshare_share args = lend(1, memory, PAGE, "fill");
	struct pendshare_event event;
	int fd = device();

	args.deadline_ns = 2000000;
	CHECK_IS(share_args(fd, args), 0);
	event = next_but_doorbells(fd);
	CHECK_IS(event.reason, PENDSHARE_DEADLINE);
	args.id = 2;
	args.deadline_ns = 3600000000000;
	CHECK_IS(share_args(fd, args), 0);
	CHECK_IS(end(fd, PENDSHARE_IOC_RELEASE, 2, 0, &event), 0);
	CHECK_IS(event.reason, PENDSHARE_RELEASED);
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(recalled, "a recall asks for the memory, and takes it after the grace time")
{
	unsigned char *memory = region(3 * PAGE);
	struct pendshare_event event;
	int fd = device();

	for (int i = 0; i < 3; i++)
		CHECK_IS(share(fd, i + 1, memory + i * PAGE, PAGE, ""), 0);
	CHECK_IS(revoke_all(fd, 3600001), -EINVAL);
	CHECK_IS(revoke_all(fd, 3600000), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_IS(pend(fd, 0, &event, 1), 1);
		CHECK_IS(event.kind, PENDSHARE_EVENT_RECALL);
		CHECK_IS(event.value, 3600000);
	}
	CHECK_IS(release_share(fd, 1), 0); /* the owner complies */
	CHECK_IS(revoke_all(fd, 10), 0);   /* more pressing than the first */
	for (int recalls = 0, ends = 0; ends < 2;) {
		CHECK_IS(pend(fd, 0, &event, 1), 1);
		if (event.kind == PENDSHARE_EVENT_RECALL) {
			CHECK_IS(event.value, 10);
			CHECK(++recalls <= 2);
		} else {
			CHECK_IS(event.reason, PENDSHARE_RECALLED);
			ends++;
		}
	}
	CHECK_IS(share(fd, 4, memory, PAGE, ""), 0); /* the file lives on */
	close(fd);
	munmap(memory, 3 * PAGE);
	check_nothing_left();
}

TEST(revoked, "REVOKE ends everything and leaves the file dead; a new one works")
{
	unsigned char *memory = region(2 * PAGE);
	int fd = device(), other = device();
	struct pendshare_event events[8];

	CHECK_IS(share(fd, 1, memory, PAGE, ""), 0);
	CHECK_IS(share(other, 1, memory + PAGE, PAGE, ""), 0);
	CHECK_IS(revoke_all(other, 0), 0);
	for (int i = 0; i < 2; i++) {
		int at = i ? other : fd;

		CHECK_IS(pend(at, 0, &events[0], 1), 1);
		CHECK_IS(events[0].kind, PENDSHARE_EVENT_END);
		CHECK_IS(events[0].reason, PENDSHARE_DEVICE_REMOVED);
		CHECK_IS(pend(at, 0, NULL, 1), -EFAULT);
		CHECK_IS(pend(at, 0, &events[0], 8), 1);
		CHECK_IS(events[0].kind, PENDSHARE_EVENT_REMOVED);
		CHECK_IS(events[0].id, 0);
		CHECK_IS(pend(at, 0, events, 8), -ENODEV);
		CHECK_IS(share(at, 2, memory, PAGE, ""), -ENODEV);
		CHECK_IS(notify(at, 1), -ENODEV);
		CHECK_IS(revoke_all(at, 0), -ENODEV);
		CHECK_IS(info(at).shares, 0);
		CHECK_IS(close_down(at), 0);
		CHECK_IS(pend(at, 0, events, 8), -ESHUTDOWN);
		close(at);
	}
	fd = device();
	CHECK_IS(share(fd, 1, memory, PAGE, ""), 0);
	close(fd);
	munmap(memory, 2 * PAGE);
	check_nothing_left();
}

TEST(eventfd_rings, "an eventfd counts every ring")
{
	unsigned char *memory = region(PAGE);
	struct pendshare_share args = lend(1, memory, PAGE, "fill");
	struct pendshare_fill_options options = { .period_ns = 100000, .rounds = 10 };
	int fd = device(), event_fd = eventfd(0, 0);
	__u64 rings = 0, sum = 0;
	struct pendshare_event event;

	memcpy(args.options, &options, sizeof(options));
	args.options_size = sizeof(options);
	args.flags = PENDSHARE_SHARE_EVENT;
	args.event = event_fd;
	CHECK_IS(share_args(fd, args), 0);
	while (sum < 10) {
		NEED(read(event_fd, &rings, 8) == 8);
		sum += rings;
	}
	CHECK_IS(sum, 10);
	event = next_but_doorbells(fd);
	CHECK_IS(event.reason, PENDSHARE_PEER_ENDED);
	close(fd);
	close(event_fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

static bool file_says(const char *path, const char *text)
{
	char line[512];
	FILE *file = fopen(path, "r");
	bool found = false;

	NEED(file);
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, text);
	fclose(file);
	return found;
}

TEST(fdinfo, "fdinfo lists the shares")
{
	void *memory = region(4 * PAGE);
	struct pendshare_share args = lend(77, memory, 4 * PAGE, "fill");
	struct pendshare_event event;
	char path[64], line[128];
	int fd = device();

	strcpy(args.label, "a b\n");
	CHECK_IS(share_args(fd, args), 0);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	CHECK(file_says(path, "pendshare:\tshares 1 pinned_pages 4\n"));
	snprintf(line, sizeof(line), "share:\tid 77 bytes %lu access rw peer fill state pended rings 1 "
		 "missed - label a\\040b\\012\n", 4 * PAGE);
	CHECK(file_says(path, line));
	close(fd);
	munmap(memory, 4 * PAGE);
	check_nothing_left();
}

TEST(fdinfo_missed, "fdinfo says what a timer missed: 0 at first, then what the ring of a clock says")
{
	struct pendshare_fill_options hourly = { .period_ns = 3600000000000ull };
	struct pendshare_clock_options often = { .period_ns = 50000, .ticks = 500 };
	unsigned char *memory = region(4 * PAGE);
	struct pendshare_ring_shared *shared = (void *)memory;
	char path[64], line[64];
	int fd = device();

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	CHECK_IS(SHARE_WITH(fd, 1, memory + 2 * PAGE, 2 * PAGE, "fill", hourly), 0);
	CHECK(file_says(path, " missed 0 label "));
	CHECK_IS(release_share(fd, 1), 0);
	CHECK_IS(SHARE_WITH(fd, 2, memory, 2 * PAGE, "clock", often), 0);
	/* It stays listed, as nobody takes its END; nothing is counted any more. */
	while (!file_says(path, " state ended "))
		sched_yield();
	snprintf(line, sizeof(line), " missed %u label \n", shared->missed);
	CHECK(file_says(path, line));
	close(fd);
	munmap(memory, 4 * PAGE);
	check_nothing_left();
}

#define TRACING "/sys/kernel/tracing/"

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	NEED(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* The format with the size of a page. */
static const char *traced(const char *format)
{
	static char text[128];

	snprintf(text, sizeof(text), format, PAGE);
	return text;
}

TEST(tracepoints, "tracepoints tell of share, doorbell and end")
{
	void *memory = region(PAGE);
	struct pendshare_event event;
	int fd = device();

	if (access(TRACING "events/pendshare", F_OK))
		SKIP("no tracing file system");
	write_text(TRACING "trace", "\n");
	write_text(TRACING "events/pendshare/enable", "1");
	CHECK_IS(share(fd, 4242, memory, PAGE, "fill"), 0);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	CHECK_IS(release_share(fd, 4242), 0);
	write_text(TRACING "events/pendshare/enable", "0");
	CHECK(file_says(TRACING "trace", traced("pendshare_share: id=4242 bytes=%lu access=3 runs=1")));
	CHECK(file_says(TRACING "trace", "pendshare_doorbell: id=4242 rings=1"));
	CHECK(file_says(TRACING "trace", traced("pendshare_end: id=4242 bytes=%lu reason=1")));
	write_text(TRACING "trace", "\n");
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

MAIN
