/* SPDX-License-Identifier: MIT */
/* Who may open the device, and who may REVOKE: decided by what the open was granted. */
#include "device.h"

#define BOTH (GENERIC_READ | GENERIC_WRITE)
#define SOON_MS 1 /* with a time of grace the files stay usable */

static void test_revoke_by(DWORD access, NTSTATUS expected, const char *what)
{
	HANDLE device = device_open_for(access, FILE_FLAG_OVERLAPPED);

	tap(device != INVALID_HANDLE_VALUE, "an administrator's open with %s", what);
	check_status(revoke(device, SOON_MS), expected, "REVOKE by an open with %s", what);
	CloseHandle(device);
}

static HANDLE duplicate(HANDLE handle, DWORD access)
{
	HANDLE copy = NULL;

	DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &copy, access, FALSE, 0);
	return copy;
}

static void test_duplicates(void)
{
	HANDLE device = device_open_for(BOTH | WRITE_DAC, FILE_FLAG_OVERLAPPED);
	HANDLE weaker = duplicate(device, BOTH);
	HANDLE reader = duplicate(device, GENERIC_READ);

	CloseHandle(device);
	check_status(revoke(weaker, SOON_MS), STATUS_SUCCESS,
		     "REVOKE by a duplicate without WRITE_DAC of an open with it");
	check_status(revoke(reader, SOON_MS), STATUS_ACCESS_DENIED,
		     "REVOKE by a duplicate that may not write");
	CloseHandle(reader);
	CloseHandle(weaker);
}

/* Impersonates this user without being an administrator. */
static BOOL become_a_user(void)
{
	SID_IDENTIFIER_AUTHORITY nt = {SECURITY_NT_AUTHORITY};
	SID_AND_ATTRIBUTES administrators = {0};
	HANDLE mine, user;
	BOOL fine;

	AllocateAndInitializeSid(&nt, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS, 0, 0,
				 0, 0, 0, 0, &administrators.Sid);
	fine = OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &mine) &&
	       CreateRestrictedToken(mine, 0, 1, &administrators, 0, NULL, 0, NULL, &user) &&
	       ImpersonateLoggedOnUser(user);
	FreeSid(administrators.Sid);
	return fine;
}

/* Wine opens without the driver's consent: it shows in what the handle is good for. */
static void test_refused(DWORD access, const char *what)
{
	HANDLE device = device_open_for(access, FILE_FLAG_OVERLAPPED);
	struct pendshare_info info = {.size = sizeof(info)};

	tap(device == INVALID_HANDLE_VALUE ||
		  call(device, PENDSHARE_IOC_INFO, &info, sizeof(info), &info, sizeof(info)) ==
		      STATUS_INVALID_HANDLE,
	      "an open by who is no administrator, with %s", what);
	CloseHandle(device);
}

static void test_user(void)
{
	HANDLE before = device_open(FILE_FLAG_OVERLAPPED);

	info_of(before); /* only an answer tells that the driver has seen the open */
	check_status(become_a_user() ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL, STATUS_SUCCESS, NULL);
	test_refused(BOTH, "reading and writing");
	test_refused(MAXIMUM_ALLOWED, "MAXIMUM_ALLOWED");
	tap(info_of(before).size == sizeof(struct pendshare_info),
	      "a handle from before keeps what it was granted");
	RevertToSelf();
	CloseHandle(before);
}

void test_access(void)
{
	test_revoke_by(BOTH, STATUS_ACCESS_DENIED, "reading and writing");
	test_revoke_by(BOTH | WRITE_DAC, STATUS_SUCCESS, "WRITE_DAC too");
	test_revoke_by(GENERIC_ALL, STATUS_SUCCESS, "GENERIC_ALL");
	test_revoke_by(MAXIMUM_ALLOWED, STATUS_SUCCESS, "MAXIMUM_ALLOWED");
	test_revoke_by(WRITE_DAC, STATUS_ACCESS_DENIED, "WRITE_DAC alone");
	test_duplicates();
	test_user();
}
