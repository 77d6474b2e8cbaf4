/* SPDX-License-Identifier: MIT */
/* What SHARE refuses, and what it does with a native event and with frames. */
#include "device.h"
#include <pendshare/frames.h>

#include <string.h>

static NTSTATUS refuse(HANDLE device, struct pendshare_share *arguments, ULONG code, void *memory,
		       ULONG length)
{
	return call(device, code, arguments, sizeof(*arguments), memory, length);
}

static void refused(HANDLE device, struct pendshare_share arguments, NTSTATUS expected,
		    const char *what)
{
	check_status(refuse(device, &arguments, PENDSHARE_IOC_SHARE, pages(1), PAGE), expected,
		     "SHARE with %s", what);
}

#define REFUSED(expected, what, ...)                                                               \
	do {                                                                                       \
		struct pendshare_share arguments = share_arguments(1, "");                         \
		__VA_ARGS__;                                                                       \
		refused(device, arguments, expected, what);                                        \
	} while (0)

static void test_arguments(HANDLE device)
{
	NTSTATUS invalid = STATUS_INVALID_PARAMETER;

	REFUSED(invalid, "id 0", arguments.id = 0);
	REFUSED(invalid, "an address", arguments.address = PAGE);
	REFUSED(invalid, "a length", arguments.length = PAGE);
	REFUSED(invalid, "no access", arguments.access = 0);
	REFUSED(invalid, "unknown access", arguments.access = 4);
	REFUSED(invalid, "options without a peer", arguments.options_size = 8);
	REFUSED(invalid, "65 bytes of options", strcpy(arguments.peer, "fill");
		arguments.options_size = 65);
	REFUSED(invalid, "2^32 - 1 bytes of options", strcpy(arguments.peer, "fill");
		arguments.options_size = ~0u);
	REFUSED(invalid, "bytes after its options", strcpy(arguments.peer, "fill");
		arguments.options_size = 8; arguments.options[63] = 1);
	REFUSED(invalid, "an event and no flag", arguments.event = 4);
	REFUSED(invalid, "a deadline beyond 2^63", arguments.deadline_ns = ~0ull);
	REFUSED(invalid, "a peer's name without an end", memset(arguments.peer, 'p', 32));
	REFUSED(invalid, "a label without an end", memset(arguments.label, 'l', 32));
	REFUSED(STATUS_NOT_FOUND, "an unknown peer", strcpy(arguments.peer, "no-such-peer"));
	REFUSED(invalid, "a fill that may not write", strcpy(arguments.peer, "fill");
		arguments.access = PENDSHARE_ACCESS_READ);
	REFUSED(invalid, "a clock without a period", strcpy(arguments.peer, "clock"));
	REFUSED(invalid, "a loopback without frames", strcpy(arguments.peer, "loopback"));
	REFUSED(invalid, "frames that do not fit", strcpy(arguments.peer, "loopback");
		arguments.frame_count = 1; arguments.frame_bytes = PAGE);
	REFUSED(invalid, "slots without bytes", arguments.frame_count = 1);
	REFUSED(invalid, "bytes of no slots", arguments.frame_bytes = PAGE);
	REFUSED(invalid, "a reply without a peer", arguments.reply = (ULONG_PTR)pages(1);
		arguments.reply_size = 8);
	REFUSED(STATUS_ACCESS_VIOLATION, "a reply to where nothing is", strcpy(arguments.peer, "fill");
		arguments.reply = 16; arguments.reply_size = 8);
	REFUSED(STATUS_ACCESS_VIOLATION, "a reply to the system", strcpy(arguments.peer, "fill");
		arguments.reply = 0xffff800000001000ull; arguments.reply_size = 8);
	REFUSED(invalid, "a reply of 257 bytes", strcpy(arguments.peer, "fill");
		arguments.reply = (ULONG_PTR)pages(1); arguments.reply_size = 257);
}

