/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Two functions of the kernel that Wine's ntoskrnl only has as stubs, put behind the imports of
 * the loaded driver: references to objects by a user's handle, and notifications of processes
 * that end. The driver's file stays as it was built.
 */
#include "framework.h"

/* A process that has the device open, until it ends. */
struct process {
	LIST_ENTRY link;
	HANDLE id;
	HANDLE handle;
	HANDLE wait;
};

static FAST_MUTEX mutex;
static LIST_ENTRY processes = {&processes, &processes};
static PCREATE_PROCESS_NOTIFY_ROUTINE notify; /* mutex, held while it runs */

static void process_ended(void *context, BOOLEAN timed_out)
{
	struct process *process = context;
	KIRQL irql;

	UNREFERENCED_PARAMETER(timed_out);
	ExAcquireFastMutex(&mutex);
	irql = irql_raise(PASSIVE_LEVEL);
	if (notify)
		notify(NULL, process->id, FALSE);
	irql_lower(irql);
	RemoveEntryList(&process->link);
	ExReleaseFastMutex(&mutex);
	UnregisterWaitEx(process->wait, NULL);
	CloseHandle(process->handle);
	ExFreePoolWithTag(process, 0);
}

/* In a caller's context. */
void ntoskrnl_watch_process(void)
{
	HANDLE id = PsGetCurrentProcessId();
	struct process *process;
	LIST_ENTRY *link;

	ExAcquireFastMutex(&mutex);
	for (link = processes.Flink; link != &processes; link = link->Flink)
		if (CONTAINING_RECORD(link, struct process, link)->id == id)
			goto known;
	process = ExAllocatePoolWithTag(NonPagedPool, sizeof(*process), 0);
	process->id = id;
	process->handle = OpenProcess(SYNCHRONIZE, FALSE, (ULONG)(ULONG_PTR)id);
	InsertTailList(&processes, &process->link);
	stop_unless(RegisterWaitForSingleObject(&process->wait, process->handle, process_ended,
						process, ~0u, WT_EXECUTEONLYONCE),
		    "a process cannot be watched");
known:
	ExReleaseFastMutex(&mutex);
}

/* At unload; the processes that still live are of no interest any more. */
void ntoskrnl_forget(void)
{
	while (!IsListEmpty(&processes)) {
		struct process *process = CONTAINING_RECORD(processes.Flink, struct process, link);

		RemoveEntryList(&process->link);
		UnregisterWaitEx(process->wait, INVALID_HANDLE);
		CloseHandle(process->handle);
		ExFreePoolWithTag(process, 0);
	}
}

/*
 * Rule: the routine runs at PASSIVE_LEVEL when the last thread of a process exits, in no order that
 * is documented against the closing of its handles; removing it waits for a call under way.
 * [PsSetCreateProcessNotifyRoutine, PsSetCreateProcessNotifyRoutineEx]
 */
static NTSTATUS set_process_notify(PCREATE_PROCESS_NOTIFY_ROUTINE callback, BOOLEAN remove)
{
	irql_at_most(PASSIVE_LEVEL);
	ExAcquireFastMutex(&mutex);
	notify = remove ? NULL : callback;
	ExReleaseFastMutex(&mutex);
	return STATUS_SUCCESS;
}

/*
 * Rule: in the caller's process, at PASSIVE_LEVEL; with UserMode the handle must have been granted
 * the access. [ObReferenceObjectByHandle] Duplicated into this process it is one of kernel mode, of
 * which Wine checks nothing, so that what was granted is asked for.
 */
static NTSTATUS reference_by_handle(HANDLE handle, ACCESS_MASK access, POBJECT_TYPE type,
				    KPROCESSOR_MODE mode, PVOID *object,
				    POBJECT_HANDLE_INFORMATION info)
{
	HANDLE process;
	HANDLE own;
	PUBLIC_OBJECT_BASIC_INFORMATION basic;
	NTSTATUS status;

	irql_at_most(PASSIVE_LEVEL);
	if (mode == KernelMode)
		return ObReferenceObjectByHandle(handle, access, type, mode, object, info);
	process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, (ULONG)(ULONG_PTR)PsGetCurrentProcessId());
	status = ZwDuplicateObject(process, handle, NtCurrentProcess(), &own, 0, 0,
				   DUPLICATE_SAME_ACCESS);
	CloseHandle(process);
	if (!NT_SUCCESS(status))
		return status;
	status = ZwQueryObject(own, ObjectBasicInformation, &basic, sizeof(basic), NULL);
	if (NT_SUCCESS(status) && (access & ~basic.GrantedAccess))
		status = STATUS_ACCESS_DENIED;
	if (NT_SUCCESS(status))
		status = ObReferenceObjectByHandle(own, access, type, KernelMode, object, info);
	CloseHandle(own);
	return status;
}

/* Returns where it led before. */
static void *redirect(void **slot, void *target)
{
	void *old = *slot;
	ULONG before;

	VirtualProtect(slot, sizeof(*slot), PAGE_READWRITE, &before);
	*slot = target;
	VirtualProtect(slot, sizeof(*slot), before, &before);
	return old;
}

/* Of the loaded image; offsets are from its start. */
struct import_module {
	ULONG names; /* of ULONG64 offsets to {USHORT hint, char name[]}, ending with 0 */
	ULONG unused[2];
	ULONG name;
	ULONG slots;
};

NTSYSAPI PVOID NTAPI RtlImageDirectoryEntryToData(PVOID image, BOOLEAN mapped, USHORT entry,
						  PULONG size);
#define IMPORTS 1

void *redirect_import(void *base, const char *name, void *target)
{
	struct import_module *module;
	UCHAR *image = base;
	void *old = NULL;
	ULONG size;

	module = RtlImageDirectoryEntryToData(image, TRUE, IMPORTS, &size);
	for (; module->name; module++) {
		ULONG64 *names = (ULONG64 *)(image + module->names);
		void **slots = (void **)(image + module->slots);

		for (; *names; names++, slots++)
			if (!strcmp((const char *)image + *names + sizeof(USHORT), name))
				old = redirect(slots, target);
	}
	stop_unless(old != NULL, name);
	return old;
}

/* Rule: what a clock interrupt is worth at most, 15.625 ms on a PC. Wine says 1 ms. */
static ULONG query_time_increment(void)
{
	return 156250;
}

void ntoskrnl_redirect(void *image)
{
	ExInitializeFastMutex(&mutex);
	redirect_import(image, "ObReferenceObjectByHandle", reference_by_handle);
	redirect_import(image, "PsSetCreateProcessNotifyRoutine", set_process_notify);
	redirect_import(image, "KeQueryTimeIncrement", query_time_increment);
	redirect_import(image, "MmMapLockedPagesSpecifyCache", live_map);
}
