// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Ports of virtio consoles whose queues point at shares, driven by ../../examples/linux/pendshare-vport.c:
 * what ends while frames are on their way. The bed feeds one port without an end, and takes what that
 * sends; to the other one nothing comes.
 */
#include <dirent.h>

#include "driver.h"
#include "framed.h"
#include "loaded.h"

#define DRIVER "/sys/bus/virtio/drivers/pendshare-vport"
#define PORTS 2
#define IN "vport1-in" /* of the port with an endless stream */
#define OUT "vport1-out"
#define STEP 0x9e3779b1u /* between words of the stream */
#define ROUNDS 20
#define COUNT 16u

/* A share of COUNT slots with a port, and the owner's side of it. */
struct way {
	int fd;
	__u64 id;
	unsigned char *memory;
	size_t length;
	struct pendshare_frames_owner frames;
	struct pendshare_event last;
};

static int begin(struct way *way, int fd, __u64 id, const char *peer, __u32 bytes)
{
	int error;

	*way = (struct way){ .fd = fd, .id = id, .length = length_of(COUNT, bytes) };
	way->memory = region(way->length);
	error = share_args(fd, ask(id, way->memory, peer, COUNT, bytes));
	if (!error)
		NEED(pendshare_frames_owner_init(&way->frames, way->memory, way->length) ==
		     PENDSHARE_FRAMES_OK);
	return error;
}

static void forget(struct way *way)
{
	munmap(way->memory, way->length);
}

static void finish(struct way *way)
{
	CHECK_IS(release_share(way->fd, way->id), 0);
	forget(way);
}

/* The next frame, or slot, of the only share of its file. False: the share ended. */
static bool next_frame(struct way *way, struct pendshare_frame *frame)
{
	for (;;) {
		switch (pendshare_frames_owner_take(&way->frames, frame)) {
		case PENDSHARE_FRAMES_OK:
			return true;
		case PENDSHARE_FRAMES_NONE:
			if (way->last.kind == PENDSHARE_EVENT_END)
				return false;
			if (pendshare_frames_owner_sleep(&way->frames))
				NEED(pend(way->fd, 0, &way->last, 1) == 1);
			break;
		default:
			tap_fail("the frames are corrupt");
			return false;
		}
	}
}

static int give(struct way *way, __u32 slot, __u32 bytes, __u32 flags)
{
	struct pendshare_frame frame = { .slot = slot, .bytes = bytes, .flags = flags };

	CHECK_IS(pendshare_frames_owner_give(&way->frames, &frame), PENDSHARE_FRAMES_OK);
	return pendshare_frames_owner_wakes(&way->frames) ? notify(way->fd, way->id) : 0;
}

/* Takes frames of the stream and gives them back, checks them word by word; *word: what comes next. */
static void receive(struct way *way, int frames, __u32 *word)
{
	struct pendshare_frame frame;

	for (int i = 0; i < frames; i++) {
		const __u32 *words;

		NEED(next_frame(way, &frame));
		NEED(frame.bytes && frame.bytes <= way->frames.bytes && frame.bytes % 4 == 0);
		words = (void *)pendshare_frames_owner_memory(&way->frames, frame.slot);
		if (!*word)
			*word = words[0];
		for (__u32 at = 0; at < frame.bytes / 4; at++, *word += STEP)
			NEED(words[at] == *word);
		CHECK_IS(give(way, frame.slot, 0, PENDSHARE_FRAME_EMPTY), 0);
	}
}

/* Submits frames of all lengths, none among them; the last ones are still on their way then. */
static void send_frames(struct way *way, __u32 frames)
{
	struct pendshare_frame frame;

	for (__u32 i = 0; i < frames; i++) {
		__u32 bytes = i % 3 ? way->frames.bytes - i % 1000 : i % 2;

		NEED(next_frame(way, &frame));
		CHECK_IS(frame.flags, PENDSHARE_FRAME_EMPTY);
		memset(pendshare_frames_owner_memory(&way->frames, frame.slot), (int)i, bytes);
		CHECK_IS(give(way, frame.slot, bytes, i % 7 ? 0 : PENDSHARE_FRAME_EMPTY), 0);
	}
}

