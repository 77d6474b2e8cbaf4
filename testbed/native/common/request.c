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
	{ "any memory", any_memory },
};

VARIANT(id_0, share->id = 0)
VARIANT(unknown_flag, share->flags = 2)
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

int main(void)
{
	unsigned int i;

	for (i = 0; i < COUNT(good); i++)
		tap(taken(good[i].change), "%s: taken", good[i].what);
	for (i = 0; i < COUNT(bad); i++)
		tap(!taken(bad[i].change), "%s: refused", bad[i].what);
	test_options_end();
	return tap_end();
}
