/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The part of the Windows kernel that pendshare.sys uses, for a native build of its sources: types
 * and inline functions here, the rest in kernel.c. Compiled with -fshort-wchar, and with
 * __linux__ undefined, so that the driver's headers take their Windows side.
 */
#ifndef PENDSHARE_FAKE_NTIFS_H
#define PENDSHARE_FAKE_NTIFS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VOID void
#define CONST const
#define TRUE 1
#define FALSE 0
#define PAGE_SIZE 4096
#define POINTER_ALIGNMENT __attribute__((aligned(8)))
#define UNREFERENCED_PARAMETER(name) ((void)(name))
#define C_ASSERT(condition) _Static_assert(condition, #condition)
#define FIELD_OFFSET(type, field) __builtin_offsetof(type, field)
#define CONTAINING_RECORD(address, type, field)                                                    \
	((type *)((char *)(address) - __builtin_offsetof(type, field)))
#define RTL_NUMBER_OF(array) (sizeof(array) / sizeof((array)[0]))

typedef char CHAR, *PCHAR;
typedef unsigned char UCHAR, *PUCHAR, BOOLEAN, KIRQL, KPROCESSOR_MODE;
typedef unsigned short USHORT;
typedef int LONG, NTSTATUS, KPRIORITY;
typedef unsigned int ULONG, *PULONG, ACCESS_MASK;
typedef long long LONGLONG, LONG64;
typedef unsigned long long ULONGLONG, ULONG64;
typedef uintptr_t ULONG_PTR;
typedef void *PVOID, *HANDLE, *PSID, *PSECURITY_DESCRIPTOR;
typedef wchar_t WCHAR, *PWCHAR;
typedef const WCHAR *PCWSTR;

#define DECLARE_HANDLE(name) typedef struct name##__ *name

typedef union {
	LONGLONG QuadPart;
} LARGE_INTEGER;

/* Status */

#define NT_SUCCESS(status) ((NTSTATUS)(status) >= 0)
#define STATUS_SUCCESS ((NTSTATUS)0x00000000)
#define STATUS_PENDING ((NTSTATUS)0x00000103)
#define STATUS_UNSUCCESSFUL ((NTSTATUS)0xC0000001)
#define STATUS_ACCESS_VIOLATION ((NTSTATUS)0xC0000005)
#define STATUS_INVALID_HANDLE ((NTSTATUS)0xC0000008)
#define STATUS_INVALID_PARAMETER ((NTSTATUS)0xC000000D)
#define STATUS_INVALID_DEVICE_REQUEST ((NTSTATUS)0xC0000010)
#define STATUS_ACCESS_DENIED ((NTSTATUS)0xC0000022)
#define STATUS_BUFFER_TOO_SMALL ((NTSTATUS)0xC0000023)
#define STATUS_OBJECT_TYPE_MISMATCH ((NTSTATUS)0xC0000024)
#define STATUS_OBJECT_NAME_NOT_FOUND ((NTSTATUS)0xC0000034)
#define STATUS_OBJECT_NAME_COLLISION ((NTSTATUS)0xC0000035)
#define STATUS_QUOTA_EXCEEDED ((NTSTATUS)0xC0000044)
#define STATUS_INVALID_OWNER ((NTSTATUS)0xC000005A)
#define STATUS_NO_TOKEN ((NTSTATUS)0xC000007C)
#define STATUS_INTEGER_OVERFLOW ((NTSTATUS)0xC0000095)
#define STATUS_INSUFFICIENT_RESOURCES ((NTSTATUS)0xC000009A)
#define STATUS_PIPE_CLOSING ((NTSTATUS)0xC00000B1)
#define STATUS_DEVICE_NOT_READY ((NTSTATUS)0xC00000A3)
#define STATUS_NOT_SUPPORTED ((NTSTATUS)0xC00000BB)
#define STATUS_REQUEST_NOT_ACCEPTED ((NTSTATUS)0xC00000D0)
#define STATUS_INVALID_USER_BUFFER ((NTSTATUS)0xC00000E8)
#define STATUS_CANCELLED ((NTSTATUS)0xC0000120)
#define STATUS_NOT_FOUND ((NTSTATUS)0xC0000225)
#define STATUS_DEVICE_REMOVED ((NTSTATUS)0xC00002B6)
#define STATUS_NO_MORE_ENTRIES ((NTSTATUS)0x8000001A)
#define STATUS_WDF_BUSY ((NTSTATUS)0xC0200206)

/* Memory and lists */

#define RtlZeroMemory(to, size) memset(to, 0, size)
#define RtlCopyMemory(to, from, size) memcpy(to, from, size)

typedef struct LIST_ENTRY {
	struct LIST_ENTRY *Flink;
	struct LIST_ENTRY *Blink;
} LIST_ENTRY;

