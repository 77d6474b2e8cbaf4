// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Cards that go while their DMA is under way: pulled out by the machine's owner, who is asked by lines in $PENDSHARE_SCRATCH/pull
 * (testbed/linux-vm/slots.ts), unbound, with their driver unloaded, reset; cards that answer no more, and cards that never finish.
 */
#define CARDS 16
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "edu.h"

#define BYTES (2 * PAGE)

/* How often a card goes in each way. */
static int times(void)
{
	const char *text = getenv("PENDSHARE_TIMES");

	return text ? atoi(text) : 200;
}

/* Its driver brings it up some time after it was plugged in. */
static void share_when_up(int fd, int id, void *memory, int number)
{
	char name[16];
	int error;

	snprintf(name, sizeof(name), "edu%d", number);
	while ((error = share(fd, id, memory, BYTES, name)) == -ENOENT)
		sched_yield();
	NEED(error == 0);
}

static void ask_for_pulling_all(void)
{
	int fd;
	char path[256];

	snprintf(path, sizeof(path), "%s/pull", getenv("PENDSHARE_SCRATCH"));
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	NEED(fd >= 0);
	for (int card = 0; card < CARDS; card++)
		NEED(dprintf(fd, "slot%d\n", card) > 0);
	NEED(fsync(fd) == 0);
	close(fd);
}

/*
 * Until each of the first `count` shares has ended. Those that are rung before are notified again, so that there is
 * always a transfer under way. After its end nobody writes into their memory.
 */
static void wait_for_ends(int fd, int count, unsigned char *memory)
{
	bool ended[CARDS + 1] = { false };
	struct pendshare_event event;

	for (int ends = 0; ends < count;) {
		NEED(pend(fd, 0, &event, 1) == 1);
		NEED(event.id >= 1 && event.id <= (__u64)count);
		if (event.kind == PENDSHARE_EVENT_DOORBELL) {
			notify(fd, event.id);
			continue;
		}
		CHECK_IS(event.kind, PENDSHARE_EVENT_END);
		CHECK_IS(event.reason, PENDSHARE_DEVICE_REMOVED);
		CHECK(!ended[event.id]);
		ended[event.id] = true;
		ends++;
		memset(memory + (event.id - 1) * BYTES, 0x5a, BYTES);
	}
	CHECK_IS(info(fd).shares, 0);
}

static void check_untouched(const unsigned char *memory, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (memory[i] != 0x5a) {
			CHECK(!"memory was written after the end of its share");
			return;
		}
}

TEST(pulled, "cards that are pulled out in the middle of a transfer end their shares, each once")
{
	unsigned char *memory = region(CARDS * BYTES);
	int fd = device(), pulled = 0;

	start_cards();
	for (; pulled < times(); pulled += CARDS) {
		for (int card = 0; card < CARDS; card++) {
			share_when_up(fd, card + 1, memory + card * BYTES, card);
			NEED(notify(fd, card + 1) == 0);
		}
		ask_for_pulling_all();
		wait_for_ends(fd, CARDS, memory);
	}
	printf("# %d cards pulled\n", pulled);
	for (int card = 0; card < CARDS; card++)
		share_when_up(fd, card + 1, memory + card * BYTES, card);
	check_untouched(memory, CARDS * BYTES);
	close(fd);
	munmap(memory, CARDS * BYTES);
	check_nothing_left();
}

TEST(unbound, "a card that is unbound in the middle of a transfer ends its share, each time")
{
	unsigned char *memory = region(BYTES);
	int fd = device();

	start_cards();
	for (int round = 0; round < times(); round++) {
		int card = round % CARDS;

		share_when_up(fd, 1, memory, card);
		NEED(notify(fd, 1) == 0);
		unplug(card);
		wait_for_ends(fd, 1, memory);
		plug(card, ALL_BITS);
	}
	check_untouched(memory, BYTES);
	close(fd);
	munmap(memory, BYTES);
	check_nothing_left();
}

#define MODULE "/run/pendshare/modules/pendshare-edu.ko" /* where the bed has put it */

/* Keeps the driver from all cards but the first two, or gives them back to it: bringing up sixteen takes it a second. */
static void reserve_cards(bool reserved)
{
	for (int card = 2; card < CARDS; card++) {
		if (reserved)
			unplug(card);
		write_of(cards[card], "driver_override", reserved ? "nobody" : "\n");
		if (!reserved)
			plug(card, ALL_BITS);
	}
}

