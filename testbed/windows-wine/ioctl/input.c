/* SPDX-License-Identifier: MIT */
/* What every request refuses in its input: lengths, sizes, flags, codes, methods, handles. */
#include "device.h"

#include <stdlib.h>
#include <string.h>

struct request {
	const char *name;
	ULONG code;
	ULONG least; /* of its first version */
	ULONG size;
	BOOLEAN direct; /* the output is memory */
};

#define SHARE_SIZES PENDSHARE_SHARE_SIZE, sizeof(struct pendshare_share)
#define ONE_SIZE(type) sizeof(struct type), sizeof(struct type)

static const struct request requests[] = {
    {"INFO", PENDSHARE_IOC_INFO, ONE_SIZE(pendshare_info), FALSE},
    {"SHARE", PENDSHARE_IOC_SHARE, SHARE_SIZES, TRUE},
    {"SHARE_READONLY", PENDSHARE_IOC_SHARE_READONLY, SHARE_SIZES, TRUE},
    {"PEND", PENDSHARE_IOC_PEND, ONE_SIZE(pendshare_pend), FALSE},
    {"RELEASE", PENDSHARE_IOC_RELEASE, ONE_SIZE(pendshare_end), FALSE},
    {"CANCEL", PENDSHARE_IOC_CANCEL, ONE_SIZE(pendshare_end), FALSE},
    {"NOTIFY", PENDSHARE_IOC_NOTIFY, ONE_SIZE(pendshare_notify), FALSE},
    {"SHUTDOWN", PENDSHARE_IOC_SHUTDOWN, ONE_SIZE(pendshare_shutdown), FALSE},
    {"REVOKE", PENDSHARE_IOC_REVOKE, ONE_SIZE(pendshare_revoke), FALSE},
};

/* Sends `length` bytes of input whose size field says `told`. */
static NTSTATUS send(HANDLE device, const struct request *request, UCHAR *input, ULONG told,
		     ULONG length)
{
	static UCHAR output[2 * PAGE] __attribute__((aligned(4096)));

	memcpy(input, &told, sizeof(told));
	return call(device, request->code, length ? input : NULL, length, output,
		    request->direct ? PAGE : sizeof(struct pendshare_info));
}

static void test_sizes(HANDLE device, const struct request *request)
{
	UCHAR input[1024] = {0};
	ULONG size = request->size;
	ULONG length;

	check_status(send(device, request, input, size, 0), STATUS_INVALID_PARAMETER,
		     "%s without input", request->name);
	for (length = 1; length < size; length++)
		if (send(device, request, input, size, length) != STATUS_INVALID_PARAMETER)
			break;
	tap(length == size, "%s with every shorter input", request->name);
	check_status(send(device, request, input, request->least - 1, size),
		     STATUS_INVALID_PARAMETER, "%s whose size field is too small", request->name);
	check_status(send(device, request, input, size + 1, size), STATUS_INVALID_PARAMETER,
		     "%s whose size field is beyond its input", request->name);
	check_status(send(device, request, input, 0xffffffff, size), STATUS_INVALID_PARAMETER,
		     "%s whose size field is 2^32 - 1", request->name);
	input[size + 7] = 1;
	check_status(send(device, request, input, size + 8, size + 8), STATUS_INVALID_PARAMETER,
		     "%s with a tail that is not zero", request->name);
	input[size + 7] = 0;
	input[7] = 0x80;
	check_status(send(device, request, input, size, size), STATUS_INVALID_PARAMETER,
		     "%s with unknown flags", request->name);
}

static void test_codes(HANDLE device)
{
	UCHAR input[sizeof(struct pendshare_info)] = {0};
	const struct request *request;
	ULONG method;

	for (request = requests; request < requests + RTL_NUMBER_OF(requests); request++) {
		struct request wrong = *request;
		int refused = 0;
		int tried = 0;

		for (method = 0; method < 3; method++) {
			wrong.code = (request->code & ~3u) | method;
			if (wrong.code == PENDSHARE_IOC_SHARE ||
			    wrong.code == PENDSHARE_IOC_SHARE_READONLY ||
			    wrong.code == request->code)
				continue;
			tried++;
			refused += send(device, &wrong, input, wrong.size, wrong.size) ==
				   STATUS_INVALID_DEVICE_REQUEST;
		}
		tap(refused == tried, "%s by another method", request->name);
	}
	for (method = 0; method < 3; method++)
		check_status(call(device, PENDSHARE_IOC(0x3f, method), input, 8, input, 8),
			     STATUS_INVALID_DEVICE_REQUEST, "an unknown request, method %lu",
			     method);
	check_status(call(device, PENDSHARE_IOC_INFO & ~(3u << 14), input, 8, input, 8),
		     STATUS_INVALID_DEVICE_REQUEST, "INFO without the access bits");
}

