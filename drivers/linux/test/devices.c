// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Cards whose DMA goes into shares: QEMU's edu, driven by ../../examples/linux/pendshare-edu.c. */
#define CARDS 2
#include "edu.h"

/* With an IOMMU a device has addresses of its own for memory, and no others. */
static bool has_iommu(void)
{
	DIR *directory = opendir("/sys/class/iommu");
	struct dirent *entry;
	bool found = false;

	while (directory && (entry = readdir(directory)))
		found |= entry->d_name[0] != '.';
	if (directory)
		closedir(directory);
	return found;
}

static void fill(unsigned char *memory, size_t bytes, unsigned int seed)
{
	for (size_t i = 0; i < bytes; i++)
		memory[i] = (unsigned char)(i * 31 + (i >> 8) + seed);
}

TEST(copies, "what a card is sent from one half of a share it writes into the other, on two cards at once")
{
	size_t bytes = 4 * PAGE;
	unsigned char *memory[CARDS];
	struct pendshare_event event;
	int fd = device();

	start_cards();
	for (int card = 0; card < CARDS; card++) {
		memory[card] = region(bytes);
		fill(memory[card], bytes / 2, card);
		CHECK_IS(share(fd, card + 1, memory[card], bytes, card ? "edu1" : "edu0"), 0);
		CHECK_IS(notify(fd, card + 1), 0);
	}
	for (int card = 0; card < CARDS; card++) {
		CHECK_IS(pend(fd, 0, &event, 1), 1);
		CHECK_IS(event.kind, PENDSHARE_EVENT_DOORBELL);
	}
	for (int card = 0; card < CARDS; card++) {
		CHECK_IS(end(fd, PENDSHARE_IOC_RELEASE, card + 1, 0, &event), 0);
		CHECK_IS(event.value, bytes);
		CHECK(!memcmp(memory[card], memory[card] + bytes / 2, bytes / 2));
		munmap(memory[card], bytes);
	}
	close(fd);
	check_nothing_left();
}

TEST(turns, "shares of one card take turns, and each has its own bytes")
{
	size_t bytes = 2 * PAGE;
	unsigned char *memory = region(3 * bytes);
	struct pendshare_event event;
	int fd = device();

	for (int i = 0; i < 3; i++) {
		fill(memory + i * bytes, bytes / 2, 7 * i);
		CHECK_IS(share(fd, i + 1, memory + i * bytes, bytes, "edu0"), 0);
		CHECK_IS(notify(fd, i + 1), 0);
	}
	for (int rung = 0; rung < 3; rung++)
		CHECK_IS(pend(fd, 0, &event, 1), 1);
	for (int i = 0; i < 3; i++) {
		CHECK_IS(release_share(fd, i + 1), 0);
		CHECK(!memcmp(memory + i * bytes, memory + i * bytes + bytes / 2, bytes / 2));
	}
	close(fd);
	munmap(memory, 3 * bytes);
	check_nothing_left();
}

TEST(released, "after a release in the middle of a transfer the card writes nothing")
{
	size_t bytes = 2 * PAGE;
	unsigned char *memory = region(2 * bytes);
	struct pendshare_event event;
	int fd = device();

	CHECK_IS(share(fd, 9, memory + bytes, bytes, "edu0"), 0);
	for (int i = 0; i < 5; i++) {
		CHECK_IS(share(fd, 1, memory, bytes, "edu0"), 0);
		CHECK_IS(notify(fd, 1), 0);
		CHECK_IS(release_share(fd, 1), 0);
		memset(memory, i, bytes);
		/* The card has one transfer at a time: when these are over, so is that one. */
		CHECK_IS(notify(fd, 9), 0);
		CHECK_IS(pend(fd, 0, &event, 1), 1);
		CHECK_IS(event.id, 9);
		for (size_t j = 0; j < bytes; j++)
			NEED(memory[j] == i);
	}
	CHECK_IS(release_share(fd, 9), 0);
	close(fd);
	munmap(memory, 2 * bytes);
	check_nothing_left();
}