TEST(unloaded, "the driver of the cards is unloaded in the middle of transfers, and loaded again, each time")
{
	unsigned char *memory = region(2 * BYTES);
	int fd = device(), module = open(MODULE, O_RDONLY | O_CLOEXEC);

	NEED(module >= 0);
	start_cards();
	reserve_cards(true);
	for (int round = 0; round < times(); round++) {
		for (int i = 0; i < 2; i++) {
			share_when_up(fd, i + 1, memory + i * BYTES, i);
			NEED(notify(fd, i + 1) == 0);
		}
		NEED(syscall(SYS_delete_module, "pendshare_edu", O_NONBLOCK) == 0);
		wait_for_ends(fd, 2, memory);
		CHECK_IS(share(fd, 1, memory, BYTES, "edu0"), -ENOENT);
		NEED(syscall(SYS_finit_module, module, "dma_bits=40", 0) == 0);
	}
	reserve_cards(false);
	check_untouched(memory, 2 * BYTES);
	close(module);
	close(fd);
	munmap(memory, 2 * BYTES);
	check_nothing_left();
}

static atomic_bool over;

/* Of the cards, the one that has a bridge for itself. */
static int resettable(void)
{
	char path[PATH_MAX];

	for (int card = 0; card < CARDS; card++) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", cards[card]);
		if (access(path, W_OK) == 0)
			return card;
	}
	NEED(!"a card that can be reset");
	return -1;
}

static void *reset_again_and_again(void *device)
{
	int fd = open_of(device, "reset", O_WRONLY);

	while (!over)
		NEED(write(fd, "1", 1) == 1);
	close(fd);
	return NULL;
}

TEST(reset, "a card is reset again and again while it is shared with, and while it goes")
{
	unsigned char *memory = region(BYTES);
	struct pendshare_event event;
	struct thread thread;
	int fd = device(), card;

	start_cards();
	card = resettable();
	over = false;
	thread_start(&thread, reset_again_and_again, cards[card]);
	for (int round = 0; round < 10; round++) {
		share_when_up(fd, 1, memory, card);
		memset(memory, round, BYTES);
		NEED(notify(fd, 1) == 0);
		if (round % 2) {
			CHECK_IS(pend(fd, 0, &event, 1), 1);
			CHECK_IS(event.kind, PENDSHARE_EVENT_DOORBELL);
			for (size_t i = 0; i < BYTES; i++)
				NEED(memory[i] == round);
		}
		unplug(card);
		wait_for_ends(fd, 1, memory);
		plug(card, ALL_BITS);
	}
	over = true;
	thread_join(&thread);
	check_untouched(memory, BYTES);
	close(fd);
	munmap(memory, BYTES);
	check_nothing_left();
}

#define PCI_COMMAND 0x04
#define PCI_COMMAND_MEMORY 2
#define PCI_COMMAND_MASTER 4
#define PCI_BUSES 0x18 /* of a bridge: primary, secondary, subordinate */
#define PCI_BAR_2 0x18 /* of a device */
#define BAR_BYTES (1 << 20)

/* What stood in the configuration of the bridge before a card was hidden behind it, and in that of the memory in its place. */
struct hidden {
	char bridge[16], ones[16];
	__u32 command, buses, bar[2];
};

