/* SPDX-License-Identifier: MIT */
/* Whose a handle is: other processes, and owners that die. The children are this program again. */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHILD_SHARES 8

/* Starts `self what HANDLE`, with a handle of this process for the child. */
static PROCESS_INFORMATION start(const char *self, const char *what, HANDLE handle)
{
	STARTUPINFOA startup = {.cb = sizeof(startup)};
	PROCESS_INFORMATION child;
	char line[MAX_PATH + 64];

	snprintf(line, sizeof(line), "\"%s\" %s %llu", self, what,
		 (unsigned long long)(ULONG_PTR)handle);
	if (!CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &child)) {
		printf("Bail out! no child: error %lu\n", GetLastError());
		exit(1);
	}
	CloseHandle(child.hThread);
	return child;
}

static DWORD exit_code(PROCESS_INFORMATION child)
{
	DWORD code = ~0u;

	if (WaitForSingleObject(child.hProcess, PATIENCE_MS) == WAIT_OBJECT_0)
		GetExitCodeProcess(child.hProcess, &code);
	else
		TerminateProcess(child.hProcess, 99);
	CloseHandle(child.hProcess);
	return code;
}

static HANDLE inheritable(HANDLE handle)
{
	SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
	return handle;
}

/* In the child: every request but INFO on a handle that its parent has opened. */
static int use_foreign(HANDLE device)
{
	struct pendshare_share arguments = share_arguments(1, "");
	struct pendshare_pend pend = {.size = sizeof(pend), .capacity = 1};
	struct pendshare_info info = {.size = sizeof(info)};
	struct pendshare_event event;

	if (call(device, PENDSHARE_IOC_INFO, &info, sizeof(info), &info, sizeof(info)) !=
	    STATUS_SUCCESS)
		return 1;
	if (call(device, PENDSHARE_IOC_SHARE, &arguments, sizeof(arguments), pages(1), PAGE) !=
	    STATUS_INVALID_OWNER)
		return 2;
	if (call(device, PENDSHARE_IOC_PEND, &pend, sizeof(pend), &event, sizeof(event)) !=
	    STATUS_INVALID_OWNER)
		return 3;
	if (end_share(device, PENDSHARE_IOC_RELEASE, 1) != STATUS_INVALID_OWNER)
		return 4;
	return shut_down(device) == STATUS_INVALID_OWNER ? 0 : 5;
}

static void share_some(HANDLE device)
{
	static struct pending pendings[CHILD_SHARES];
	ULONG i;

	for (i = 0; i < CHILD_SHARES; i++) {
		struct pendshare_share arguments = share_arguments(i + 1, i % 2 ? "fill" : "");

		share(device, &arguments, pages(4), 4 * PAGE, &pendings[i]);
	}
	await_accepted(device, CHILD_SHARES);
}

/* In the child: shares, says so, and waits to be killed. */
static int share_and_wait(HANDLE ready)
{
	share_some(device_open(FILE_FLAG_OVERLAPPED));
	SetEvent(ready);
	Sleep(INFINITE);
	return 1;
}

/* In the child: shares, leaves a handle of its device to its parent, and dies. */
static int share_and_bequeath(HANDLE parent)
{
	HANDLE device = device_open(FILE_FLAG_OVERLAPPED);
	HANDLE heir;

	share_some(device);
	if (!DuplicateHandle(GetCurrentProcess(), device, parent, &heir, 0, FALSE,
			     DUPLICATE_SAME_ACCESS))
		return 2;
	TerminateProcess(GetCurrentProcess(), (UINT)(ULONG_PTR)heir);
	return 3;
}

/* In the child: an event that its parent has a handle of, by the parent's number. */
static int share_foreign_event(HANDLE event)
{
	struct pendshare_share arguments = share_arguments(1, "");

	arguments.flags = PENDSHARE_SHARE_EVENT;
	arguments.event = (ULONG64)(ULONG_PTR)event;
	return call(device_open(FILE_FLAG_OVERLAPPED), PENDSHARE_IOC_SHARE, &arguments,
		    sizeof(arguments), pages(1), PAGE) == STATUS_INVALID_HANDLE
		   ? 0
		   : 1;
}

int owner_child(int argc, char **argv)
{
	HANDLE handle = argc > 2 ? (HANDLE)(ULONG_PTR)strtoull(argv[2], NULL, 10) : NULL;

	if (!strcmp(argv[1], "use-foreign"))
		return use_foreign(handle);
	if (!strcmp(argv[1], "wait"))
		return share_and_wait(handle);
	if (!strcmp(argv[1], "bequeath"))
		return share_and_bequeath(handle);
	return share_foreign_event(handle);
}

static void test_killed(const char *self)
{
	HANDLE ready = inheritable(CreateEventW(NULL, FALSE, FALSE, NULL));
	PROCESS_INFORMATION child = start(self, "wait", ready);
	HANDLE device;

	check_status(WaitForSingleObject(ready, PATIENCE_MS), STATUS_WAIT_0, NULL);
	device = device_open(FILE_FLAG_OVERLAPPED);
	tap(info_of(device).total_shares == CHILD_SHARES, "a child has its shares");
	CloseHandle(device);
	TerminateProcess(child.hProcess, 7);
	tap(exit_code(child) == 7, "TerminateProcess with pending shares");
	await_quiet("TerminateProcess");
	CloseHandle(ready);
}

/* No handle is closed here: only the driver's notification of the owner's end can end the shares.
 */
static void test_bequeathed(const char *self)
{
	HANDLE parent;
	HANDLE heir;

	DuplicateHandle(GetCurrentProcess(), GetCurrentProcess(), GetCurrentProcess(), &parent, 0,
			TRUE, DUPLICATE_SAME_ACCESS);
	heir = (HANDLE)(ULONG_PTR)exit_code(start(self, "bequeath", parent));
	await_quiet("an owner that dies and leaves a handle to another process");
	check_status(shut_down(heir), STATUS_INVALID_OWNER, "the heir may not use it");
	CloseHandle(heir);
	CloseHandle(parent);
}

void test_owner(const char *self)
{
	HANDLE device = inheritable(device_open(FILE_FLAG_OVERLAPPED));
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);

	tap(exit_code(start(self, "use-foreign", device)) == 0,
	      "a process that did not open the handle may ask for INFO only");
	tap(exit_code(start(self, "foreign-event", event)) == 0,
	      "an event of another process is none");
	CloseHandle(event);
	CloseHandle(device);
	test_killed(self);
	test_bequeathed(self);
}
