/* SPDX-License-Identifier: MIT */
/*
 * The device as a native Windows program uses it, and what the tests of its answers share. Every
 * wait is bounded and names what hung.
 */
#ifndef PENDSHARE_TEST_DEVICE_H
#define PENDSHARE_TEST_DEVICE_H

#define WIN32_LEAN_AND_MEAN
#define WIN32_NO_STATUS
#include <windows.h>
#undef WIN32_NO_STATUS
#include <winternl.h>
#include <ntstatus.h>
#include <pendshare/abi.h>

#include "../../tap/tap.h"

#define PAGE 4096u
#define PATIENCE_MS 20000u

/* A pended request. */
struct pending {
	IO_STATUS_BLOCK result;
	HANDLE done;
	NTSTATUS first; /* what the call itself said */
};

/* device.c */
/* A point with a title, or with NULL a step that is told of only when it fails. */
void check_status(NTSTATUS status, NTSTATUS expected, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
HANDLE device_open(DWORD flags); /* FILE_FLAG_OVERLAPPED or 0; ends the program if it cannot */
HANDLE device_open_for(DWORD access, DWORD flags);
void begin(HANDLE device, ULONG code, void *in, ULONG in_length, void *out, ULONG out_length,
	   struct pending *pending);
NTSTATUS await(struct pending *pending, const char *what);
NTSTATUS call(HANDLE device, ULONG code, void *in, ULONG in_length, void *out, ULONG out_length);
struct pendshare_info info_of(HANDLE device);
struct pendshare_share share_arguments(ULONG64 id, const char *peer);
void *pages(ULONG count); /* zeroed, never freed */
void share(HANDLE device, struct pendshare_share *arguments, void *memory, ULONG length,
	   struct pending *pending);
NTSTATUS end_share(HANDLE device, ULONG code, ULONG64 id);
NTSTATUS shut_down(HANDLE device);
NTSTATUS revoke(HANDLE device, ULONG64 grace_ms);
/* Waits until the driver has accepted so many shares of the device more; takes its events. */
void await_accepted(HANDLE device, ULONG count);
/* Until no share is left in the whole driver. */
void await_quiet(const char *what);

/* The files of tests */
void test_input(void);
void test_share(void);
void test_owner(const char *self);
void test_end(void);
void test_access(void);
int owner_child(int argc, char **argv);

#endif
