// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What request.h takes and refuses: SHAREs that are right but for one thing. */
#include <stdlib.h>

#include "../../../drivers/common/request.h"
#include "../../tap/tap.h"

struct variant {
	const char *what;
	void (*change)(struct pendshare_share *share);
};

#define VARIANT(name, statement)                                                                   \
	static void name(struct pendshare_share *share)                                            \
	{                                                                                          \
		statement;                                                                         \
	}
VARIANT(nothing, (void)share)
VARIANT(greatest_id, share->id = ~0ull)
VARIANT(only_read, share->access = PENDSHARE_ACCESS_READ)
VARIANT(only_write, share->access = PENDSHARE_ACCESS_WRITE)
VARIANT(event, (share->flags = PENDSHARE_SHARE_EVENT, share->event = ~0ull))
VARIANT(event_0, share->flags = PENDSHARE_SHARE_EVENT)
VARIANT(longest_deadline, share->deadline_ns = PENDSHARE_MAX_DEADLINE_NS)
VARIANT(longest_peer, memset(share->peer, 'x', sizeof(share->peer) - 1))
VARIANT(longest_label, memset(share->label, 'x', sizeof(share->label) - 1))
VARIANT(dirt_behind_label, share->label[31] = 'x')
VARIANT(no_peer, (share->peer[0] = 0, share->options_size = 0, share->options[0] = 0))
VARIANT(longest_options, (share->options_size = 64, memset(share->options, 255, 64)))
VARIANT(options_elsewhere, (share->options_size = 65, share->options[0] = 0, share->more = 1))
VARIANT(most_options, (share->options_size = 4096, share->options[0] = 0, share->more = ~0ull))
VARIANT(a_reply, (share->reply = 1, share->reply_size = 1))
VARIANT(longest_reply, (share->reply = ~0ull, share->reply_size = 256))
VARIANT(first_bell, share->flags = PENDSHARE_SHARE_BELL)
VARIANT(last_bell, (share->flags = PENDSHARE_SHARE_BELL, share->bell = PENDSHARE_BELLS - 1))
VARIANT(any_memory, share->address = share->length = ~0ull)

static const struct variant good[] = {
	{ "a peer with options", nothing },
	{ "the greatest id", greatest_id },
	{ "read access", only_read },
	{ "write access", only_write },
	{ "an event", event },
	{ "event 0", event_0 },
	{ "the longest deadline", longest_deadline },
	{ "a peer of 31 bytes", longest_peer },
	{ "a label of 31 bytes", longest_label },
	{ "anything behind a label's NUL", dirt_behind_label },
	{ "no peer", no_peer },
	{ "64 bytes of options", longest_options },
	{ "65 bytes of options elsewhere", options_elsewhere },
	{ "4096 bytes of options elsewhere", most_options },
	{ "a reply", a_reply },
	{ "a reply of 256 bytes", longest_reply },
	{ "the first bell", first_bell },
	{ "the last bell", last_bell },
	{ "any memory", any_memory },
};

VARIANT(id_0, share->id = 0)
VARIANT(unknown_flag, share->flags = 4)
VARIANT(highest_flag, share->flags = 0x80000001u)
VARIANT(event_without_flag, share->event = 4)
VARIANT(high_event_without_flag, share->event = 1ull << 32)
VARIANT(no_access, share->access = 0)
VARIANT(unknown_access, share->access = 4)
VARIANT(too_much_access, share->access = 7)
VARIANT(long_deadline, share->deadline_ns = 1ull << 63)
VARIANT(long_options, share->options_size = 65)
VARIANT(endless_options, share->options_size = ~0u)
VARIANT(options_without_peer, share->peer[0] = 0)
VARIANT(few_elsewhere, (share->options_size = 64, share->options[0] = 0, share->more = 1))
VARIANT(none_elsewhere, (share->options_size = 0, share->options[0] = 0, share->more = 1))
VARIANT(too_many_elsewhere, (share->options_size = 4097, share->options[0] = 0, share->more = 1))
VARIANT(here_and_elsewhere, (share->options_size = 65, share->more = 1))
VARIANT(elsewhere_without_peer, (share->options_size = 65, share->options[0] = 0, share->more = 1,
				 share->peer[0] = 0))
VARIANT(reply_to_nowhere, share->reply_size = 8)
VARIANT(reply_of_nothing, share->reply = 8)
VARIANT(long_reply, (share->reply = 8, share->reply_size = 257))
VARIANT(reply_without_peer, (share->reply = 8, share->reply_size = 8, share->peer[0] = 0,
			     share->options_size = 0, share->options[0] = 0))