static void test_longer(HANDLE device)
{
	struct {
		struct pendshare_info info;
		ULONG64 tail;
	} longer = {.info.size = sizeof(longer)};

	check_status(
	    call(device, PENDSHARE_IOC_INFO, &longer, sizeof(longer), &longer, sizeof(longer)),
	    STATUS_SUCCESS, "INFO of a newer caller, with a tail of zeros");
	tap(longer.info.size == sizeof(longer.info), "it is told what the driver knows");
	longer.info.size = sizeof(longer.info);
	check_status(call(device, PENDSHARE_IOC_INFO, &longer.info, sizeof(longer.info),
			  &longer.info, sizeof(longer.info) - 1),
		     STATUS_INVALID_PARAMETER, "INFO with too short an output");
	longer.info.flags = 0;
	longer.info.size = sizeof(longer.info);
	check_status(call(device, PENDSHARE_IOC_INFO, &longer.info, sizeof(longer.info), NULL, 0),
		     STATUS_INVALID_PARAMETER, "INFO without output");
}

static NTSTATUS pend(HANDLE device, struct pendshare_pend arguments, ULONG out_length)
{
	struct pendshare_event events[4];

	arguments.size = sizeof(arguments);
	return call(device, PENDSHARE_IOC_PEND, &arguments, sizeof(arguments),
		    out_length ? events : NULL, out_length);
}

static void test_pend(HANDLE device)
{
	ULONG one = sizeof(struct pendshare_event);

	check_status(pend(device, (struct pendshare_pend){.capacity = 0}, one),
		     STATUS_INVALID_PARAMETER, "PEND for no event");
	check_status(pend(device, (struct pendshare_pend){.capacity = 1, .id = 1}, one),
		     STATUS_INVALID_PARAMETER, "PEND for one share");
	check_status(pend(device, (struct pendshare_pend){.capacity = 1, .events = 4096}, one),
		     STATUS_INVALID_PARAMETER, "PEND with an address of events");
	check_status(pend(device, (struct pendshare_pend){.capacity = 1, .count = 1}, one),
		     STATUS_INVALID_PARAMETER, "PEND with a count");
	check_status(pend(device, (struct pendshare_pend){.capacity = 1}, 0),
		     STATUS_INVALID_PARAMETER, "PEND without output");
	check_status(pend(device, (struct pendshare_pend){.capacity = 1}, one - 1),
		     STATUS_INVALID_PARAMETER, "PEND with an output shorter than an event");
}

static void test_reading_and_writing(HANDLE device)
{
	OVERLAPPED overlapped = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
	UCHAR byte = 0;
	DWORD count;

	tap(!ReadFile(device, &byte, 1, NULL, &overlapped) &&
		  !GetOverlappedResult(device, &overlapped, &count, TRUE) &&
		  GetLastError() == ERROR_INVALID_FUNCTION,
	      "ReadFile is none of the device's functions");
	tap(!WriteFile(device, &byte, 1, NULL, &overlapped) &&
		  !GetOverlappedResult(device, &overlapped, &count, TRUE) &&
		  GetLastError() == ERROR_INVALID_FUNCTION,
	      "nor is WriteFile");
	CloseHandle(overlapped.hEvent);
}

static void test_synchronous(void)
{
	HANDLE device = device_open(0);
	struct pendshare_share arguments = share_arguments(1, "");
	struct pendshare_pend pend_arguments = {.size = sizeof(pend_arguments), .capacity = 1};
	struct pendshare_event event;

	check_status(
	    call(device, PENDSHARE_IOC_SHARE, &arguments, sizeof(arguments), pages(1), PAGE),
	    STATUS_INVALID_PARAMETER, "SHARE on a handle without FILE_FLAG_OVERLAPPED");
	check_status(call(device, PENDSHARE_IOC_PEND, &pend_arguments, sizeof(pend_arguments),
			  &event, sizeof(event)),
		     STATUS_INVALID_PARAMETER, "PEND on a handle without FILE_FLAG_OVERLAPPED");
	tap(info_of(device).abi_version == PENDSHARE_ABI_VERSION,
	      "INFO on a handle without FILE_FLAG_OVERLAPPED");
	CloseHandle(device);
}

void test_input(void)
{
	HANDLE device = device_open(FILE_FLAG_OVERLAPPED);
	const struct request *request;

	for (request = requests; request < requests + RTL_NUMBER_OF(requests); request++)
		test_sizes(device, request);
	test_codes(device);
	test_longer(device);
	test_pend(device);
	test_reading_and_writing(device);
	CloseHandle(device);
	test_synchronous();
	await_quiet("bad input");
}
