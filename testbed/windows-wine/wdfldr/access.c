/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What an open asks for, and what it is granted, before the driver sees it.
 *
 * Rule: the I/O manager checks a direct open against the device's descriptor, with the token that
 * the thread impersonates or else the process's. What is granted moves from the access state's
 * RemainingDesiredAccess to PreviouslyGrantedAccess, MAXIMUM_ALLOWED becomes the rights that there
 * are, and SecurityContext->DesiredAccess is what remains. The framework's devices are
 * FILE_DEVICE_SECURE_OPEN, so that opens with a name behind the device's are checked as well.
 * [ACCESS_STATE, IO_SECURITY_CONTEXT, SeAccessCheck, Controlling Device Namespace Access;
 * FxDeviceInit::FxDeviceInit: Characteristics]
 *
 * Wine checks nothing, and tells its drivers nothing: its ntoskrnl has the access in the server's
 * answer that a create comes by, and drops it. It is read there. Nor does CreateFile() wait for
 * the driver: it succeeds, and what is refused are the requests on a handle that was refused.
 */
#include "framework.h"

#define OWNER L"O:BAG:SY" /* of what is created in DriverEntry, in the system's process */

/* The server's answer, as far as it is a create's. */
struct create_answer {
	ULONG error;
	ULONG size;
	ULONG kind;
	ACCESS_MASK access;
	ULONG sharing;
	ULONG options;
	ULONG64 device;
};
#define KIND_CREATE 1

/* One thread takes all requests, and dispatches each before it takes the next. */
static struct create_answer last;
static DEVICE_OBJECT *watched;
static ULONG (*server_call)(void *request);

static ULONG note_create(void *request)
{
	const struct create_answer *answer = request;
	ULONG status = server_call(request);

	if (!status && answer->kind == KIND_CREATE && answer->device == (ULONG64)watched)
		last = *answer;
	return status;
}

PSECURITY_DESCRIPTOR access_descriptor(const UNICODE_STRING *sddl)
{
	WCHAR text[128] = OWNER;
	PSECURITY_DESCRIPTOR descriptor;

	stop_unless(sizeof(OWNER) + sddl->Length <= sizeof(text), "a longer SDDL than expected");
	memcpy(text + wcslen(text), sddl->Buffer, sddl->Length);
	if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(text, 1, &descriptor, NULL))
		stop("a device's SDDL that is none");
	return descriptor;
}

void access_watch(DEVICE_OBJECT *device)
{
	watched = device;
	server_call =
	    redirect_import(GetModuleHandleA("ntoskrnl.exe"), "wine_server_call", note_create);
}

/* At unload: ntoskrnl stays, and this image goes. */
void access_unwatch(void)
{
	redirect_import(GetModuleHandleA("ntoskrnl.exe"), "wine_server_call", server_call);
}

/*
 * Rule: in a caller's context NtCurrentThread() and NtCurrentProcess() are the caller's.
 * [Differences Between ZwXxx and NtXxx; FxPkgIo::DispatchStep2] Under Wine they are the driver's
 * process's own.
 */
static NTSTATUS open_thread_token(HANDLE thread, ACCESS_MASK access, BOOLEAN as_self,
				  ULONG attributes, HANDLE *token)
{
	HANDLE caller;
	NTSTATUS status;

	irql_at_most(PASSIVE_LEVEL);
	stop_unless(thread == NtCurrentThread() && attributes == OBJ_KERNEL_HANDLE,
		    "a token of another thread, or a handle that the caller could use");
	/* Wine wants all access for a thread's token. */
	caller = OpenThread(THREAD_ALL_ACCESS, FALSE, (ULONG)(ULONG_PTR)PsGetCurrentThreadId());
	status = caller ? ZwOpenThreadTokenEx(caller, access, as_self, 0, token) : STATUS_NO_TOKEN;
	CloseHandle(caller);
	return status;
}

static NTSTATUS open_process_token(HANDLE process, ACCESS_MASK access, ULONG attributes,
				   HANDLE *token)
{
	HANDLE caller;
	NTSTATUS status;

	irql_at_most(PASSIVE_LEVEL);
	stop_unless(process == NtCurrentProcess() && attributes == OBJ_KERNEL_HANDLE,
		    "a token of another process, or a handle that the caller could use");
	caller = OpenProcess(PROCESS_QUERY_INFORMATION, FALSE,
			     (ULONG)(ULONG_PTR)PsGetCurrentProcessId());
	status = ZwOpenProcessTokenEx(caller, access, 0, token);
	CloseHandle(caller);
	return status;
}

void access_redirect(void *image)
{
	redirect_import(image, "ZwOpenThreadTokenEx", open_thread_token);
	redirect_import(image, "ZwOpenProcessTokenEx", open_process_token);
}

/* For checks of the caller's access, to be closed; NULL: the caller has ended. */
static HANDLE caller_token(void)
{
	HANDLE token = NULL;
	HANDLE primary;

	if (NT_SUCCESS(open_thread_token(NtCurrentThread(), TOKEN_QUERY, TRUE, OBJ_KERNEL_HANDLE,
					 &token)))
		return token;
	if (!NT_SUCCESS(open_process_token(NtCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE,
					   OBJ_KERNEL_HANDLE, &primary)))
		return NULL;
	DuplicateToken(primary, SecurityImpersonation, &token);
	CloseHandle(primary);
	return token;
}

NTSTATUS access_check(PSECURITY_DESCRIPTOR descriptor, IO_STACK_LOCATION *create,
		      ACCESS_STATE *state)
{
	GENERIC_MAPPING files = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE,
				 FILE_ALL_ACCESS};
	PRIVILEGE_SET privileges;
	ULONG size = sizeof(privileges);
	HANDLE token = caller_token();
	ACCESS_MASK granted;
	BOOL32 fine;

	stop_unless((create->Parameters.Create.Options & 0xffffff) == (last.options & 0xffffff) &&
			create->Parameters.Create.ShareAccess == last.sharing,
		    "this Wine tells the access of a create in another way");
	if (!token)
		return STATUS_ACCESS_DENIED;
	RtlZeroMemory(state, sizeof(*state));
	state->OriginalDesiredAccess = last.access;
	RtlMapGenericMask(&state->OriginalDesiredAccess, &files);
	if (!AccessCheck(descriptor, token, state->OriginalDesiredAccess, &files, &privileges,
			 &size, &granted, &fine))
		stop("an access check that fails by itself");
	CloseHandle(token);
	if (!fine)
		return STATUS_ACCESS_DENIED;
	state->PreviouslyGrantedAccess = granted;
	state->RemainingDesiredAccess =
	    state->OriginalDesiredAccess & ~(granted | MAXIMUM_ALLOWED);
	return STATUS_SUCCESS;
}