VARIANT(bell_without_flag, share->bell = 1)
VARIANT(no_such_bell, (share->flags = PENDSHARE_SHARE_BELL, share->bell = PENDSHARE_BELLS))
VARIANT(endless_peer, memset(share->peer, 'x', sizeof(share->peer)))
VARIANT(endless_label, memset(share->label, 'x', sizeof(share->label)))

static const struct variant bad[] = {
	{ "id 0", id_0 },
	{ "an unknown flag", unknown_flag },
	{ "an unknown flag beside a known one", highest_flag },
	{ "an event without its flag", event_without_flag },
	{ "an event of 33 bits without its flag", high_event_without_flag },
	{ "no access", no_access },
	{ "unknown access", unknown_access },
	{ "unknown access beside known", too_much_access },
	{ "a deadline of 2^63 ns", long_deadline },
	{ "65 bytes of options", long_options },
	{ "2^32 - 1 bytes of options", endless_options },
	{ "options without a peer", options_without_peer },
	{ "64 bytes of options elsewhere", few_elsewhere },
	{ "no options, elsewhere", none_elsewhere },
	{ "4097 bytes of options elsewhere", too_many_elsewhere },
	{ "options here and elsewhere", here_and_elsewhere },
	{ "options elsewhere without a peer", elsewhere_without_peer },
	{ "a reply to nowhere", reply_to_nowhere },
	{ "a reply of no bytes", reply_of_nothing },
	{ "a reply of 257 bytes", long_reply },
	{ "a reply without a peer", reply_without_peer },
	{ "a bell without its flag", bell_without_flag },
	{ "a bell beyond the last", no_such_bell },
	{ "a peer of 32 bytes", endless_peer },
	{ "a label of 32 bytes", endless_label },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Each has its own allocation, so that a look beyond it is an error. */
static bool taken(void (*change)(struct pendshare_share *share))
{
	struct pendshare_share *share = calloc(1, sizeof(*share));
	bool right;

	share->size = sizeof(*share);
	share->id = 1;
	share->access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE;
	memcpy(share->peer, "fill", 4);
	memcpy(share->label, "of a test", 9);
	share->options_size = 1;
	share->options[0] = 1;
	change(share);
	right = pendshare_request_share(share);
	free(share);
	return right;
}

/* Every length of options, with every byte behind it set in turn. */
static void test_options_end(void)
{
	struct pendshare_share share = { .id = 1, .access = 1, .peer = "x" };
	unsigned int wrong = 0;
	unsigned int at;

	for (share.options_size = 0; share.options_size <= 64; share.options_size++) {
		for (at = 0; at < 64; at++) {
			share.options[at] = 128;
			wrong += pendshare_request_share(&share) != (at < share.options_size);
			share.options[at] = 0;
		}
		wrong += !pendshare_request_share(&share);
	}
	tap(!wrong, "every byte behind the options is seen: %u contradictions", wrong);
}

static bool framed(__u32 count, __u32 bytes, __u32 access, const char *peer, __u64 length)
{
	struct pendshare_share share = { .id = 1, .access = access };

	memcpy(share.peer, peer, strlen(peer));
	share.frame_count = count;
	share.frame_bytes = bytes;
	return pendshare_request_frames(&share, length, 4096);
}

static void test_frames(void)
{
	tap(framed(0, 0, 1, "", 1) && !framed(0, 4096, 3, "x", 8192), "no frames have no bytes");
	tap(framed(1, 4096, 3, "x", 8192) && !framed(1, 4096, 3, "x", 8191), "frames fit to the byte");
	tap(framed(56, 4096, 3, "x", (57ull + 0) * 4096 + 4096) && framed(4096, 0x40000000u, 3, "x", 1ull << 43),
	    "the most and the longest are taken");
	tap(!framed(4097, 4096, 3, "x", ~0ull) && !framed(~0u, 4096, 3, "x", ~0ull), "more are refused");
	tap(!framed(1, 4095, 3, "x", ~0ull) && !framed(1, 0, 3, "x", ~0ull) &&
		!framed(1, 0x40001000u, 3, "x", ~0ull) && !framed(1, ~0u, 3, "x", ~0ull),
	    "slots are whole pages, some, and at most 1 GiB");
	tap(!framed(1, 4096, 1, "x", 8192) && !framed(1, 4096, 2, "x", 8192), "frames want both accesses");
	tap(!framed(1, 4096, 3, "", 8192), "frames want a peer");
}

int main(void)
{
	unsigned int i;

	for (i = 0; i < COUNT(good); i++)
		tap(taken(good[i].change), "%s: taken", good[i].what);
	for (i = 0; i < COUNT(bad); i++)
		tap(!taken(bad[i].change), "%s: refused", bad[i].what);
	test_options_end();
	test_frames();
	return tap_end();
}
