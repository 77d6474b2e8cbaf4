// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * pendshare.sys, call by call: what each request answers to good and bad input, and that nothing
 * is left behind, whichever step of it fails. On one thread; work items run when the test says.
 */
#include "calls.h"

/* Fails the first step, then the second, and so on, until the call passes. */
static void test_fail_nth(const char *peer)
{
	struct handle *handle = fake_open(0, NULL);
	struct pendshare_share share = user_share(1, peer, BOTH);
	struct pendshare_clock_options clock = { .period_ns = 1000000 };
	void *memory = user_pages(4);
	struct pendshare_info info;
	unsigned int clean = 1;
	unsigned int nth = 0;
	NTSTATUS status;

	if (!strcmp(peer, "clock") || !strcmp(peer, "capture"))
		user_options(&share, &clock, sizeof(clock));
	if (!strcmp(peer, "capture") || !strcmp(peer, "loopback"))
		share.frame_count = 3, share.frame_bytes = PAGE_SIZE;
	share.deadline_ns = 1000000000;
	do {
		struct io *io;

		fake_fail_nth(++nth);
		io = user_start(handle, &share, memory, 4);
		fake_settle();
		fake_fail_nth(0);
		if (!fake_done(io))
			user_end(handle, PENDSHARE_IOC_RELEASE, 1);
		status = ended(io, NULL);
		user_info(handle, &info);
		clean &= !info.shares && !info.pinned_pages && !info.total_shares;
	} while (!NT_SUCCESS(status));
	tap(clean && nth > 4, "SHARE with %s survives the failure of each of its %u steps", peer,
	    nth - 1);
	fake_close(handle);
	free(memory);
}

static void test_load(void)
{
	static const unsigned char group[] = { 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0 };
	unsigned int nth = 0;

	expect(guest_add(), STATUS_DEVICE_NOT_READY,
	       "adding a peer before the driver has started");
	do
		fake_fail_nth(++nth);
	while (!NT_SUCCESS(fake_try_load(0)));
	fake_fail_nth(0);
	tap(nth > 8, "loading survives the failure of each of its %u steps", nth - 1);
	fake_unload();
	fake_set_group(group, sizeof(group));
	fake_load(0);
	fake_unload();
	fake_set_group(group, 9);
	fake_load(0);
	tap(true, "a group's SID, and a bad one");
}

int main(void)
{
	test_load();
	test_arguments();
	test_ends();
	test_peers();
	test_attached();
	test_frames();
	test_owners();
	test_fail_nth("fill");
	test_fail_nth("clock");
	test_fail_nth("blast");
	test_fail_nth("capture");
	test_fail_nth("loopback");
	fake_unload();
	tap(fake_objects() == 0, "nothing is left after unloading");
	return tap_end();
}
