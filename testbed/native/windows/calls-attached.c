// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What a peer is given in attach, and what it gives back: options of any length, the pages for DMA, a reply. */
#include "calls.h"

static ULONG looked_size, looked_sum;

/* Looks at every byte of its options, and has no use for the share. */
static NTSTATUS look(void *context, struct pendshare_share_context *share, const void *options,
		     ULONG size, void **attachment)
{
	const UCHAR *bytes = options;

	(void)context;
	(void)share;
	*attachment = NULL;
	looked_size = size;
	for (looked_sum = 0; size; size--)
		looked_sum += *bytes++;
	return STATUS_UNSUCCESSFUL;
}

/* A SHARE with its options behind it, in an allocation as long as it claims to be. */
static NTSTATUS with_long_options(struct handle *handle, void *memory, ULONG options_size,
				  ULONG sent, ULONG64 more)
{
	struct pendshare_share share = user_share(1, "look", BOTH);
	UCHAR *input = malloc(sizeof(share) + sent);
	NTSTATUS status;

	share.options_size = options_size;
	share.more = more;
	memcpy(input, &share, sizeof(share));
	memset(input + sizeof(share), 3, sent);
	status = ended(fake_start(handle, PENDSHARE_IOC_SHARE, input, sizeof(share) + sent, memory,
				  PAGE_SIZE),
		       NULL);
	free(input);
	return status;
}

static void test_long_options(void)
{
	const struct pendshare_peer_ops ops = { .attach = look,
						.start = guest_ops.start,
						.stop = guest_ops.stop,
						.detach = guest_ops.detach };
	const ULONG64 behind = sizeof(struct pendshare_share);
	struct handle *handle = fake_open(0, NULL);
	void *memory = user_pages(1);
	struct pendshare_peer *peer;

	expect(pendshare_peer_add(&ops, "look", NULL, &peer), STATUS_SUCCESS, "a peer that looks");
	expect(with_long_options(handle, memory, 65, 65, behind), STATUS_UNSUCCESSFUL,
	       "65 bytes of options, behind the structure");
	tap(looked_size == 65 && looked_sum == 3 * 65, "reach the peer whole");
	expect(with_long_options(handle, memory, 4096, 4096, behind), STATUS_UNSUCCESSFUL,
	       "4096 bytes of them");
	tap(looked_size == 4096 && looked_sum == 3 * 4096, "reach the peer whole");
	looked_size = 0;
	expect(with_long_options(handle, memory, 65, 64, behind), STATUS_INVALID_PARAMETER,
	       "fewer than they claim to be");
	expect(with_long_options(handle, memory, 65, 65, behind - 8), STATUS_INVALID_PARAMETER,
	       "options that begin within the structure");
	expect(with_long_options(handle, memory, 65, 200, behind + 8), STATUS_INVALID_PARAMETER,
	       "options that begin behind a hole");
	expect(with_long_options(handle, memory, 65, 65, ~0ull), STATUS_INVALID_PARAMETER,
	       "options at the end of all addresses");
	expect(with_long_options(handle, memory, 4097, 4097, behind), STATUS_INVALID_PARAMETER,
	       "4097 bytes of options");
	tap(looked_size == 0, "and no peer hears of these");
	pendshare_peer_remove(peer);
	fake_close(handle);
	free(memory);
}

/* Replies, and then does as guest does; with two bytes of options guest has no use for the share. */
static NTSTATUS answer(void *context, struct pendshare_share_context *share, const void *options,
		       ULONG size, void **attachment)
{
	UCHAR reply[PENDSHARE_REPLY_MAX];

	memset(reply, 0x5a, sizeof(reply));
	pendshare_share_reply(share, "forgotten", 9);
	pendshare_share_reply(share, reply, sizeof(reply));
	pendshare_share_reply(share, reply, sizeof(reply) + 1);
	return guest_ops.attach(context, share, options, size, attachment);
}

