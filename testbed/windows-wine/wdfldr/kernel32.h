/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The functions of kernel32 and advapi32 that the double uses: under Wine a driver lives in an
 * ordinary process. Declared here because the kernel's headers and <windows.h> exclude one another.
 */
#ifndef PENDSHARE_WDFLDR_KERNEL32_H
#define PENDSHARE_WDFLDR_KERNEL32_H

#define K32 __declspec(dllimport)

typedef int BOOL32;
typedef void CALLBACK_WORK(void *instance, void *context, void *work);
typedef void CALLBACK_SIMPLE(void *instance, void *context);
typedef void CALLBACK_WAIT(void *context, BOOLEAN timed_out);

K32 void *CreateThreadpoolWork(CALLBACK_WORK *callback, void *context, void *environment);
K32 void SubmitThreadpoolWork(void *work);
K32 void WaitForThreadpoolWorkCallbacks(void *work, BOOL32 cancel);
K32 void CloseThreadpoolWork(void *work);
K32 BOOL32 TrySubmitThreadpoolCallback(CALLBACK_SIMPLE *callback, void *context, void *environment);

K32 void *CreateThreadpoolTimer(CALLBACK_WORK *callback, void *context, void *environment);
K32 void SetThreadpoolTimer(void *timer, LARGE_INTEGER *due, ULONG period, ULONG window);
K32 void WaitForThreadpoolTimerCallbacks(void *timer, BOOL32 cancel);
K32 void CloseThreadpoolTimer(void *timer);

K32 BOOL32 RegisterWaitForSingleObject(HANDLE *wait, HANDLE object, CALLBACK_WAIT *callback,
				       void *context, ULONG milliseconds, ULONG flags);
K32 BOOL32 UnregisterWaitEx(HANDLE wait, HANDLE completion);
#define WT_EXECUTEONLYONCE 8

K32 ULONG TlsAlloc(void);
K32 void *TlsGetValue(ULONG slot);
K32 BOOL32 TlsSetValue(ULONG slot, void *value);

K32 HANDLE OpenProcess(ULONG access, BOOL32 inherit, ULONG id);
K32 HANDLE OpenThread(ULONG access, BOOL32 inherit, ULONG id);
#define PROCESS_QUERY_INFORMATION 0x400
#define PROCESS_VM_OPERATION 0x8
#define PROCESS_VM_READ 0x10
#define PROCESS_VM_WRITE 0x20
K32 BOOL32 ReadProcessMemory(HANDLE process, const void *from, void *to, SIZE_T bytes, SIZE_T *done);
K32 BOOL32 WriteProcessMemory(HANDLE process, void *to, const void *from, SIZE_T bytes, SIZE_T *done);
K32 HANDLE GetModuleHandleA(const char *name);

K32 BOOL32 DuplicateToken(HANDLE token, SECURITY_IMPERSONATION_LEVEL level, HANDLE *duplicate);
K32 BOOL32 AccessCheck(void *descriptor, HANDLE token, ULONG desired, GENERIC_MAPPING *mapping,
		       PRIVILEGE_SET *privileges, ULONG *size, ACCESS_MASK *granted, BOOL32 *fine);
K32 BOOL32 ConvertStringSecurityDescriptorToSecurityDescriptorW(const WCHAR *text, ULONG revision,
								 void **descriptor, ULONG *size);

K32 HANDLE OpenFileMappingA(ULONG access, BOOL32 inherit, const char *name);
K32 void *MapViewOfFile(HANDLE section, ULONG access, ULONG high, ULONG low, SIZE_T bytes);
K32 BOOL32 UnmapViewOfFile(void *view);
#define FILE_MAP_WRITE 2
#define FILE_MAP_READ 4

K32 void *VirtualAlloc(void *address, SIZE_T bytes, ULONG type, ULONG protection);
K32 BOOL32 VirtualFree(void *address, SIZE_T bytes, ULONG type);
K32 BOOL32 VirtualProtect(void *address, SIZE_T bytes, ULONG protection, ULONG *before);

K32 HANDLE CreateFileA(const char *path, ULONG access, ULONG sharing, void *security, ULONG how,
		       ULONG flags, HANDLE pattern);
K32 BOOL32 WriteFile(HANDLE file, const void *bytes, ULONG size, ULONG *written, void *overlapped);
K32 BOOL32 CloseHandle(HANDLE handle);
#define CREATE_ALWAYS 2
#define INVALID_HANDLE ((HANDLE)(LONG_PTR)-1)

#endif