static void test_memory(HANDLE device)
{
	struct pendshare_share arguments = share_arguments(1, "");
	UCHAR *memory = pages(4);

	check_status(refuse(device, &arguments, PENDSHARE_IOC_SHARE, NULL, 0),
		     STATUS_INVALID_PARAMETER, "SHARE of NULL and nothing");
	check_status(refuse(device, &arguments, PENDSHARE_IOC_SHARE, memory, 0),
		     STATUS_INVALID_PARAMETER, "SHARE of nothing");
	check_status(refuse(device, &arguments, PENDSHARE_IOC_SHARE, memory, 1),
		     STATUS_INVALID_PARAMETER, "SHARE of a byte");
	check_status(refuse(device, &arguments, PENDSHARE_IOC_SHARE, memory, 2 * PAGE - 1),
		     STATUS_INVALID_PARAMETER, "SHARE of two pages but a byte");
	check_status(refuse(device, &arguments, PENDSHARE_IOC_SHARE_READONLY, memory, PAGE),
		     STATUS_INVALID_PARAMETER, "SHARE_READONLY for a kernel that writes");
	tap_skip("SHARE of memory off a page",
		 "not under Wine: the driver gets a copy, which has its own place");
	tap_skip("SHARE of read-only pages",
		 "not under Wine: it locks none; Windows says ACCESS_VIOLATION");
	tap_skip("SHARE_READONLY of read-only pages",
		 "not under Wine: it wants to write what the request returns");
	tap_skip("SHARE of unmapped memory",
		 "not under Wine: it locks none; Windows says ACCESS_VIOLATION");
}

static void test_readonly(HANDLE device)
{
	struct pendshare_share arguments = share_arguments(7, "");
	struct pending pending;

	arguments.access = PENDSHARE_ACCESS_READ;
	begin(device, PENDSHARE_IOC_SHARE_READONLY, &arguments, sizeof(arguments), pages(1), PAGE,
	      &pending);
	await_accepted(device, 1);
	check_status(end_share(device, PENDSHARE_IOC_RELEASE, 7), STATUS_SUCCESS,
		     "SHARE_READONLY is released");
	check_status(await(&pending, "the end of SHARE_READONLY"),
		     PENDSHARE_STATUS(PENDSHARE_RELEASED, 0, 0), "and ends as released");
}

static void test_ids(HANDLE device)
{
	HANDLE other = device_open(FILE_FLAG_OVERLAPPED);
	struct pendshare_notify notify = {.size = sizeof(notify), .id = 5};
	struct pendshare_share arguments = share_arguments(5, "");
	struct pending pending;

	share(device, &arguments, pages(1), PAGE, &pending);
	await_accepted(device, 1);
	refused(device, arguments, STATUS_OBJECT_NAME_COLLISION, "an id that is in use");
	check_status(end_share(other, PENDSHARE_IOC_RELEASE, 5), STATUS_NOT_FOUND,
		     "RELEASE of another handle's id");
	check_status(end_share(other, PENDSHARE_IOC_CANCEL, 5), STATUS_NOT_FOUND,
		     "CANCEL of another handle's id");
	check_status(call(other, PENDSHARE_IOC_NOTIFY, &notify, sizeof(notify), NULL, 0),
		     STATUS_NOT_FOUND, "NOTIFY of another handle's id");
	check_status(call(device, PENDSHARE_IOC_NOTIFY, &notify, sizeof(notify), NULL, 0),
		     STATUS_NOT_SUPPORTED, "NOTIFY of a share without a peer");
	check_status(end_share(device, PENDSHARE_IOC_CANCEL, 5), STATUS_SUCCESS,
		     "CANCEL of an own id");
	check_status(await(&pending, "the end by CANCEL"),
		     PENDSHARE_STATUS(PENDSHARE_CANCELLED, 0, 0), "the share ends as cancelled");
	check_status(end_share(device, PENDSHARE_IOC_CANCEL, 5), STATUS_NOT_FOUND,
		     "CANCEL of what has ended");
	CloseHandle(other);
}

static struct pendshare_share with_event(HANDLE event)
{
	struct pendshare_share arguments = share_arguments(9, "fill");

