// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Peers in modules of their own: what they may do in interrupts and in attach. */
#include "../peer-test/probe.h"
#include "driver.h"
#include "loaded.h"

static int probe(int fd, __u64 id, void *memory, __u64 bytes, __u32 task)
{
	return SHARE_WITH(fd, id, memory, bytes, "probe", task);
}

TEST(invert, "the example peer inverts the memory at each NOTIFY")
{
	unsigned char *memory = region(64 * PAGE);
	struct pendshare_event event;
	int fd = device();

	NEED_PEER("invert");
	CHECK_IS(share(fd, 1, memory, 64 * PAGE, "invert"), 0);
	for (int round = 0; round < 4; round++) {
		CHECK_IS(notify(fd, 1), 0);
		CHECK_IS(pend(fd, 0, &event, 1), 1);
		CHECK_IS(event.kind, PENDSHARE_EVENT_DOORBELL);
		CHECK_IS(memory[0], round % 2 ? 0xee : 0x11);
		CHECK_IS(memory[64 * PAGE - 1], round % 2 ? 0xee : 0x11);
	}
	CHECK_IS(end(fd, PENDSHARE_IOC_RELEASE, 1, 0, &event), 0);
	CHECK_IS(event.value, 64 * PAGE);
	close(fd);
	munmap(memory, 64 * PAGE);
	check_nothing_left();
}

TEST(refused, "what a peer that refuses the share has rung and ended does not exist")
{
	unsigned char *memory = region(PAGE);
	struct pendshare_event event;
	int fd = device();

	NEED_PEER("probe");
	set_nonblocking(fd);
	CHECK_IS(probe(fd, 1, memory, PAGE, PROBE_REFUSE), -ENXIO);
	CHECK_IS(notify(fd, 1), -ENOENT);
	CHECK_IS(SHARE_WITH(fd, 1, memory, PAGE, "probe", (char){ 0 }), -EINVAL);
	CHECK_IS(pend(fd, 0, &event, 1), -EAGAIN);
	CHECK_IS(release_share(fd, 1), -ENOENT);
	CHECK_IS(info(fd).shares, 0);
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(at_once, "a share that its peer ends while it attaches is accepted, and ends")
{
	unsigned char *memory = region(PAGE);
	struct pendshare_event event;
	int fd = device();

	NEED_PEER("probe");
	for (int i = 0; i < 100; i++) {
		CHECK_IS(probe(fd, 1, memory, PAGE, PROBE_END_AT_ONCE), 0);
		CHECK_IS(pend(fd, 0, &event, 1), 1);
		CHECK_IS(event.kind, PENDSHARE_EVENT_DOORBELL);
		CHECK_IS(event.value, 2);
		CHECK_IS(pend(fd, 0, &event, 1), 1);
		CHECK_IS(event.kind, PENDSHARE_EVENT_END);
		CHECK_IS(event.reason, PENDSHARE_PEER_ENDED);
	}
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(taken_id, "a peer is detached again when the id is in use")
{
	unsigned char *memory = region(2 * PAGE);
	int fd = device();

	NEED_PEER("probe");
	CHECK_IS(share(fd, 1, memory, PAGE, ""), 0);
	CHECK_IS(probe(fd, 1, memory + PAGE, PAGE, PROBE_HARD_END), -EEXIST);
	CHECK_IS(info(fd).shares, 1);
	close(fd);
	munmap(memory, 2 * PAGE);
	check_nothing_left();
}

TEST(hard_ring, "doorbells, an eventfd's too, ring from a hard interrupt")
{
	struct pendshare_share args;
	void *memory = region(PAGE);
	int fd = device(), event_fd = eventfd(0, 0);
	struct pendshare_event event;
	__u32 task = PROBE_HARD_RING;
	__u64 rings = 0, got;

	NEED_PEER("probe");
	args = lend(1, memory, PAGE, "probe");
	args.options_size = sizeof(task);
	memcpy(args.options, &task, sizeof(task));
	args.flags = PENDSHARE_SHARE_EVENT;
	args.event = event_fd;
	CHECK_IS(share_args(fd, args), 0);
	for (; rings < 3; rings += event.value)
		CHECK_IS(pend(fd, 0, &event, 1), 1);
	CHECK_IS(rings, 3);
	for (rings = 0; rings < 3; rings += got)
		NEED(read(event_fd, &got, 8) == 8);
	CHECK_IS(rings, 3);
	close(fd);
	close(event_fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(hard_end, "a share ends from a hard interrupt")
{
	void *memory = region(2 * PAGE);
	struct pendshare_event event;
	int fd = device();

	NEED_PEER("probe");
	for (int i = 0; i < 1000; i++) {
		CHECK_IS(probe(fd, 1, memory, 2 * PAGE, PROBE_HARD_END), 0);
		CHECK_IS(pend(fd, 0, &event, 1), 1);
		CHECK_IS(event.kind, PENDSHARE_EVENT_DOORBELL);
		CHECK_IS(pend(fd, 0, &event, 1), 1);
		CHECK_IS(event.reason, PENDSHARE_PEER_ENDED);
		CHECK_IS(event.value, 2 * PAGE); /* bounded by the length */
		CHECK_IS(probe(fd, 1, memory, PAGE, PROBE_HARD_FAIL), 0);
		CHECK_IS(pend(fd, 0, &event, 1), 1);
		CHECK_IS(event.reason, PENDSHARE_FAILED);
		CHECK_IS(event.failure, PENDSHARE_FAILURE_PEER);
	}
	close(fd);
	munmap(memory, 2 * PAGE);
	check_nothing_left();
}

TEST(hard_recall, "a peer recalls a share from a hard interrupt")
{
	void *memory = region(PAGE);
	struct pendshare_event event;
	int fd = device();

	NEED_PEER("probe");
	CHECK_IS(probe(fd, 1, memory, PAGE, PROBE_HARD_RECALL), 0);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	CHECK_IS(event.kind, PENDSHARE_EVENT_RECALL);
	CHECK_IS(event.value, 5);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	CHECK_IS(event.reason, PENDSHARE_RECALLED);
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(late_recall, "a recall by a peer that is being detached starts no timer that outlives the share")
{
	void *memory = region(PAGE);
	int fd = device();

	NEED_PEER("probe");
	for (int i = 0; i < 1000; i++) {
		CHECK_IS(probe(fd, 1, memory, PAGE, PROBE_RECALL_IN_DETACH), 0);
		CHECK_IS(release_share(fd, 1), 0);
	}
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

TEST(sgtable, "the table for DMA, and lists of parts, hold the pages in their order")
{
	__u64 *memory = region(600 * PAGE);
	int fd = device();

	NEED_PEER("probe");
	for (__u32 task = PROBE_SGTABLE; task <= PROBE_SG; task++) {
		for (int i = 0; i < 600; i++)
			memory[i * PAGE / 8] = i;
		CHECK_IS(probe(fd, 1, memory, 600 * PAGE, task), 0);
		CHECK_IS(release_share(fd, 1), 0);
		CHECK_IS(memory[0], 0);
		for (int i = 1; i < 600; i++)
			CHECK_IS(memory[i * PAGE / 8], i - 1);
	}
	CHECK_IS(probe(fd, 1, memory, 600 * PAGE, PROBE_DMA_FAR), -EOPNOTSUPP);
	close(fd);
	munmap(memory, 600 * PAGE);
	check_nothing_left();
}

MAIN
