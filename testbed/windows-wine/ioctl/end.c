/* SPDX-License-Identifier: MIT */
/* How shares end, and that each ends once: cancelled requests, closed handles, revokes, races. */
#include "device.h"

#include <stdio.h>

#define SHARES 32
#define ROUNDS 300

static void share_many(HANDLE device, struct pending *pendings)
{
	ULONG i;

	for (i = 0; i < SHARES; i++) {
		struct pendshare_share arguments = share_arguments(i + 1, "");

		share(device, &arguments, pages(1), PAGE, &pendings[i]);
	}
	await_accepted(device, SHARES);
}

/* How many of them end for this reason. */
static ULONG ended_as(struct pending *pendings, ULONG first, ULONG count, ULONG reason,
		      const char *what)
{
	ULONG i, n = 0;

	for (i = first; i < first + count; i++)
		n += (ULONG)await(&pendings[i], what) == PENDSHARE_STATUS(reason, 0, 0);
	return n;
}

static void test_cancel_request(void)
{
	HANDLE device = device_open(FILE_FLAG_OVERLAPPED);
	struct pending pendings[SHARES];

	share_many(device, pendings);
	tap(CancelIoEx(device, (OVERLAPPED *)&pendings[3].result), "CancelIoEx of one request");
	tap(ended_as(pendings, 3, 1, PENDSHARE_CANCELLED, "CancelIoEx") == 1,
	      "ends it as cancelled");
	tap(info_of(device).shares == SHARES - 1, "and no other");
	check_status(shut_down(device), STATUS_SUCCESS, "SHUTDOWN");
	tap(ended_as(pendings, 0, 3, PENDSHARE_CLOSED, "SHUTDOWN") == 3 &&
		  ended_as(pendings, 4, SHARES - 4, PENDSHARE_CLOSED, "SHUTDOWN") == SHARES - 4,
	      "ends the others as closed");
	CloseHandle(device);
}

static void test_shutdown(void)
{
	HANDLE device = device_open(FILE_FLAG_OVERLAPPED);
	struct pendshare_pend pend = {.size = sizeof(pend), .capacity = 1};
	struct pendshare_share arguments = share_arguments(1, "");
	struct pendshare_event event;

	shut_down(device);
	check_status(
	    call(device, PENDSHARE_IOC_SHARE, &arguments, sizeof(arguments), pages(1), PAGE),
	    STATUS_PIPE_CLOSING, "SHARE after SHUTDOWN");
	check_status(call(device, PENDSHARE_IOC_PEND, &pend, sizeof(pend), &event, sizeof(event)),
		     STATUS_PIPE_CLOSING, "PEND after SHUTDOWN, when all is told");
	check_status(shut_down(device), STATUS_SUCCESS, "SHUTDOWN for the second time");
	CloseHandle(device);
}

static void test_close_handle(void)
{
	HANDLE device = device_open(FILE_FLAG_OVERLAPPED);
	struct pending pendings[SHARES];

	share_many(device, pendings);
	CloseHandle(device);
	tap(ended_as(pendings, 0, SHARES, PENDSHARE_CLOSED, "CloseHandle with pending shares") ==
		  SHARES,
	      "CloseHandle with pending shares ends all as closed");
	await_quiet("CloseHandle");
}

