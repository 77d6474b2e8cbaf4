// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Who may make a request, and how much a user may have. */
#include "calls.h"

/* Who may REVOKE: the opens that were granted WRITE_DAC, and what is duplicated from them. */
static void test_revoke_access(void)
{
	ACCESS_MASK both = GENERIC_READ | GENERIC_WRITE;
	struct handle *handle, *weaker;
	NTSTATUS status;

	handle = fake_open_for(both, FAKE_ADMINISTRATOR, NULL);
	expect(user_revoke(handle, 1), STATUS_ACCESS_DENIED,
	       "REVOKE by an administrator's open without WRITE_DAC");
	fake_close(handle);
	handle = fake_open_for(both | WRITE_DAC, FAKE_ADMINISTRATOR, NULL);
	expect(user_revoke(handle, 1), STATUS_SUCCESS, "REVOKE by an open with WRITE_DAC");
	weaker = fake_duplicate(handle, both);
	fake_close(handle);
	expect(user_revoke(weaker, 1), STATUS_SUCCESS,
	       "REVOKE by a duplicate of it, which belongs to the same open");
	fake_close(weaker);
	handle = fake_open_for(MAXIMUM_ALLOWED, FAKE_ADMINISTRATOR, NULL);
	expect(user_revoke(handle, 1), STATUS_SUCCESS,
	       "REVOKE by an administrator's open with MAXIMUM_ALLOWED");
	weaker = fake_duplicate(handle, GENERIC_READ);
	expect(user_revoke(weaker, 1), STATUS_ACCESS_DENIED,
	       "REVOKE by a duplicate that may not write");
	fake_close(weaker);
	fake_close(handle);
	handle = fake_open_for(MAXIMUM_ALLOWED, 0, NULL);
	expect(user_revoke(handle, 1), STATUS_ACCESS_DENIED,
	       "REVOKE by a user's open with MAXIMUM_ALLOWED");
	fake_close(handle);
	fake_open_for(both | WRITE_DAC, 0, &status);
	expect(status, STATUS_ACCESS_DENIED, "a user's open with WRITE_DAC");
	handle = fake_open_for(both | WRITE_DAC, FAKE_UNCHECKED, NULL);
	expect(user_revoke(handle, 1), STATUS_ACCESS_DENIED,
	       "REVOKE by an open that nobody has checked");
	fake_close(handle);
}

static void test_processes(void)
{
	struct handle *handle = fake_open(0, NULL);
	struct handle *blocking = fake_open(FAKE_SYNCHRONOUS, NULL);
	struct fake_process *stranger = fake_process_new(7, 2);
	struct pendshare_share share = user_share(1, NULL, BOTH);
	struct pendshare_event event;
	void *memory = user_pages(1);
	struct pendshare_info info;
	PKEVENT bell = fake_event_new();
	struct io *io;

	fake_process_enter(stranger);
	expect(ended(user_start(handle, &share, memory, 1), NULL), STATUS_INVALID_OWNER,
	       "SHARE from another process");
	expect(user_shutdown(handle), STATUS_INVALID_OWNER, "SHUTDOWN from another process");
	expect(user_info(handle, &info), STATUS_SUCCESS, "INFO from another process");
	fake_process_enter(NULL);
	expect(ended(user_start(blocking, &share, memory, 1), NULL), STATUS_INVALID_PARAMETER,
	       "SHARE on a synchronous handle");
	io = user_pend(blocking, &event, 1);
	expect(fake_wait(io, NULL), STATUS_INVALID_PARAMETER, "PEND on a synchronous handle");
	fake_free(io);
	expect(user_info(blocking, &info), STATUS_SUCCESS, "INFO on a synchronous handle");
	fake_close(blocking);

	share = user_share(1, "fill", BOTH);
	share.flags = PENDSHARE_SHARE_EVENT;
	share.event = (uintptr_t)bell;
	io = user_start(handle, &share, memory, 1);
	fake_settle();
	user_notify(handle, 1);
	user_end(handle, PENDSHARE_IOC_RELEASE, 1);
	expect_end(io, PENDSHARE_RELEASED, "RELEASE of a share with an event");
	fake_close(handle);
	fake_settle();
	tap(fake_event_free(bell) >= 1, "the event was signalled, and let go");
	fake_process_free(stranger);
	free(memory);
}

static void test_quota(void)
{
	struct fake_process *other_user = fake_process_new(8, 3);
	struct handle *handles[2] = { fake_open(0, NULL), fake_open(0, NULL) };
	struct pendshare_share share = user_share(1, NULL, BOTH);
	static struct io *ios[PENDSHARE_SHARES_PER_USER];
	void *memory = user_pages(1);
	struct handle *other;
	unsigned int i;
	struct io *io;

	for (i = 0; i < PENDSHARE_SHARES_PER_USER; i++) {
		share.id = i + 1;
		ios[i] = user_start(handles[i & 1], &share, memory, 1);
	}
	share.id = i + 1;
	expect(ended(user_start(handles[0], &share, memory, 1), NULL), STATUS_QUOTA_EXCEEDED,
	       "one share too many, over two handles");
	fake_process_enter(other_user);
	other = fake_open(0, NULL);
	io = user_start(other, &share, memory, 1);
	expect(ended(io, NULL), STATUS_PENDING, "another user's share");
	fake_close(other);
	expect_end(io, PENDSHARE_CLOSED, "closing");
	fake_process_enter(NULL);
	user_end(handles[0], PENDSHARE_IOC_RELEASE, 1);
	fake_settle();
	io = user_start(handles[0], &share, memory, 1);
	expect(ended(io, NULL), STATUS_PENDING, "a share in the place of one that ended");
	fake_close(handles[0]);
	fake_close(handles[1]);
	fake_settle();
	for (i = 0; i < PENDSHARE_SHARES_PER_USER; i++)
		fake_free(ios[i]);
	fake_free(io);
	fake_process_free(other_user);
	free(memory);
}

static void test_many_files(void)
{
	static struct handle *handles[8192];
	NTSTATUS status;
	unsigned int i;

	fake_settle(); /* files of before are closed */
	for (i = 0; i < RTL_NUMBER_OF(handles); i++)
		handles[i] = fake_open(0, &status);
	fake_open(0, &status);
	expect(status, STATUS_QUOTA_EXCEEDED, "one file too many of a user");
	for (i = 0; i < RTL_NUMBER_OF(handles); i++)
		fake_close(handles[i]);
	fake_settle();
}

void test_owners(void)
{
	test_revoke_access();
	test_processes();
	test_quota();
	test_many_files();
}