static inline void InitializeListHead(LIST_ENTRY *head)
{
	head->Flink = head->Blink = head;
}

static inline BOOLEAN IsListEmpty(const LIST_ENTRY *head)
{
	return head->Flink == head;
}

static inline void InsertHeadList(LIST_ENTRY *head, LIST_ENTRY *entry)
{
	entry->Flink = head->Flink;
	entry->Blink = head;
	head->Flink->Blink = entry;
	head->Flink = entry;
}

static inline void InsertTailList(LIST_ENTRY *head, LIST_ENTRY *entry)
{
	InsertHeadList(head->Blink, entry);
}

static inline BOOLEAN RemoveEntryList(LIST_ENTRY *entry)
{
	entry->Blink->Flink = entry->Flink;
	entry->Flink->Blink = entry->Blink;
	return entry->Flink == entry->Blink;
}

static inline LIST_ENTRY *RemoveHeadList(LIST_ENTRY *head)
{
	LIST_ENTRY *entry = head->Flink;

	RemoveEntryList(entry);
	return entry;
}

typedef struct {
	USHORT Length;
	USHORT MaximumLength;
	PWCHAR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

#define DECLARE_CONST_UNICODE_STRING(name, text)                                                   \
	const UNICODE_STRING name = { sizeof(text) - sizeof(WCHAR), sizeof(text), (PWCHAR)(text) }

typedef enum {
	NonPagedPool = 0,
	NonPagedPoolNx = 512,
} POOL_TYPE;

typedef struct {
	void *memory;
	size_t length;
	ULONG offset;
	BOOLEAN readonly;
	BOOLEAN mapped;
} MDL, *PMDL;

#define NormalPagePriority 16
#define MdlMappingNoWrite 0x80000000u
#define MdlMappingNoExecute 0x40000000u
PVOID MmGetSystemAddressForMdlSafe(PMDL mdl, ULONG priority);
#define MmGetMdlByteOffset(mdl) ((mdl)->offset)
#define MmGetMdlByteCount(mdl) ((ULONG)(mdl)->length)

/* Interlocked operations */

#define InterlockedExchange(p, v) __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define InterlockedExchange64(p, v) __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define InterlockedExchangeAdd64(p, v) __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define InterlockedOr(p, v) __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)

static inline LONG InterlockedCompareExchange(LONG volatile *p, LONG desired, LONG expected)
{
	__atomic_compare_exchange_n(p, &expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return expected;
}

static inline LONG64 InterlockedCompareExchange64(LONG64 volatile *p, LONG64 desired,
						  LONG64 expected)
{
	__atomic_compare_exchange_n(p, &expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return expected;
}

/* Interrupt request level and locks: sched.c; time: work.c */

#define PASSIVE_LEVEL 0
#define APC_LEVEL 1
#define DISPATCH_LEVEL 2

typedef struct lock {
	int held; /* atomic */
} KSPIN_LOCK, FAST_MUTEX;

void KeInitializeSpinLock(KSPIN_LOCK *lock);
void KeAcquireSpinLock(KSPIN_LOCK *lock, KIRQL *irql);
void KeReleaseSpinLock(KSPIN_LOCK *lock, KIRQL irql);
void ExInitializeFastMutex(FAST_MUTEX *mutex);
void ExAcquireFastMutex(FAST_MUTEX *mutex);
void ExReleaseFastMutex(FAST_MUTEX *mutex);
LARGE_INTEGER KeQueryPerformanceCounter(LARGE_INTEGER *frequency);
ULONG KeQueryTimeIncrement(void);

/* Objects, processes, security: kernel.c */

typedef struct fake_event {
	LONG references;
	LONG signals;
} KEVENT, *PKEVENT;
typedef struct fake_process *PEPROCESS;
typedef struct fake_type *POBJECT_TYPE;
extern POBJECT_TYPE *ExEventObjectType;

typedef struct {
	ACCESS_MASK RemainingDesiredAccess;
	ACCESS_MASK PreviouslyGrantedAccess;
	ACCESS_MASK OriginalDesiredAccess;
} ACCESS_STATE, *PACCESS_STATE;

#define KernelMode 0
#define UserMode 1
#define EVENT_MODIFY_STATE 2
#define IO_NO_INCREMENT 0
#define OBJ_KERNEL_HANDLE 0x200
#define WRITE_DAC 0x00040000
#define KEY_READ 0x00020019
#define GENERIC_READ 0x80000000u
#define GENERIC_WRITE 0x40000000u
#define GENERIC_EXECUTE 0x20000000u
#define GENERIC_ALL 0x10000000u
#define MAXIMUM_ALLOWED 0x02000000u
#define FILE_READ_DATA 0x1u
#define FILE_WRITE_DATA 0x2u
#define FILE_GENERIC_READ 0x00120089u
#define FILE_GENERIC_WRITE 0x00120116u
#define FILE_GENERIC_EXECUTE 0x001200a0u
#define FILE_ALL_ACCESS 0x001f01ffu
#define FO_SYNCHRONOUS_IO 2
#define DACL_SECURITY_INFORMATION 4

typedef void (*PCREATE_PROCESS_NOTIFY_ROUTINE)(HANDLE, HANDLE, BOOLEAN);
NTSTATUS PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE routine, BOOLEAN remove);
PEPROCESS PsGetCurrentProcess(void);
HANDLE PsGetCurrentThreadId(void);
HANDLE PsGetProcessId(PEPROCESS process);
void ObReferenceObject(void *object);
void ObDereferenceObject(void *object);
NTSTATUS ObReferenceObjectByHandle(HANDLE handle, ACCESS_MASK access, POBJECT_TYPE type,
				   KPROCESSOR_MODE mode, PVOID *object, void *information);
NTSTATUS ObOpenObjectByPointer(PVOID object, ULONG attributes, PACCESS_STATE state,
			       ACCESS_MASK access, POBJECT_TYPE type, KPROCESSOR_MODE mode,
			       HANDLE *handle);
typedef enum {
	NotificationEvent,
	SynchronizationEvent,
} EVENT_TYPE;
typedef enum {
	Executive,
} KWAIT_REASON;
void KeInitializeEvent(PKEVENT event, EVENT_TYPE type, BOOLEAN signalled);
LONG KeSetEvent(PKEVENT event, KPRIORITY increment, BOOLEAN wait);
NTSTATUS KeWaitForSingleObject(PVOID object, KWAIT_REASON reason, KPROCESSOR_MODE mode,
			       BOOLEAN alertable, LARGE_INTEGER *timeout);
NTSTATUS ZwClose(HANDLE handle);

typedef struct {
	PVOID Sid;
	ULONG Attributes;
} SID_AND_ATTRIBUTES;
typedef struct {
	SID_AND_ATTRIBUTES User;
} TOKEN_USER;
typedef struct {
	UCHAR AclRevision;
	UCHAR Sbz1;
	USHORT AclSize;
	USHORT AceCount;
	USHORT Sbz2;
} ACL;
typedef struct {
	ULONG header;
	ULONG Mask;
	ULONG SidStart;
} ACCESS_ALLOWED_ACE;
typedef struct {
	ACL *dacl;
} SECURITY_DESCRIPTOR;
typedef struct {
	PACCESS_STATE AccessState;
	ACCESS_MASK DesiredAccess;
} IO_SECURITY_CONTEXT, *PIO_SECURITY_CONTEXT;

#define SID_REVISION 1
#define ACL_REVISION 2
#define SECURITY_DESCRIPTOR_REVISION 1
#define REG_BINARY 3
#define TOKEN_QUERY 8
#define TokenUser 1
#define NtCurrentThread() ((HANDLE)-2)
#define NtCurrentProcess() ((HANDLE)-1)
NTSTATUS ZwOpenThreadTokenEx(HANDLE thread, ACCESS_MASK access, BOOLEAN as_self, ULONG attributes,
			     HANDLE *token);
NTSTATUS ZwOpenProcessTokenEx(HANDLE process, ACCESS_MASK access, ULONG attributes, HANDLE *token);
NTSTATUS ZwQueryInformationToken(HANDLE token, int what, PVOID to, ULONG size, PULONG length);
NTSTATUS ZwSetSecurityObject(HANDLE handle, ULONG what, PSECURITY_DESCRIPTOR descriptor);
BOOLEAN RtlValidSid(PSID sid);
ULONG RtlLengthSid(PSID sid);
BOOLEAN RtlEqualSid(PSID a, PSID b);
NTSTATUS RtlCopySid(ULONG size, PSID to, PSID from);
NTSTATUS RtlCreateAcl(ACL *acl, ULONG size, ULONG revision);
NTSTATUS RtlAddAccessAllowedAce(ACL *acl, ULONG revision, ACCESS_MASK mask, PSID sid);
NTSTATUS RtlCreateSecurityDescriptor(SECURITY_DESCRIPTOR *descriptor, ULONG revision);
NTSTATUS RtlSetDaclSecurityDescriptor(SECURITY_DESCRIPTOR *descriptor, BOOLEAN present, ACL *dacl,
				      BOOLEAN defaulted);

typedef struct fake_driver_object *PDRIVER_OBJECT;
typedef struct fake_device_object *PDEVICE_OBJECT;
typedef NTSTATUS DRIVER_INITIALIZE(PDRIVER_OBJECT object, PUNICODE_STRING registry_path);
DRIVER_INITIALIZE DriverEntry;

#endif
