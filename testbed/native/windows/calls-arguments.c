// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What requests with bad arguments, bad memory or unknown ids are refused with. */
#include "calls.h"

/* SHARE with bad arguments, each on its own. */

struct bad_share {
	const char *what;
	NTSTATUS status;
	void (*spoil)(struct pendshare_share *share);
};

#define SPOIL(name, statement)                                                                     \
	static void name(struct pendshare_share *share)                                            \
	{                                                                                          \
		statement;                                                                         \
	}
SPOIL(id_0, share->id = 0)
SPOIL(with_address, share->address = 4096)
SPOIL(with_length, share->length = 4096)
SPOIL(unknown_flag, share->flags = 4)
SPOIL(a_bell, share->flags = PENDSHARE_SHARE_BELL)
SPOIL(event_without_flag, share->event = 4)
SPOIL(event_bad, (share->flags = PENDSHARE_SHARE_EVENT, share->event = 4))
SPOIL(no_access, share->access = 0)
SPOIL(unknown_access, share->access = 4)
SPOIL(long_deadline, share->deadline_ns = 1ull << 63)
SPOIL(long_options, share->options_size = 65)
SPOIL(dirty_options, share->options[0] = 1)
SPOIL(options_without_peer, share->options_size = 1)
SPOIL(endless_peer, memset(share->peer, 'x', sizeof(share->peer)))
SPOIL(endless_label, memset(share->label, 'x', sizeof(share->label)))
SPOIL(no_such_peer, memcpy(share->peer, "nobody", 6))
SPOIL(peer_without_access, (memcpy(share->peer, "fill", 4), share->access = PENDSHARE_ACCESS_READ))
SPOIL(ring_too_small, (memcpy(share->peer, "clock", 5), share->options_size = 8,
		       memcpy(share->options, &(ULONG64){ 1000000 }, 8)))
SPOIL(period_too_short, (memcpy(share->peer, "fill", 4), share->options_size = 8,
			 memcpy(share->options, &(ULONG64){ 60000 }, 8)))
SPOIL(size_short, share->size = PENDSHARE_SHARE_SIZE - 1)
SPOIL(size_long, share->size = sizeof(*share) + 1)

static const struct bad_share bad_shares[] = {
	{ "id 0", STATUS_INVALID_PARAMETER, id_0 },
	{ "an address", STATUS_INVALID_PARAMETER, with_address },
	{ "a length", STATUS_INVALID_PARAMETER, with_length },
	{ "an unknown flag", STATUS_INVALID_PARAMETER, unknown_flag },
	{ "a bell, which Linux has alone", STATUS_INVALID_PARAMETER, a_bell },
	{ "an event without its flag", STATUS_INVALID_PARAMETER, event_without_flag },
	{ "a bad event", STATUS_INVALID_HANDLE, event_bad },
	{ "no access", STATUS_INVALID_PARAMETER, no_access },
	{ "unknown access", STATUS_INVALID_PARAMETER, unknown_access },
	{ "a deadline out of range", STATUS_INVALID_PARAMETER, long_deadline },
	{ "options_size 65", STATUS_INVALID_PARAMETER, long_options },
	{ "dirt behind the options", STATUS_INVALID_PARAMETER, dirty_options },
	{ "options without a peer", STATUS_INVALID_PARAMETER, options_without_peer },
	{ "a peer without end", STATUS_INVALID_PARAMETER, endless_peer },
	{ "a label without end", STATUS_INVALID_PARAMETER, endless_label },
	{ "no such peer", STATUS_NOT_FOUND, no_such_peer },
	{ "too little access for the peer", STATUS_INVALID_PARAMETER, peer_without_access },
	{ "a ring that does not fit", STATUS_INVALID_PARAMETER, ring_too_small },
	{ "a period below the shortest", STATUS_INVALID_PARAMETER, period_too_short },
	{ "a short structure", STATUS_INVALID_PARAMETER, size_short },
	{ "a structure longer than the input", STATUS_INVALID_PARAMETER, size_long },
};

static void test_bad_shares(struct handle *handle, void *memory)
{
	unsigned int i;

	for (i = 0; i < RTL_NUMBER_OF(bad_shares); i++) {
		struct pendshare_share share = user_share(1, NULL, BOTH);

		bad_shares[i].spoil(&share);
		expect(ended(user_start(handle, &share, memory, 1), NULL), bad_shares[i].status,
		       bad_shares[i].what);
	}
}

