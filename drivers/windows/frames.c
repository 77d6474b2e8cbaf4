// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Frames of a share: frames.h over its mapped pages, with the private side in our own memory. That
 * is there from attach on; the share's memory is written only when nothing can refuse it any more.
 */
#include "driver.h"

NTSTATUS pendshare_share_frames(SHARE *share, BOOLEAN playback, struct pendshare_frames **frames)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	NTSTATUS status;
	UCHAR *slots;
	void *buffer;

	*frames = NULL;
	if (!share->frame_count || share->frames)
		return STATUS_INVALID_PARAMETER;
	slots = pendshare_share_map(share);
	if (!slots)
		return STATUS_INSUFFICIENT_RESOURCES;
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = share->file->device->handle;
	status = WdfMemoryCreate(&attributes, NonPagedPoolNx, PENDSHARE_POOL_TAG, sizeof(**frames),
				 &share->frames_memory, &buffer);
	if (!NT_SUCCESS(status))
		return status;
	RtlZeroMemory(buffer, sizeof(**frames));
	share->frames = buffer;
	share->playback = playback;
	share->frames->count = share->frame_count;
	share->frames->bytes = share->frame_bytes;
	share->frames->data = pendshare_frames_data(share->frame_count, PAGE_SIZE);
	share->frames->slots = slots + share->frames->data;
	*frames = share->frames;
	return STATUS_SUCCESS;
}

void frames_format(SHARE *share)
{
	if (share->frames)
		pendshare_frames_format(share->frames, share->memory, share->frame_count,
					share->frame_bytes, PAGE_SIZE, share->playback);
}

/* Nobody can use them any more: whoever does is the peer, which has detached or never attached. */
void frames_free(SHARE *share)
{
	if (share->frames)
		WdfObjectDelete(share->frames_memory);
}