static unsigned long number_of(const char *device, const char *file)
{
	int fd = open_of(device, file, O_RDONLY);
	char text[256] = "";

	NEED(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strtoul(text, NULL, 16);
}

/* Memory of its own behind BAR 2 (QEMU's ivshmem; the bed gives it BAR_BYTES). */
static void find_memory(char *device)
{
	DIR *directory = opendir("/sys/bus/pci/devices");
	struct dirent *entry;

	NEED(directory);
	do
		NEED(entry = readdir(directory));
	while (entry->d_name[0] == '.' || number_of(entry->d_name, "vendor") != 0x1af4 ||
	       number_of(entry->d_name, "device") != 0x1110);
	strcpy(device, entry->d_name);
	closedir(directory);
}

static void find_bridge(const char *device, char *bridge)
{
	char link[80], path[PATH_MAX];

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s", device);
	NEED(realpath(link, path));
	*strrchr(path, '/') = 0;
	strcpy(bridge, strrchr(path, '/') + 1);
}

/*
 * From now on the card's registers read as all ones, as those of a card that is gone. Its bridge lets no access through, and memory full of
 * ones answers at their address (QEMU would read zeroes where nothing is). `gone`: its configuration reads so too.
 */
static struct hidden hide(int card, bool gone)
{
	unsigned long bar = number_of(cards[card], "resource");
	struct hidden hidden;
	volatile void *memory;

	find_memory(hidden.ones);
	find_bridge(cards[card], hidden.bridge);
	write_of(hidden.ones, "enable", "1");
	memory = map_bar(hidden.ones, "resource2", BAR_BYTES);
	memset((void *)memory, 0xff, BAR_BYTES);
	munmap((void *)memory, BAR_BYTES);
	hidden.command = set_config(hidden.bridge, PCI_COMMAND, PCI_COMMAND_MEMORY, 0);
	hidden.bar[0] = set_config(hidden.ones, PCI_BAR_2, ~0u, (__u32)bar);
	hidden.bar[1] = set_config(hidden.ones, PCI_BAR_2 + 4, ~0u, (__u32)(bar >> 32));
	if (gone) /* QEMU's card is still there: as one that is not it writes nothing */
		set_config(cards[card], PCI_COMMAND, PCI_COMMAND_MASTER, 0);
	hidden.buses = set_config(hidden.bridge, PCI_BUSES, gone ? 0xffff00 : 0, gone ? 0xfefe00 : 0);
	return hidden;
}

static void show(const struct hidden *hidden)
{
	set_config(hidden->bridge, PCI_BUSES, ~0u, hidden->buses);
	set_config(hidden->ones, PCI_BAR_2, ~0u, hidden->bar[0]);
	set_config(hidden->ones, PCI_BAR_2 + 4, ~0u, hidden->bar[1]);
	set_config(hidden->bridge, PCI_COMMAND, ~0u, hidden->command);
	write_of(hidden->ones, "enable", "0");
}

/*
 * A share of a card that is hidden in the middle of a transfer ends, so do those that wait for the card or ask for it later, and the card
 * does its work again when it is back. Hiding takes its time: the first transfer may be over then, and its interrupt read ones or not; the second is never heard of again.
 */
static void lose(bool gone)
{
	unsigned char *memory = region(3 * BYTES);
	struct pendshare_event event;
	struct hidden hidden;
	int fd = device();

	start_cards();
	CHECK_IS(share(fd, 1, memory, BYTES, "edu0"), 0);
	CHECK_IS(share(fd, 2, memory + BYTES, BYTES, "edu0"), 0);
	CHECK_IS(share(fd, 3, memory + 2 * BYTES, BYTES, "edu0"), 0);
	CHECK_IS(notify(fd, 1), 0);
	hidden = hide(0, gone);
	CHECK_IS(notify(fd, 1), 0);
	CHECK_IS(notify(fd, 2), 0);
	CHECK_IS(end(fd, PENDSHARE_IOC_RELEASE, 1, 0, &event), 0);
	CHECK_IS(event.kind, PENDSHARE_EVENT_END);
	CHECK_IS(event.reason, PENDSHARE_RELEASED);
	memset(memory, 0x5a, BYTES);
	event = next_but_doorbells(fd);
	CHECK_IS(event.id, 2);
	CHECK_IS(event.reason, PENDSHARE_FAILED);
	notify(fd, 3); /* as it begins to end */
	event = next_but_doorbells(fd);
	CHECK_IS(event.id, 3);
	CHECK_IS(event.reason, PENDSHARE_FAILED);
	CHECK_IS(share(fd, 1, memory, BYTES, "edu0"), -ENXIO);
	unplug(0);
	CHECK_IS(share(fd, 1, memory, BYTES, "edu0"), -ENOENT);
	show(&hidden);
	check_untouched(memory, BYTES);
	plug(0, ALL_BITS);
	CHECK_IS(share(fd, 1, memory, BYTES, "edu0"), 0);
	CHECK_IS(notify(fd, 1), 0);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	CHECK_IS(event.kind, PENDSHARE_EVENT_DOORBELL);
	CHECK_IS(release_share(fd, 1), 0);
	close(fd);
	munmap(memory, 3 * BYTES);
	check_nothing_left();
}

TEST(never_ends, "a transfer that never ends is given up, and the card with it until it is started anew")
{
	lose(false);
}

TEST(gone, "a card that is gone before anyone was told, whose registers read as all ones, ends its share")
{
	lose(true);
}

MAIN
