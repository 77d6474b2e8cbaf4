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

static NTSTATUS attach(void *context, struct pendshare_share_context *share, const void *options,
		       ULONG size, void **attachment)
{
	struct counter *counter;

	UNREFERENCED_PARAMETER(context);
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
	*attachment = counter;
	return STATUS_SUCCESS;
}

static void start(void *attachment)
{
	struct counter *counter = attachment;

	InterlockedExchange64(counter->value, 0);
}

/* Called under a reference: the memory stays for as long as this runs. */
static void notify(void *attachment)
{
	struct counter *counter = attachment;

	InterlockedIncrement64(counter->value);
	pendshare_share_written(counter->share, sizeof(*counter->value));
	pendshare_share_ring(counter->share);
}

static void stop(void *attachment)
{
	UNREFERENCED_PARAMETER(attachment);
}

static void detach(void *attachment)
{
	ExFreePoolWithTag(attachment, COUNTER_TAG);
}

static const struct pendshare_peer_ops counter_ops = {
	.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	.attach = attach,
	.start = start,
	.notify = notify,
	.stop = stop,
	.detach = detach,
};

static struct pendshare_peer *counter_peer;

static void unload(PDRIVER_OBJECT driver)
{
	UNREFERENCED_PARAMETER(driver);
	pendshare_peer_remove(counter_peer);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
	UNREFERENCED_PARAMETER(registry_path);
	driver->DriverUnload = unload;
	return pendshare_peer_add(&counter_ops, "counter", NULL, &counter_peer);
}
