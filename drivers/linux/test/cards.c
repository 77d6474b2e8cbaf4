// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Peers that come and go while they are shared with: cards that are plugged and unplugged, a module that is unloaded. */
#include "../peer-test/probe.h"
#include "driver.h"
#include "loaded.h"

/* Plugs and unplugs the test peer's cards: there are `count` when it returns. */
static void set_cards(int count)
{
	int fd = open("/sys/module/pendshare_probe/parameters/cards", O_WRONLY | O_CLOEXEC);
	char text[16];

	NEED(fd >= 0);
	snprintf(text, sizeof(text), "%d", count);
	NEED(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

TEST(cards, "each card of a driver is a peer of its own, and gets its own context")
{
	__u64 *memory = region(PROBE_CARDS * PAGE);
	char name[] = "probe0";
	int fd = device();

	NEED_PEER("probe");
	CHECK(!is_loaded("probe0"));
	set_cards(PROBE_CARDS);
	for (int i = 0; i < PROBE_CARDS; i++) {
		name[5] = '0' + i;
		CHECK(is_loaded(name));
		CHECK_IS(SHARE_WITH(fd, i + 1, memory + i * PAGE / 8, PAGE, name, (__u32){ PROBE_CARD }), 0);
		CHECK_IS(memory[i * PAGE / 8], i);
	}
	for (int i = 0; i < PROBE_CARDS; i++)
		CHECK_IS(release_share(fd, i + 1), 0);
	set_cards(0);
	CHECK(!is_loaded("probe0"));
	close(fd);
	munmap(memory, PROBE_CARDS * PAGE);
	check_nothing_left();
}

TEST(unplugged, "shares of a card that is unplugged end as DEVICE_REMOVED, and nobody else's")
{
	unsigned char *memory = region(3 * PAGE);
	struct pendshare_event event;
	int fd = device();

	NEED_PEER("probe");
	set_cards(2);
	CHECK_IS(SHARE_WITH(fd, 1, memory, PAGE, "probe1", (__u32){ PROBE_NOTHING }), 0);
	CHECK_IS(SHARE_WITH(fd, 2, memory + PAGE, PAGE, "probe0", (__u32){ PROBE_NOTHING }), 0);
	CHECK_IS(share(fd, 3, memory + 2 * PAGE, PAGE, ""), 0);
	set_cards(1);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	CHECK_IS(event.id, 1);
	CHECK_IS(event.kind, PENDSHARE_EVENT_END);
	CHECK_IS(event.reason, PENDSHARE_DEVICE_REMOVED);
	CHECK_IS(info(fd).shares, 2);
	CHECK_IS(SHARE_WITH(fd, 1, memory, PAGE, "probe1", (__u32){ PROBE_NOTHING }), -ENOENT);
	set_cards(2);
	CHECK_IS(SHARE_WITH(fd, 1, memory, PAGE, "probe1", (__u32){ PROBE_NOTHING }), 0);
	for (int id = 1; id <= 3; id++)
		CHECK_IS(release_share(fd, id), 0);
	set_cards(0);
	close(fd);
	munmap(memory, 3 * PAGE);
	check_nothing_left();
}

struct sharer {
	int fd;
	unsigned char *memory;
	_Atomic unsigned long accepted;
	unsigned long removed;
	_Atomic bool stop;
	struct thread thread;
};

/* Shares with a card that comes and goes, and leaves every second end to it. Each has one END. */
static void *share_again_and_again(void *context)
{
	struct sharer *sharer = context;
	struct pendshare_event event;

	while (!sharer->stop) {
		int error = SHARE_WITH(sharer->fd, 1, sharer->memory, PAGE, "probe0", (__u32){ PROBE_HARD_RING });

		if (error == -ENOENT)
			continue;
		CHECK_IS(error, 0);
		sharer->accepted++;
		error = -EALREADY;
		if (sharer->accepted % 2)
			error = end(sharer->fd, PENDSHARE_IOC_RELEASE, 1, 0, &event);
		if (error == -EALREADY)
			event = next_but_doorbells(sharer->fd);
		CHECK_IS(event.kind, PENDSHARE_EVENT_END);
		sharer->removed += event.reason == PENDSHARE_DEVICE_REMOVED;
	}
	return NULL;
}

TEST(unplug_race, "a card is unplugged while it is being shared with, and every share has one end")
{
	struct sharer sharer = { .fd = device(), .memory = region(PAGE) };

	NEED_PEER("probe");
	thread_start(&sharer.thread, share_again_and_again, &sharer);
	for (int round = 0; round < 200; round++) {
		unsigned long before = sharer.accepted;

		set_cards(1);
		while (round % 2 && sharer.accepted == before)
			sched_yield();
		set_cards(0);
	}
	sharer.stop = true;
	thread_join(&sharer.thread);
	printf("# %lu shares, %lu ended by the removal\n", sharer.accepted, sharer.removed);
	CHECK(sharer.removed > 0);
	CHECK_IS(info(sharer.fd).shares, 0);
	close(sharer.fd);
	munmap(sharer.memory, PAGE);
	check_nothing_left();
}

/* The last test that needs this peer: nothing here can load it again. */
TEST(unloaded, "a peer's module can be unloaded while it has shares")
{
	unsigned char *memory = region(2 * PAGE);
	struct pendshare_event event;
	int fd = device();

	NEED_PEER("invert");
	CHECK_IS(share(fd, 1, memory, PAGE, "invert"), 0);
	CHECK_IS(share(fd, 2, memory + PAGE, PAGE, ""), 0);
	CHECK_IS(syscall(SYS_delete_module, "pendshare_invert", O_NONBLOCK), 0);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	CHECK_IS(event.id, 1);
	CHECK_IS(event.reason, PENDSHARE_DEVICE_REMOVED);
	CHECK(!is_loaded("invert"));
	CHECK_IS(release_share(fd, 2), 0);
	close(fd);
	munmap(memory, 2 * PAGE);
	check_nothing_left();
}

MAIN
