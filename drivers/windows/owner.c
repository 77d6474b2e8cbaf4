// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Who owns shares: the process that opened the file, whose end ends them, and the user who
 * pays for them, whatever the number of processes and handles.
 */
#include "driver.h"

#define FILES_PER_USER 8192 /* a file costs some KiB that cannot be paged out */

/* The process callback has no context of its own. Set before it can run, and never reset. */
static DEVICE *watched;

/*
 * Its order against the closing of the process's handles is not documented; whichever comes
 * first gives the reason. It covers handles that another process has a duplicate of, which
 * no cleanup would ever reach.
 */
static void process_notify(HANDLE parent, HANDLE process, BOOLEAN create)
{
	SHARE *list = NULL;
	LIST_ENTRY *link;
	KIRQL irql;

	UNREFERENCED_PARAMETER(parent);
	if (create)
		return;
	ExAcquireFastMutex(&watched->mutex);
	for (link = watched->files.Flink; link != &watched->files; link = link->Flink) {
		FILE_CONTEXT *file = CONTAINING_RECORD(link, FILE_CONTEXT, link);

		if (PsGetProcessId(file->owner) != process)
			continue;
		KeAcquireSpinLock(&file->lock, &irql);
		file->closing = TRUE;
		list = file_mark_all(file, NULL, PENDSHARE_OWNER_EXITED, list);
		KeReleaseSpinLock(&file->lock, irql);
	}
	ExReleaseFastMutex(&watched->mutex);
	share_let_go_all(list);
}

NTSTATUS owner_watch(DEVICE *device)
{
	watched = device;
	return PsSetCreateProcessNotifyRoutine(process_notify, FALSE);
}

/* Returns when no call of the routine is running any more. */
void owner_unwatch(void)
{
	PsSetCreateProcessNotifyRoutine(process_notify, TRUE);
}

/* The SID of the caller: the thread's token if it impersonates, else the process's. */
static NTSTATUS caller_sid(UCHAR *sid)
{
	union {
		TOKEN_USER user;
		UCHAR bytes[sizeof(TOKEN_USER) + PENDSHARE_SID_SIZE];
	} token;
	HANDLE handle;
	ULONG length;
	NTSTATUS status;

	status = ZwOpenThreadTokenEx(NtCurrentThread(), TOKEN_QUERY, TRUE, OBJ_KERNEL_HANDLE,
				     &handle);
	if (status == STATUS_NO_TOKEN)
		status = ZwOpenProcessTokenEx(NtCurrentProcess(), TOKEN_QUERY, OBJ_KERNEL_HANDLE,
					      &handle);
	if (!NT_SUCCESS(status))
		return status;
	status = ZwQueryInformationToken(handle, TokenUser, &token, sizeof(token), &length);
	ZwClose(handle);
	if (NT_SUCCESS(status))
		status = RtlCopySid(PENDSHARE_SID_SIZE, sid, token.user.User.Sid);
	return status;
}

/* The user of that SID, or NULL; device->mutex is held. */
static struct user *find_user(DEVICE *device, UCHAR *sid)
{
	LIST_ENTRY *link;

	for (link = device->users.Flink; link != &device->users; link = link->Flink) {
		struct user *user = CONTAINING_RECORD(link, struct user, link);

		if (RtlEqualSid(user->sid, sid))
			return user;
	}
	return NULL;
}

static NTSTATUS new_user(DEVICE *device, const UCHAR *sid, struct user **user)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDFMEMORY memory;
	NTSTATUS status;
	void *buffer;

	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = device->handle;
	status = WdfMemoryCreate(&attributes, NonPagedPoolNx, PENDSHARE_POOL_TAG,
				 sizeof(struct user), &memory, &buffer);
	if (!NT_SUCCESS(status))
		return status;
	RtlZeroMemory(buffer, sizeof(struct user));
	*user = buffer;
	(*user)->memory = memory;
	RtlCopyMemory((*user)->sid, sid, PENDSHARE_SID_SIZE);
	InsertTailList(&device->users, &(*user)->link);
	return STATUS_SUCCESS;
}

NTSTATUS user_get(DEVICE *device, struct user **user)
{
	UCHAR sid[PENDSHARE_SID_SIZE] = { 0 };
	NTSTATUS status = caller_sid(sid);

	if (!NT_SUCCESS(status))
		return status;
	ExAcquireFastMutex(&device->mutex);
	*user = find_user(device, sid);
	if (!*user)
		status = new_user(device, sid, user);
	else if ((*user)->files == FILES_PER_USER)
		status = STATUS_QUOTA_EXCEEDED;
	if (NT_SUCCESS(status))
		(*user)->files++;
	ExReleaseFastMutex(&device->mutex);
	return status;
}

void user_put(DEVICE *device, struct user *user)
{
	BOOLEAN last;

	ExAcquireFastMutex(&device->mutex);
	last = --user->files == 0;
	if (last)
		RemoveEntryList(&user->link);
	ExReleaseFastMutex(&device->mutex);
	if (last)
		WdfObjectDelete(user->memory);
}

/* The memory manager bounds the pages that can be locked; the pages here are for INFO. */
NTSTATUS user_charge(FILE_CONTEXT *file, ULONG64 pages)
{
	if (!pendshare_quota_charge(&file->user->shares, 1, PENDSHARE_SHARES_PER_USER))
		return STATUS_QUOTA_EXCEEDED;
	if (!pendshare_quota_charge(&file->device->shares, 1, PENDSHARE_SHARES_TOTAL)) {
		pendshare_quota_refund(&file->user->shares, 1);
		return STATUS_QUOTA_EXCEEDED;
	}
	InterlockedExchangeAdd64(&file->device->pages, (LONG64)pages);
	return STATUS_SUCCESS;
}

void user_refund(FILE_CONTEXT *file, ULONG64 pages)
{
	InterlockedExchangeAdd64(&file->device->pages, -(LONG64)pages);
	pendshare_quota_refund(&file->device->shares, 1);
	pendshare_quota_refund(&file->user->shares, 1);
}
