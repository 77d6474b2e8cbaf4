// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The fake's kernel: processes, events, tokens; and what a test wants to be counted or to fail.
 */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

/* Rules */

_Noreturn void fake_broken(const char *what, const char *file, int line, const char *function)
{
	fprintf(stderr, "%s:%d: %s: broken rule: %s\n", file, line, function, what);
	abort();
}

/* Counters */

static unsigned long windows[FAKE_WINDOWS];
static unsigned int fail_in;

const char *const fake_window_names[FAKE_WINDOWS] = {
	[FAKE_CANCELED_IN_FORWARD] = "cancelled inside of parking",
	[FAKE_CANCELED_IN_QUEUE] = "cancelled in the queue",
	[FAKE_CANCELED_LATER] = "cancelled, called back later",
	[FAKE_CANCELED_UNSEEN] = "cancelled before the driver saw it",
	[FAKE_NOT_FOUND] = "retrieved too late or too early",
	[FAKE_REQUEUED] = "put back",
	[FAKE_STOPPED] = "timer stopped",
	[FAKE_STOP_TOO_LATE] = "timer stopped too late",
	[FAKE_ENQUEUED_RUNNING] = "work enqueued while running",
};

void fake_count_window(enum fake_window window)
{
	__atomic_fetch_add(&windows[window], 1, __ATOMIC_RELAXED);
}

unsigned long fake_window_count(enum fake_window window)
{
	return __atomic_exchange_n(&windows[window], 0, __ATOMIC_RELAXED);
}

unsigned int fake_fail_nth(unsigned int nth)
{
	return __atomic_exchange_n(&fail_in, nth, __ATOMIC_RELAXED);
}

bool fake_fails(void)
{
	return __atomic_load_n(&fail_in, __ATOMIC_RELAXED) &&
	       __atomic_sub_fetch(&fail_in, 1, __ATOMIC_RELAXED) == 0;
}

/* Locks */

void lock_take(struct lock *lock)
{
	fake_point();
	while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE))
		fake_yield();
}

void lock_drop(struct lock *lock)
{
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
	fake_point();
}

void KeInitializeSpinLock(KSPIN_LOCK *lock)
{
	lock->held = 0;
}

void KeAcquireSpinLock(KSPIN_LOCK *lock, KIRQL *irql)
{
	*irql = fake_raise(DISPATCH_LEVEL);
	lock_take(lock);
	sched_count_locks(1);
}

void KeReleaseSpinLock(KSPIN_LOCK *lock, KIRQL irql)
{
	sched_count_locks(-1);
	lock_drop(lock);
	fake_lower(irql);
}

void ExInitializeFastMutex(FAST_MUTEX *mutex)
{
	mutex->held = 0;
}

void ExAcquireFastMutex(FAST_MUTEX *mutex)
{
	fake_require_callable(PASSIVE_LEVEL);
	fake_raise(APC_LEVEL);
	lock_take(mutex);
	sched_count_locks(1);
}

void ExReleaseFastMutex(FAST_MUTEX *mutex)
{
	sched_count_locks(-1);
	lock_drop(mutex);
	fake_lower(PASSIVE_LEVEL);
}

ULONG KeQueryTimeIncrement(void)
{
	return FAKE_TICK_NS / 100;
}

/*
 * Rule: the pages of METHOD_IN_DIRECT are locked for reading, and may be mapped so only; two that
 * map one MDL at the same time race. [MmProbeAndLockPages, MmGetSystemAddressForMdlSafe]
 */
PVOID MmGetSystemAddressForMdlSafe(PMDL mdl, ULONG priority)
{
	FAKE_REQUIRE(priority & MdlMappingNoExecute);
	FAKE_REQUIRE(!mdl->readonly || (priority & MdlMappingNoWrite));
	FAKE_REQUIRE(!mdl->mapped);
	mdl->mapped = TRUE;
	return fake_fails() ? NULL : mdl->memory;
}

/* Objects that the object manager counts: processes and events begin with their count. */

void ObReferenceObject(void *object)
{
	FAKE_REQUIRE(__atomic_fetch_add((LONG *)object, 1, __ATOMIC_RELAXED) > 0);
}

void ObDereferenceObject(void *object)
{
	FAKE_REQUIRE(__atomic_fetch_sub((LONG *)object, 1, __ATOMIC_RELEASE) > 1);
}