static void test_bad_memory(struct handle *handle, unsigned char *memory)
{
	struct pendshare_share share = user_share(1, NULL, BOTH);
	ULONG code = PENDSHARE_IOC_SHARE;
	size_t size = sizeof(share);

	expect(fake_control(handle, code, &share, size, NULL, 0, NULL), STATUS_INVALID_PARAMETER,
	       "no memory");
	expect(fake_control(handle, code, &share, size, memory + 8, PAGE_SIZE, NULL),
	       STATUS_INVALID_PARAMETER, "memory that is not aligned");
	expect(fake_control(handle, code, &share, size, memory, PAGE_SIZE + 8, NULL),
	       STATUS_INVALID_PARAMETER, "half a page");
	expect(fake_control(handle, code, &share, size, memory, 0x100000000ull, NULL),
	       STATUS_INTEGER_OVERFLOW, "4 GiB");
	expect(fake_control(handle, code, NULL, 0, memory, PAGE_SIZE, NULL),
	       STATUS_INVALID_PARAMETER, "no arguments");
	expect(fake_control(handle, code, &share, 3, memory, PAGE_SIZE, NULL),
	       STATUS_INVALID_PARAMETER, "three bytes of arguments");
	expect(fake_control(handle, PENDSHARE_IOC_SHARE_READONLY, &share, size, memory, PAGE_SIZE,
			    NULL),
	       STATUS_INVALID_PARAMETER, "write access to read-only memory");
}

static void test_bad_calls(struct handle *handle, void *memory)
{
	struct pendshare_notify notify = { .size = sizeof(notify), .flags = 1, .id = 1 };
	struct pendshare_pend pend = { .size = sizeof(pend), .capacity = 1, .id = 7 };
	struct pendshare_end end = { .size = sizeof(end), .flags = 2, .id = 1 };
	struct pendshare_info info = { .size = sizeof(info) };
	struct {
		struct pendshare_notify notify;
		ULONG64 tail;
	} longer = { { .size = sizeof(longer), .id = 9 }, 0 };

	expect(fake_control(handle, 0x222000, NULL, 0, NULL, 0, NULL),
	       STATUS_INVALID_DEVICE_REQUEST, "an unknown request");
	expect(fake_control(handle, PENDSHARE_IOC_SHARE ^ 1, NULL, 0, memory, PAGE_SIZE, NULL),
	       STATUS_INVALID_DEVICE_REQUEST, "SHARE by another method");
	expect(fake_control(handle, PENDSHARE_IOC_NOTIFY, &notify, sizeof(notify), NULL, 0, NULL),
	       STATUS_INVALID_PARAMETER, "NOTIFY with flags");
	expect(fake_control(handle, PENDSHARE_IOC_RELEASE, &end, sizeof(end), NULL, 0, NULL),
	       STATUS_INVALID_PARAMETER, "RELEASE with flags");
	expect(fake_control(handle, PENDSHARE_IOC_PEND, &pend, sizeof(pend), memory, 64, NULL),
	       STATUS_INVALID_PARAMETER, "PEND of one share");
	pend.id = 0;
	expect(fake_control(handle, PENDSHARE_IOC_PEND, &pend, sizeof(pend), memory, 31, NULL),
	       STATUS_INVALID_PARAMETER, "PEND without room for an event");
	pend.capacity = 0;
	expect(fake_control(handle, PENDSHARE_IOC_PEND, &pend, sizeof(pend), memory, 64, NULL),
	       STATUS_INVALID_PARAMETER, "PEND with capacity 0");
	expect(fake_control(handle, PENDSHARE_IOC_INFO, &info, sizeof(info), &info, 8, NULL),
	       STATUS_INVALID_PARAMETER, "INFO without room");
	expect(fake_control(handle, PENDSHARE_IOC_NOTIFY, &longer, sizeof(longer), NULL, 0, NULL),
	       STATUS_NOT_FOUND, "a longer structure with a clean tail");
	longer.tail = 1;
	expect(fake_control(handle, PENDSHARE_IOC_NOTIFY, &longer, sizeof(longer), NULL, 0, NULL),
	       STATUS_INVALID_PARAMETER, "a longer structure with a dirty tail");
	expect(user_end(handle, PENDSHARE_IOC_RELEASE, 1), STATUS_NOT_FOUND, "RELEASE of nothing");
	expect(user_notify(handle, 1), STATUS_NOT_FOUND, "NOTIFY of nothing");
	expect(user_revoke(handle, 0), STATUS_ACCESS_DENIED, "REVOKE by a user");
}

void test_arguments(void)
{
	struct handle *handle = fake_open(0, NULL);
	void *memory = user_pages(2);

	test_bad_shares(handle, memory);
	test_bad_memory(handle, memory);
	test_bad_calls(handle, memory);
	fake_close(handle);
	free(memory);
}