static void test_revoke(void)
{
	HANDLE device = device_open_for(GENERIC_ALL, FILE_FLAG_OVERLAPPED);
	struct pendshare_share more = share_arguments(100, "");
	struct pending pendings[SHARES];

	check_status(revoke(device, 3600001), STATUS_INVALID_PARAMETER,
		     "REVOKE with a grace of more than an hour");
	share_many(device, pendings);
	check_status(revoke(device, 1), STATUS_SUCCESS, "REVOKE with a time of grace");
	tap(ended_as(pendings, 0, SHARES, PENDSHARE_RECALLED, "REVOKE with grace") == SHARES,
	      "ends all as recalled");
	share_many(device, pendings);
	check_status(revoke(device, 0), STATUS_SUCCESS, "REVOKE at once");
	tap(ended_as(pendings, 0, SHARES, PENDSHARE_DEVICE_REMOVED, "REVOKE") == SHARES,
	      "ends all as removed");
	check_status(call(device, PENDSHARE_IOC_SHARE, &more, sizeof(more), pages(1), PAGE),
		     STATUS_DEVICE_REMOVED, "SHARE on a dead file");
	check_status(end_share(device, PENDSHARE_IOC_RELEASE, 1), STATUS_DEVICE_REMOVED,
		     "RELEASE on a dead file");
	tap(info_of(device).shares == 0, "INFO on a dead file");
	check_status(shut_down(device), STATUS_SUCCESS, "SHUTDOWN of a dead file");
	CloseHandle(device);
}

/* Two threads end one share; both are let go by the same event. */
struct race {
	HANDLE device;
	HANDLE go;
	ULONG64 id;
	OVERLAPPED *request;
	NTSTATUS status;
};

static DWORD WINAPI release_it(void *context)
{
	struct race *race = context;

	WaitForSingleObject(race->go, INFINITE);
	race->status = end_share(race->device, PENDSHARE_IOC_RELEASE, race->id);
	return 0;
}

static DWORD WINAPI cancel_it(void *context)
{
	struct race *race = context;

	WaitForSingleObject(race->go, INFINITE);
	CancelIoEx(race->device, race->request);
	return 0;
}

/* The reason that won, or 0 when what the calls said does not fit it. */
static ULONG race_once(HANDLE device, HANDLE go, void *memory, ULONG64 id)
{
	struct pendshare_share arguments = share_arguments(id, "");
	struct race race = {.device = device, .go = go, .id = id};
	struct pending pending;
	HANDLE threads[2];
	ULONG status;

	share(device, &arguments, memory, PAGE, &pending);
	await_accepted(device, 1);
	race.request = (OVERLAPPED *)&pending.result;
	threads[0] = CreateThread(NULL, 0, release_it, &race, 0, NULL);
	threads[1] = CreateThread(NULL, 0, cancel_it, &race, 0, NULL);
	SetEvent(go);
	status = (ULONG)await(&pending, "the race of RELEASE and CancelIoEx");
	WaitForMultipleObjects(2, threads, TRUE, PATIENCE_MS);
	CloseHandle(threads[0]);
	CloseHandle(threads[1]);
	ResetEvent(go);
	if (status == PENDSHARE_STATUS(PENDSHARE_RELEASED, 0, 0))
		return race.status == STATUS_SUCCESS ? PENDSHARE_RELEASED : 0;
	if (status == PENDSHARE_STATUS(PENDSHARE_CANCELLED, 0, 0))
		return race.status == STATUS_NOT_FOUND || race.status == STATUS_REQUEST_NOT_ACCEPTED
			   ? PENDSHARE_CANCELLED
			   : 0;
	return 0;
}

static void test_race(void)
{
	HANDLE device = device_open(FILE_FLAG_OVERLAPPED);
	HANDLE go = CreateEventW(NULL, TRUE, FALSE, NULL);
	ULONG won[3] = {0};
	void *memory = pages(1);
	ULONG64 round;

	for (round = 1; round <= ROUNDS; round++)
		won[race_once(device, go, memory, round)]++;
	tap(won[0] == 0, "%d races of RELEASE and CancelIoEx have one winner each", ROUNDS);
	printf("# released %lu, cancelled %lu\n", won[PENDSHARE_RELEASED],
	       won[PENDSHARE_CANCELLED]);
	CloseHandle(device);
	CloseHandle(go);
}

void test_end(void)
{
	test_cancel_request();
	test_shutdown();
	test_close_handle();
	test_revoke();
	test_race();
	await_quiet("the ends");
}