struct fake_type {
	int unused;
};
static struct fake_type event_type;
static POBJECT_TYPE event_type_pointer = &event_type;
POBJECT_TYPE *ExEventObjectType = &event_type_pointer;

/* Handles of events are their addresses. */
static PKEVENT events[8];

static PKEVENT *event_slot(const void *event)
{
	PKEVENT *slot = events;

	while (slot < events + RTL_NUMBER_OF(events) && *slot != event)
		slot++;
	return slot < events + RTL_NUMBER_OF(events) ? slot : NULL;
}

PKEVENT fake_event_new(void)
{
	PKEVENT event = calloc(1, sizeof(*event));

	event->references = 1;
	*event_slot(NULL) = event;
	return event;
}

LONG fake_event_free(PKEVENT event)
{
	LONG signals = __atomic_load_n(&event->signals, __ATOMIC_RELAXED);

	FAKE_REQUIRE(__atomic_load_n(&event->references, __ATOMIC_ACQUIRE) == 1);
	*event_slot(event) = NULL;
	free(event);
	return signals;
}

NTSTATUS ObReferenceObjectByHandle(HANDLE handle, ACCESS_MASK access, POBJECT_TYPE type,
				   KPROCESSOR_MODE mode, PVOID *object, void *information)
{
	(void)information;
	FAKE_REQUIRE(mode == UserMode && type == &event_type && access == EVENT_MODIFY_STATE);
	fake_require_callable(PASSIVE_LEVEL);
	FAKE_REQUIRE(sched_process() != &fake_arbitrary_process);
	if (!handle || !event_slot(handle))
		return STATUS_INVALID_HANDLE;
	ObReferenceObject(handle);
	*object = handle;
	return STATUS_SUCCESS;
}

void KeInitializeEvent(PKEVENT event, EVENT_TYPE type, BOOLEAN signalled)
{
	FAKE_REQUIRE(type == NotificationEvent && !signalled);
	*event = (KEVENT){ 1, 0 };
}

NTSTATUS KeWaitForSingleObject(PVOID object, KWAIT_REASON reason, KPROCESSOR_MODE mode,
			       BOOLEAN alertable, LARGE_INTEGER *timeout)
{
	(void)reason;
	FAKE_REQUIRE(mode == KernelMode && !alertable && !timeout);
	fake_require_callable(APC_LEVEL);
	while (!__atomic_load_n(&((PKEVENT)object)->signals, __ATOMIC_ACQUIRE))
		work_wait();
	return STATUS_SUCCESS;
}

LONG KeSetEvent(PKEVENT event, KPRIORITY increment, BOOLEAN wait)
{
	(void)increment;
	FAKE_REQUIRE(!wait && fake_irql() <= DISPATCH_LEVEL);
	return __atomic_fetch_add(&event->signals, 1, __ATOMIC_ACQ_REL);
}

/* Processes */

struct fake_process {
	LONG references;
	ULONG id;
	ULONG user;
};

static struct fake_process first_process = { 1, 1, 1 };
struct fake_process fake_arbitrary_process = { 1, 4, 0 };
static PCREATE_PROCESS_NOTIFY_ROUTINE notify_routine;

struct fake_process *fake_process_new(ULONG id, ULONG user)
{
	struct fake_process *process = calloc(1, sizeof(*process));

	*process = (struct fake_process){ 1, id, user };
	return process;
}

void fake_process_free(struct fake_process *process)
{
	FAKE_REQUIRE(__atomic_load_n(&process->references, __ATOMIC_ACQUIRE) == 1);
	free(process);
}

PEPROCESS PsGetCurrentProcess(void)
{
	struct fake_process *process = sched_process();

	return process ? process : &first_process;
}

HANDLE PsGetProcessId(PEPROCESS process)
{
	return (HANDLE)(uintptr_t)process->id;
}

NTSTATUS PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE routine, BOOLEAN remove)
{
	fake_require_callable(PASSIVE_LEVEL);
	if (!remove && fake_fails())
		return STATUS_INVALID_PARAMETER;
	notify_routine = remove ? NULL : routine;
	return STATUS_SUCCESS;
}

void fake_process_exit(ULONG id)
{
	notify_routine(NULL, (HANDLE)(uintptr_t)(id + 1000), TRUE); /* somebody else starts */
	notify_routine(NULL, (HANDLE)(uintptr_t)id, FALSE);
}

/* Tokens and descriptors: a user's SID has one number. */