/* Of each byte that is not what it should be. The first so many are the reply's. */
static unsigned int wrong_in(const UCHAR *reply, unsigned int replied)
{
	unsigned int wrong = 0;
	unsigned int i;

	for (i = 0; i < PENDSHARE_REPLY_MAX; i++)
		wrong += reply[i] != (i < replied ? 0x5a : 0x11);
	return wrong;
}

static struct io *share_for_reply(struct handle *handle, void *memory, UCHAR *reply, ULONG size,
				  ULONG options_size)
{
	struct pendshare_share share = user_share(1, "answer", BOTH);

	memset(reply, 0x11, PENDSHARE_REPLY_MAX);
	share.options_size = options_size;
	share.reply = size ? (ULONG_PTR)reply : 0;
	share.reply_size = size;
	return user_start(handle, &share, memory, 1);
}

static void test_reply(void)
{
	const struct pendshare_peer_ops ops = { .attach = answer,
						.start = guest_ops.start,
						.stop = guest_ops.stop,
						.detach = guest_ops.detach };
	static const ULONG sizes[] = { 0, 1, 8, 255, 256 };
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share nowhere = user_share(1, "answer", BOTH);
	void *memory = user_pages(1);
	struct pendshare_peer *peer;
	unsigned int i;

	expect(pendshare_peer_add(&ops, "answer", &guests, &peer), STATUS_SUCCESS,
	       "a peer that replies");
	for (i = 0; i < RTL_NUMBER_OF(sizes); i++) {
		UCHAR *reply = malloc(PENDSHARE_REPLY_MAX);
		struct io *io = share_for_reply(handle, memory, reply, sizes[i], 0);

		tap(!wrong_in(reply, sizes[i]), "a reply of %u bytes of 256", (unsigned int)sizes[i]);
		user_end(handle, PENDSHARE_IOC_RELEASE, 1);
		expect_end(io, PENDSHARE_RELEASED, "its share");
		free(reply); /* unlocked, and nobody's but ours */
	}
	nowhere.reply = 8;
	nowhere.reply_size = 8;
	expect(ended(user_start(handle, &nowhere, memory, 1), NULL), STATUS_ACCESS_VIOLATION,
	       "a reply to where nothing is");
	nowhere.reply = (ULONG_PTR)memory;
	nowhere.reply_size = 257;
	expect(ended(user_start(handle, &nowhere, memory, 1), NULL), STATUS_INVALID_PARAMETER,
	       "a reply of 257 bytes");
	{
		UCHAR reply[PENDSHARE_REPLY_MAX];

		expect(ended(share_for_reply(handle, memory, reply, 256, 2), NULL),
		       STATUS_INVALID_PARAMETER, "a share that is refused after the reply");
		tap(!wrong_in(reply, 0), "leaves the buffer as it was");
	}
	pendshare_peer_remove(peer);
	fake_close(handle);
	free(memory);
}

static PMDL mastered;

/* Keeps what a driver hands to the framework's DMA objects. */
static NTSTATUS master(void *context, struct pendshare_share_context *share, const void *options,
		       ULONG size, void **attachment)
{
	mastered = pendshare_share_mdl(share);
	return guest_ops.attach(context, share, options, size, attachment);
}

static void test_pages(void)
{
	const struct pendshare_peer_ops ops = { .access = BOTH,
						.attach = master,
						.start = guest_ops.start,
						.stop = guest_ops.stop,
						.detach = guest_ops.detach };
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share share = user_share(1, "master", BOTH);
	UCHAR *memory = user_pages(4);
	struct pendshare_peer *peer;
	struct io *io;

	expect(pendshare_peer_add(&ops, "master", &guests, &peer), STATUS_SUCCESS, "a peer with DMA");
	io = user_start(handle, &share, memory, 4);
	tap(mastered->memory == memory && MmGetMdlByteCount(mastered) == 4 * PAGE_SIZE,
	    "is given the pages that the owner lends, whole");
	pendshare_peer_remove(peer);
	expect_end(io, PENDSHARE_DEVICE_REMOVED, "its removal");
	fake_close(handle);
	free(memory);
}

void test_attached(void)
{
	test_long_options();
	test_pages();
	test_reply();
}