TEST(refusals, "a share that is not of frames, with frames too long, or one too many, is refused")
{
	struct pendshare_share args;
	struct way in, out, long_one;
	int fd = device();

	NEED(is_loaded(IN) && is_loaded(OUT));
	CHECK_IS(begin(&in, fd, 1, IN, PAGE), 0);
	CHECK_IS(begin(&out, fd, 2, OUT, 128 * PAGE), 0);
	CHECK_IS(begin(&long_one, fd, 3, IN, PAGE), -EBUSY);
	forget(&long_one);
	CHECK_IS(begin(&long_one, fd, 3, OUT, PAGE), -EBUSY);
	forget(&long_one);
	finish(&in);
	finish(&out);
	CHECK_IS(begin(&long_one, fd, 3, IN, 129 * PAGE), -EINVAL);
	args = lend(3, long_one.memory, 16 * PAGE, IN);
	CHECK_IS(share_args(fd, args), -EINVAL);
	args = ask(3, long_one.memory, OUT, COUNT, PAGE);
	args.options_size = 4;
	CHECK_IS(share_args(fd, args), -EINVAL);
	args = ask(3, long_one.memory, IN, COUNT, PAGE);
	args.access = PENDSHARE_ACCESS_WRITE;
	CHECK_IS(share_args(fd, args), -EINVAL);
	forget(&long_one);
	CHECK_IS(begin(&in, fd, 3, IN, PAGE), 0); /* the port is free again */
	finish(&in);
	close(fd);
	check_nothing_left();
}

TEST(received, "what is fed in comes whole, also while the other direction begins and ends")
{
	__u32 word = 0;
	struct way in, out;
	int fd = device(), other = device();

	CHECK_IS(begin(&in, fd, 1, IN, 2 * PAGE), 0);
	for (int round = 0; round < ROUNDS; round++) {
		CHECK_IS(begin(&out, other, 1, OUT, 4 * PAGE), 0);
		send_frames(&out, round * 3);
		receive(&in, 10, &word);
		finish(&out);
		receive(&in, 10, &word);
	}
	CHECK_IS(((struct pendshare_frames_shared *)in.memory)->overruns, 0);
	finish(&in);
	close(other);
	close(fd);
	check_nothing_left();
}

TEST(sent, "what is submitted is sent, in frames of any length, also while the other direction begins and ends")
{
	struct pendshare_frame frame;
	struct way in, out;
	int fd = device(), other = device();

	CHECK_IS(begin(&out, fd, 1, OUT, 4 * PAGE), 0);
	for (int round = 0; round < ROUNDS; round++) {
		__u32 word = 0;

		CHECK_IS(begin(&in, other, 1, IN, PAGE), 0);
		receive(&in, round, &word);
		send_frames(&out, 3 * COUNT);
		finish(&in); /* resets the device */
		send_frames(&out, COUNT);
	}
	for (__u32 i = 0; i < COUNT; i++)
		NEED(next_frame(&out, &frame)); /* all of them came back */
	finish(&out);
	close(other);
	close(fd);
	check_nothing_left();
}

TEST(released, "after a release with frames on their way the device writes nothing")
{
	unsigned char *pattern;
	struct way in, again;
	int fd = device(), other = device();

	for (int round = 0; round < ROUNDS; round++) {
		__u32 word = 0;

		CHECK_IS(begin(&in, fd, 1, IN, PAGE), 0);
		receive(&in, round, &word);
		CHECK_IS(release_share(fd, 1), 0);
		memset(in.memory, round, in.length);
		/* The device fills others' slots meanwhile. */
		word = 0;
		CHECK_IS(begin(&again, other, 1, IN, PAGE), 0);
		receive(&again, 2 * COUNT, &word);
		finish(&again);
		pattern = malloc(in.length);
		memset(pattern, round, in.length);
		CHECK(!memcmp(pattern, in.memory, in.length));
		free(pattern);
		forget(&in);
	}
	close(other);
	close(fd);
	check_nothing_left();
}