	arguments.flags = PENDSHARE_SHARE_EVENT;
	arguments.event = (ULONG64)(ULONG_PTR)event;
	return arguments;
}

static void test_event(HANDLE device)
{
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
	HANDLE mutex = CreateMutexW(NULL, FALSE, NULL);
	struct pendshare_share arguments;
	struct pending pending;
	HANDLE listener;

	refused(device, with_event(NULL), STATUS_INVALID_HANDLE, "NULL for an event");
	refused(device, with_event((HANDLE)(ULONG_PTR)0x7ffffff0), STATUS_INVALID_HANDLE,
		"a wild event");
	refused(device, with_event(mutex), STATUS_INVALID_HANDLE, "a mutex for an event");
	DuplicateHandle(GetCurrentProcess(), event, GetCurrentProcess(), &listener, SYNCHRONIZE,
			FALSE, 0);
	refused(device, with_event(listener), STATUS_INVALID_HANDLE,
		"an event that it may only wait for");
	CloseHandle(listener);
	refused(device, with_event(device), STATUS_INVALID_HANDLE, "the device for an event");
	arguments = with_event(event);
	share(device, &arguments, pages(1), PAGE, &pending);
	tap(WaitForSingleObject(event, PATIENCE_MS) == WAIT_OBJECT_0, "a ring sets the event");
	tap(WaitForSingleObject(event, 0) == WAIT_TIMEOUT, "once");
	check_status(end_share(device, PENDSHARE_IOC_RELEASE, 9), STATUS_SUCCESS, NULL);
	await(&pending, "the end of a share with an event");
	CloseHandle(event);
	CloseHandle(mutex);
}

/* The driver has a copy of the memory under Wine, which comes back with the end. */
static void test_frames(HANDLE device)
{
	struct pendshare_capture_options options = {.count = 3};
	struct pendshare_share arguments = share_arguments(11, "capture");
	struct pendshare_frames_owner frames;
	struct pendshare_frame frame;
	UCHAR *memory = pages(4);
	struct pending pending;
	ULONG good = 0;

	arguments.frame_count = 3;
	arguments.frame_bytes = PAGE;
	arguments.options_size = sizeof(options);
	memcpy(arguments.options, &options, sizeof(options));
	share(device, &arguments, memory, 4 * PAGE, &pending);
	check_status(await(&pending, "the end of capture") & ~0xff00,
		     PENDSHARE_STATUS(PENDSHARE_PEER_ENDED, 0, 0), "capture ends after its frames");
	tap(pending.result.Information == 4 * PAGE, "having written all of the memory");
	if (pendshare_frames_owner_init(&frames, memory, 4 * PAGE) == PENDSHARE_FRAMES_OK)
		while (pendshare_frames_owner_take(&frames, &frame) == PENDSHARE_FRAMES_OK)
			good += frame.sequence == good && frame.bytes == PAGE &&
				*(__u32 *)pendshare_frames_owner_memory(&frames, frame.slot) ==
					frame.sequence;
	tap(good == 3, "and they lie there in their order");
}

/* As a program sends it that was built before there were frames. */
static void test_first_version(HANDLE device)
{
	struct pendshare_share arguments = share_arguments(12, "");
	struct pending pending;

	arguments.size = PENDSHARE_SHARE_SIZE;
	begin(device, PENDSHARE_IOC_SHARE, &arguments, PENDSHARE_SHARE_SIZE, pages(1), PAGE,
	      &pending);
	await_accepted(device, 1);
	check_status(end_share(device, PENDSHARE_IOC_RELEASE, 12), STATUS_SUCCESS,
		     "a SHARE of the first version is released");
	check_status(await(&pending, "the end of a first version"),
		     PENDSHARE_STATUS(PENDSHARE_RELEASED, 0, 0), "and ends as released");
}

void test_share(void)
{
	HANDLE device = device_open(FILE_FLAG_OVERLAPPED);

	test_arguments(device);
	test_memory(device);
	test_ids(device);
	test_readonly(device);
	test_event(device);
	test_first_version(device);
	test_frames(device);
	CloseHandle(device);
	await_quiet("refused shares");
}