NTSTATUS ZwOpenThreadTokenEx(HANDLE thread, ACCESS_MASK access, BOOLEAN as_self, ULONG attributes,
			     HANDLE *token)
{
	(void)thread, (void)access, (void)as_self, (void)attributes, (void)token;
	fake_require_callable(PASSIVE_LEVEL);
	return STATUS_NO_TOKEN;
}

NTSTATUS ZwOpenProcessTokenEx(HANDLE process, ACCESS_MASK access, ULONG attributes, HANDLE *token)
{
	(void)process, (void)access, (void)attributes;
	fake_require_callable(PASSIVE_LEVEL);
	FAKE_REQUIRE(sched_process() != &fake_arbitrary_process);
	if (fake_fails())
		return STATUS_ACCESS_DENIED;
	*token = (HANDLE)(uintptr_t)PsGetCurrentProcess()->user;
	return STATUS_SUCCESS;
}

NTSTATUS ZwQueryInformationToken(HANDLE token, int what, PVOID to, ULONG size, PULONG length)
{
	struct {
		TOKEN_USER user;
		UCHAR sid[12];
	} *out = to;
	ULONG number = (ULONG)(uintptr_t)token;

	FAKE_REQUIRE(what == TokenUser && size >= sizeof(*out));
	memcpy(out->sid, (UCHAR[]){ SID_REVISION, 1, 0, 0, 0, 0, 0, 5 }, 8);
	memcpy(out->sid + 8, &number, 4);
	out->user.User.Sid = out->sid;
	*length = sizeof(*out);
	return STATUS_SUCCESS;
}

NTSTATUS ZwClose(HANDLE handle)
{
	(void)handle;
	return STATUS_SUCCESS;
}

BOOLEAN RtlValidSid(PSID sid)
{
	const UCHAR *bytes = sid;

	return bytes[0] == SID_REVISION && bytes[1] <= 15;
}

ULONG RtlLengthSid(PSID sid)
{
	return 8u + 4u * ((const UCHAR *)sid)[1];
}

BOOLEAN RtlEqualSid(PSID a, PSID b)
{
	return RtlLengthSid(a) == RtlLengthSid(b) && !memcmp(a, b, RtlLengthSid(a));
}

NTSTATUS RtlCopySid(ULONG size, PSID to, PSID from)
{
	FAKE_REQUIRE(RtlLengthSid(from) <= size);
	memcpy(to, from, RtlLengthSid(from));
	return STATUS_SUCCESS;
}

NTSTATUS RtlCreateAcl(ACL *acl, ULONG size, ULONG revision)
{
	*acl = (ACL){ (UCHAR)revision, 0, (USHORT)size, 0, 0 };
	return STATUS_SUCCESS;
}

NTSTATUS RtlAddAccessAllowedAce(ACL *acl, ULONG revision, ACCESS_MASK mask, PSID sid)
{
	(void)mask;
	FAKE_REQUIRE(acl->AclRevision == revision && RtlValidSid(sid));
	acl->AceCount++;
	return STATUS_SUCCESS;
}

NTSTATUS RtlCreateSecurityDescriptor(SECURITY_DESCRIPTOR *descriptor, ULONG revision)
{
	FAKE_REQUIRE(revision == SECURITY_DESCRIPTOR_REVISION);
	descriptor->dacl = NULL;
	return STATUS_SUCCESS;
}

NTSTATUS RtlSetDaclSecurityDescriptor(SECURITY_DESCRIPTOR *descriptor, BOOLEAN present, ACL *dacl,
				      BOOLEAN defaulted)
{
	FAKE_REQUIRE(present && !defaulted);
	descriptor->dacl = dacl;
	return STATUS_SUCCESS;
}

NTSTATUS ObOpenObjectByPointer(PVOID object, ULONG attributes, PACCESS_STATE state,
			       ACCESS_MASK access, POBJECT_TYPE type, KPROCESSOR_MODE mode,
			       HANDLE *handle)
{
	(void)attributes, (void)state, (void)type;
	FAKE_REQUIRE(mode == KernelMode && access == WRITE_DAC);
	*handle = object;
	return STATUS_SUCCESS;
}

NTSTATUS ZwSetSecurityObject(HANDLE handle, ULONG what, PSECURITY_DESCRIPTOR descriptor)
{
	(void)handle;
	FAKE_REQUIRE(what == DACL_SECURITY_INFORMATION);
	FAKE_REQUIRE(((SECURITY_DESCRIPTOR *)descriptor)->dacl->AceCount == 3);
	return STATUS_SUCCESS;
}