TEST(unbound, "a card that is unbound in the middle of a transfer ends its share, and the other goes on")
{
	size_t bytes = 2 * PAGE;
	unsigned char *memory = region(2 * bytes);
	struct pendshare_event event;
	int fd = device();

	CHECK_IS(share(fd, 9, memory + bytes, bytes, "edu0"), 0);
	for (int i = 0; i < 5; i++) {
		CHECK_IS(share(fd, 1, memory, bytes, "edu1"), 0);
		CHECK_IS(notify(fd, 1), 0);
		unplug(1);
		event = next_but_doorbells(fd);
		CHECK_IS(event.id, 1);
		CHECK_IS(event.kind, PENDSHARE_EVENT_END);
		CHECK_IS(event.reason, PENDSHARE_DEVICE_REMOVED);
		CHECK_IS(share(fd, 1, memory, bytes, "edu1"), -ENOENT);
		plug(1, ALL_BITS);
	}
	CHECK_IS(notify(fd, 9), 0);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	CHECK_IS(event.id, 9);
	CHECK_IS(release_share(fd, 9), 0);
	close(fd);
	munmap(memory, 2 * bytes);
	check_nothing_left();
}

TEST(far, "memory that a card cannot reach is refused, not copied")
{
	size_t bytes = 300 << 20; /* more than 28 bits of addresses */
	unsigned char *memory = region(bytes);
	int fd = device();

	unplug(0);
	plug(0, 28);
	CHECK_IS(share(fd, 1, memory, bytes, "edu0"), has_iommu() ? -ENOBUFS : -EOPNOTSUPP);
	CHECK_IS(info(fd).total_pinned_pages, 0);
	unplug(0);
	plug(0, ALL_BITS);
	close(fd);
	munmap(memory, bytes);
	check_nothing_left();
}

#define EDU_SOURCE (0x80 / 8)
#define EDU_TARGET (0x88 / 8)
#define EDU_COUNT (0x90 / 8)
#define EDU_COMMAND (0x98 / 8)
#define EDU_BUFFER 0x40000
#define EDU_WRITE 3 /* start, to memory */

/* The registers of a card that no driver has, which may master the bus all the same. */
static volatile __u64 *take_over(int card)
{
	write_of(cards[card], "enable", "1");
	set_config(cards[card], 4, 0, 4);
	return map_bar(cards[card], "resource0", 4096);
}

/*
 * The card still knows where it has written last. Without an IOMMU it writes there again, which shows
 * that it tries; with one the address was taken from it before the pages were unpinned.
 */
TEST(late, "a card that writes after the end of a share is stopped by the IOMMU, where there is one")
{
	size_t bytes = 2 * PAGE;
	unsigned char *memory = region(bytes);
	volatile __u64 *registers;
	struct pendshare_event event;
	int fd = device(), written = 0;

	fill(memory, bytes / 2, 1);
	CHECK_IS(share(fd, 1, memory, bytes, "edu1"), 0);
	CHECK_IS(notify(fd, 1), 0);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	unplug(1);
	event = next_but_doorbells(fd);
	CHECK_IS(event.reason, PENDSHARE_DEVICE_REMOVED);
	memset(memory, 0x5a, bytes);
	registers = take_over(1);
	registers[EDU_SOURCE] = EDU_BUFFER;
	registers[EDU_TARGET] = registers[EDU_TARGET];
	registers[EDU_COUNT] = 1024;
	registers[EDU_COMMAND] = EDU_WRITE;
	while (registers[EDU_COMMAND] & 1)
		sched_yield();
	for (size_t i = 0; i < bytes; i++)
		written += memory[i] != 0x5a;
	printf("# %d bytes were written after the end, %s an IOMMU\n", written, has_iommu() ? "with" : "without");
	CHECK((written == 0) == has_iommu());
	munmap((void *)registers, 4096);
	write_of(cards[1], "enable", "0");
	plug(1, ALL_BITS);
	close(fd);
	munmap(memory, bytes);
	check_nothing_left();
}

/* The last: nothing here can load it again. */
TEST(unloaded, "the driver of the cards can be unloaded in the middle of a transfer")
{
	size_t bytes = 2 * PAGE;
	unsigned char *memory = region(CARDS * bytes);
	struct pendshare_event event;
	int fd = device();

	for (int card = 0; card < CARDS; card++) {
		CHECK_IS(share(fd, card + 1, memory + card * bytes, bytes, card ? "edu1" : "edu0"), 0);
		CHECK_IS(notify(fd, card + 1), 0);
	}
	CHECK_IS(syscall(SYS_delete_module, "pendshare_edu", O_NONBLOCK), 0);
	for (int card = 0; card < CARDS; card++) {
		event = next_but_doorbells(fd);
		CHECK_IS(event.reason, PENDSHARE_DEVICE_REMOVED);
	}
	close(fd);
	munmap(memory, CARDS * bytes);
	check_nothing_left();
}

MAIN
