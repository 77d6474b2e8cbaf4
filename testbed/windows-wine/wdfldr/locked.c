/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A buffer of the caller's that its structure names. Under Wine the driver lives in another process: it
 * gets a copy, which is written back when the request is parked.
 */
#include "framework.h"
#include "kernel32.h"

struct locked {
	HANDLE process;
	void *address;
	size_t length;
	UCHAR bytes[];
};

/*
 * Rule: at PASSIVE_LEVEL in the caller's context, so not later than EvtIoInCallerContext; any address
 * that the request names; it stays locked and mapped until the request is completed.
 * ACCESS_VIOLATION: it is not the caller's, or not writable; INVALID_USER_BUFFER: no bytes.
 * [WdfRequestProbeAndLockUserBufferForWrite; FxRequest::ProbeAndLockForWrite, MmProbeAndLockPages]
 */
NTSTATUS double_WdfRequestProbeAndLockUserBufferForWrite(PWDF_DRIVER_GLOBALS globals,
							 WDFREQUEST handle, PVOID buffer,
							 size_t length, WDFMEMORY *memory)
{
	struct request *request = object_of(handle, REQUEST);
	struct locked *locked;
	SIZE_T done;

	UNREFERENCED_PARAMETER(globals);
	irql_at_most(PASSIVE_LEVEL);
	stop_unless(!request->presented, "a buffer locked outside of the caller's context");
	stop_unless(!request->locked, "more than one buffer locked, which the double has no room for");
	if (!length)
		return STATUS_INVALID_USER_BUFFER;
	locked = ExAllocatePoolWithTag(NonPagedPool, sizeof(*locked) + length, 0);
	locked->process = OpenProcess(PROCESS_VM_OPERATION | PROCESS_VM_READ | PROCESS_VM_WRITE,
				      FALSE, (ULONG)(ULONG_PTR)PsGetCurrentProcessId());
	locked->address = buffer;
	locked->length = length;
	if (!ReadProcessMemory(locked->process, buffer, locked->bytes, length, &done) ||
	    !WriteProcessMemory(locked->process, buffer, locked->bytes, length, &done)) {
		locked_free(locked);
		return STATUS_ACCESS_VIOLATION;
	}
	request->locked = locked;
	*memory = (WDFMEMORY)locked;
	return STATUS_SUCCESS;
}

PVOID double_WdfMemoryGetBuffer(PWDF_DRIVER_GLOBALS globals, WDFMEMORY memory, size_t *length)
{
	struct locked *locked = (struct locked *)memory;

	UNREFERENCED_PARAMETER(globals);
	if (length)
		*length = locked->length;
	return locked->bytes;
}

void locked_write(struct locked *locked)
{
	SIZE_T done;

	if (locked)
		WriteProcessMemory(locked->process, locked->address, locked->bytes, locked->length,
				   &done);
}

void locked_free(struct locked *locked)
{
	if (!locked)
		return;
	CloseHandle(locked->process);
	ExFreePoolWithTag(locked, 0);
}
