// SPDX-License-Identifier: MIT
/*
 * A kernel peer of your own: `counter` adds one to the first 64 bits of the shared memory at each
 * NOTIFY and rings the doorbell. It keeps nothing running, so stop has nothing to do.
 */
#include <ntifs.h>

#define PENDSHARE_IMPORT
#include <pendshare/abi.h>
#include "../../windows/pendshare-peer.h"

#define COUNTER_TAG 0x72746e63ul /* "cntr" */

struct counter {
	struct pendshare_share_context *share;
	LONG64 volatile *value;
};

static NTSTATUS attach(struct pendshare_peer *peer, struct pendshare_share_context *share,
		       const void *options, ULONG size, void **context)
{
	struct counter *counter;

	UNREFERENCED_PARAMETER(peer);
	UNREFERENCED_PARAMETER(options);
	if (size)
		return STATUS_INVALID_PARAMETER;
	counter = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*counter), COUNTER_TAG);
	if (!counter)
		return STATUS_INSUFFICIENT_RESOURCES;
	counter->share = share;
	counter->value = pendshare_share_map(share);
	if (!counter->value) {
		ExFreePoolWithTag(counter, COUNTER_TAG);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	*context = counter;
	return STATUS_SUCCESS;
}

static void start(void *context)
{
	struct counter *counter = context;

	InterlockedExchange64(counter->value, 0);
}

/* Called under a reference: the memory stays for as long as this runs. */
static void notify(void *context)
{
	struct counter *counter = context;

	InterlockedIncrement64(counter->value);
	pendshare_share_written(counter->share, sizeof(*counter->value));
	pendshare_share_ring(counter->share);
}

static void stop(void *context)
{
	UNREFERENCED_PARAMETER(context);
}

static void detach(void *context)
{
	ExFreePoolWithTag(context, COUNTER_TAG);
}

static struct pendshare_peer peer = {
	.name = "counter",
	.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	.attach = attach,
	.start = start,
	.notify = notify,
	.stop = stop,
	.detach = detach,
};

static void unload(PDRIVER_OBJECT driver)
{
	UNREFERENCED_PARAMETER(driver);
	pendshare_peer_unregister(&peer);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
	UNREFERENCED_PARAMETER(registry_path);
	driver->DriverUnload = unload;
	return pendshare_peer_register(&peer);
}
