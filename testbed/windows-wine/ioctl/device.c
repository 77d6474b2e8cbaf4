/* SPDX-License-Identifier: MIT */
#include "device.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void check_status(NTSTATUS status, NTSTATUS expected, const char *format, ...)
{
	char title[256] = "a step";
	va_list arguments;

	if (!format && status == expected)
		return;
	va_start(arguments, format);
	if (format)
		vsnprintf(title, sizeof(title), format, arguments);
	va_end(arguments);
	if (!tap(status == expected, "%s", title))
		printf("# status %08lx, not %08lx\n", (unsigned long)status,
		       (unsigned long)expected);
}

HANDLE device_open_for(DWORD access, DWORD flags)
{
	return CreateFileW(PENDSHARE_DEVICE_PATH, access, 0, NULL, OPEN_EXISTING, flags, NULL);
}

HANDLE device_open(DWORD flags)
{
	HANDLE device = device_open_for(GENERIC_READ | GENERIC_WRITE, flags);

	if (device == INVALID_HANDLE_VALUE) {
		printf("Bail out! cannot open the device: error %lu\n", GetLastError());
		exit(1);
	}
	return device;
}

void begin(HANDLE device, ULONG code, void *in, ULONG in_length, void *out, ULONG out_length,
	   struct pending *pending)
{
	pending->done = CreateEventW(NULL, TRUE, FALSE, NULL);
	pending->result.Status = STATUS_PENDING;
	pending->first = NtDeviceIoControlFile(device, pending->done, NULL, NULL, &pending->result,
					       code, in, in_length, out, out_length);
}

NTSTATUS await(struct pending *pending, const char *what)
{
	DWORD waited = WAIT_OBJECT_0;

	if (pending->first == STATUS_PENDING)
		waited = WaitForSingleObject(pending->done, PATIENCE_MS);
	CloseHandle(pending->done);
	if (waited != WAIT_OBJECT_0) {
		printf("Bail out! hung: %s\n", what);
		exit(1);
	}
	return pending->first == STATUS_PENDING ? pending->result.Status : pending->first;
}

NTSTATUS call(HANDLE device, ULONG code, void *in, ULONG in_length, void *out, ULONG out_length)
{
	struct pending pending;

	begin(device, code, in, in_length, out, out_length, &pending);
	return await(&pending, "a request that is to be answered at once");
}

struct pendshare_info info_of(HANDLE device)
{
	struct pendshare_info info = {.size = sizeof(info)};

	check_status(call(device, PENDSHARE_IOC_INFO, &info, sizeof(info), &info, sizeof(info)),
		     STATUS_SUCCESS, NULL);
	return info;
}

struct pendshare_share share_arguments(ULONG64 id, const char *peer)
{
	struct pendshare_share arguments = {
	    .size = sizeof(arguments),
	    .id = id,
	    .access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	};

	strcpy(arguments.peer, peer);
	return arguments;
}

void *pages(ULONG count)
{
	return VirtualAlloc(NULL, count * PAGE, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
}

void share(HANDLE device, struct pendshare_share *arguments, void *memory, ULONG length,
	   struct pending *pending)
{
	begin(device, PENDSHARE_IOC_SHARE, arguments, sizeof(*arguments), memory, length, pending);
}

NTSTATUS end_share(HANDLE device, ULONG code, ULONG64 id)
{
	struct pendshare_end arguments = {.size = sizeof(arguments), .id = id};

	return call(device, code, &arguments, sizeof(arguments), &arguments, sizeof(arguments));
}

NTSTATUS shut_down(HANDLE device)
{
	struct pendshare_shutdown arguments = {.size = sizeof(arguments)};

	return call(device, PENDSHARE_IOC_SHUTDOWN, &arguments, sizeof(arguments), NULL, 0);
}

NTSTATUS revoke(HANDLE device, ULONG64 grace_ms)
{
	struct pendshare_revoke arguments = {.size = sizeof(arguments), .grace_ms = grace_ms};

	return call(device, PENDSHARE_IOC_REVOKE, &arguments, sizeof(arguments), NULL, 0);
}

void await_accepted(HANDLE device, ULONG count)
{
	while (count > 0) {
		struct pendshare_pend arguments = {.size = sizeof(arguments), .capacity = 16};
		struct pendshare_event events[16];
		struct pending pending;
		ULONG i;

		begin(device, PENDSHARE_IOC_PEND, &arguments, sizeof(arguments), events,
		      sizeof(events), &pending);
		if (await(&pending, "ACCEPTED") != STATUS_SUCCESS) {
			tap(false, "PEND for ACCEPTED");
			return;
		}
		for (i = 0; i < pending.result.Information / sizeof(*events); i++)
			count -= events[i].kind == PENDSHARE_EVENT_ACCEPTED;
	}
}

void await_quiet(const char *what)
{
	HANDLE device = device_open(FILE_FLAG_OVERLAPPED);
	struct pendshare_info info = info_of(device);
	ULONG waited;

	for (waited = 0; info.total_shares && waited < PATIENCE_MS; waited += 5) {
		Sleep(5);
		info = info_of(device);
	}
	tap(!info.total_shares && !info.total_pinned_pages, "%s: no share and no page is left",
	      what);
	CloseHandle(device);
}