TEST(nonsense, "a frame that the owner does not have ends its share as failed, and the other goes on")
{
	struct pendshare_event event;
	__u32 word = 0;
	struct way in, out;
	int fd = device(), other = device();

	CHECK_IS(begin(&in, fd, 1, IN, PAGE), 0);
	CHECK_IS(begin(&out, other, 1, OUT, PAGE), 0);
	send_frames(&out, 3);
	pendshare_store_release(&out.frames.shared->to_kernel, 77);
	CHECK_IS(notify(other, 1), 0);
	event = next_but_doorbells(other);
	CHECK_IS(event.reason, PENDSHARE_FAILED);
	CHECK_IS(event.failure, PENDSHARE_FAILURE_FRAMES);
	forget(&out);
	receive(&in, 10, &word);
	finish(&in);
	close(other);
	close(fd);
	check_nothing_left();
}

static int die(void *context)
{
	struct way in, out;
	__u32 word = 0;
	int fd = device(), other = device();

	NEED(begin(&in, fd, 1, IN, PAGE) == 0 && begin(&out, other, 1, OUT, PAGE) == 0);
	receive(&in, 5, &word);
	send_frames(&out, 20);
	kill(getpid(), SIGKILL);
	return 1;
}

TEST(killed, "an owner who is killed with frames on their way leaves nothing, and the port is free")
{
	for (int round = 0; round < ROUNDS / 4; round++) {
		CHECK_IS(in_child(die, NULL), -SIGKILL);
		check_nothing_left();
	}
}

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	NEED(fd >= 0);
	NEED(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* The device of the port with the stream: it has the higher number on the bus. */
static void find_port(char name[16])
{
	DIR *directory = opendir(DRIVER);
	struct dirent *entry;
	int found = 0;

	NEED(directory);
	*name = 0;
	while ((entry = readdir(directory))) {
		if (strncmp(entry->d_name, "virtio", 6))
			continue;
		found++;
		if (strcmp(entry->d_name, name) > 0)
			strcpy(name, entry->d_name);
	}
	closedir(directory);
	NEED(found == PORTS);
}

TEST(unbound, "a device that is unbound with frames on their way ends its shares, and nobody else's")
{
	struct way in, out, others;
	char port[16];
	int fd = device(), other = device(), third = device();

	find_port(port);
	CHECK_IS(begin(&others, third, 1, "vport0-in", PAGE), 0);
	for (int round = 0; round < ROUNDS; round++) {
		__u32 word = 0;

		CHECK_IS(begin(&in, fd, 1, IN, PAGE), 0);
		CHECK_IS(begin(&out, other, 1, OUT, 16 * PAGE), 0);
		receive(&in, round, &word);
		send_frames(&out, 2 * round);
		write_to(DRIVER "/unbind", port);
		CHECK_IS(next_but_doorbells(fd).reason, PENDSHARE_DEVICE_REMOVED);
		CHECK_IS(next_but_doorbells(other).reason, PENDSHARE_DEVICE_REMOVED);
		CHECK_IS(share_args(fd, ask(1, in.memory, IN, COUNT, PAGE)), -ENOENT);
		forget(&in);
		forget(&out);
		write_to(DRIVER "/bind", port);
	}
	finish(&others);
	close(third);
	close(other);
	close(fd);
	check_nothing_left();
}

/* The last: nothing here can load it again. */
TEST(unloaded, "the driver of the ports can be unloaded with frames on their way")
{
	struct way in, out;
	__u32 word = 0;
	int fd = device(), other = device();

	CHECK_IS(begin(&in, fd, 1, IN, PAGE), 0);
	CHECK_IS(begin(&out, other, 1, OUT, 16 * PAGE), 0);
	receive(&in, 5, &word);
	send_frames(&out, COUNT);
	CHECK_IS(syscall(SYS_delete_module, "pendshare_vport", O_NONBLOCK), 0);
	CHECK_IS(next_but_doorbells(fd).reason, PENDSHARE_DEVICE_REMOVED);
	CHECK_IS(next_but_doorbells(other).reason, PENDSHARE_DEVICE_REMOVED);
	CHECK(!is_loaded(IN));
	forget(&in);
	forget(&out);
	close(other);
	close(fd);
	check_nothing_left();
}

MAIN
