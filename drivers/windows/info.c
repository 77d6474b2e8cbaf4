// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * INFO: what the driver can do, and what is live in it. The counts of the caller's file are of one
 * moment, those of the device are not: no lock covers them.
 */
#include "driver.h"

NTSTATUS device_info(struct call *call)
{
	FILE_CONTEXT *file = call->file;
	struct pendshare_info *info;
	NTSTATUS status;
	KIRQL irql;
	void *out;

	if (call->arguments.info.flags || call->output_length < sizeof(*info))
		return STATUS_INVALID_PARAMETER;
	status = WdfRequestRetrieveOutputBuffer(call->request, sizeof(*info), &out, NULL);
	if (!NT_SUCCESS(status))
		return status;
	info = out;
	RtlZeroMemory(info, sizeof(*info));
	info->size = sizeof(*info);
	info->abi_version = PENDSHARE_ABI_VERSION;
	info->driver_version = PENDSHARE_DRIVER_VERSION;
	info->page_size = PAGE_SIZE;
	info->max_shares = PENDSHARE_SHARES_PER_USER;
	info->max_bytes = PENDSHARE_MAX_BYTES;
	info->min_period_ns = PENDSHARE_WINDOWS_PERIOD_NS;
	KeAcquireSpinLock(&file->lock, &irql);
	info->shares = file->shares;
	info->pinned_pages = file->pages;
	KeReleaseSpinLock(&file->lock, irql);
	info->total_shares = pendshare_quota_used(&file->device->shares);
	info->total_pinned_pages = (ULONG64)file->device->pages;
	peer_names(info->peers);
	call->information = sizeof(*info);
	return STATUS_SUCCESS;
}
