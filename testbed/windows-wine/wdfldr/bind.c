/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Binding: the driver gets the table of the framework's functions, those of framework.h and no
 * others.
 */
#include "framework.h"

static WDF_DRIVER_GLOBALS driver_globals = {.DriverName = "pendshare",
					    .DisplaceDriverUnload = TRUE};

struct bind_info {
	ULONG size;
	PCWSTR component;
	ULONG version[3];
	ULONG function_count;
	const WDFFUNC **function_table;
	PVOID module;
};

static void missing(void)
{
	stop("a function of the framework that the double does not have");
}

#define ENTRY(index, name, result, parameters, arguments) [index] = (WDFFUNC)double_##name,
static WDFFUNC functions[WdfFunctionTableNumEntries] = {PENDSHARE_WDF_FUNCTIONS(ENTRY)};

__declspec(dllexport) NTSTATUS WdfVersionBind(DRIVER_OBJECT *object, UNICODE_STRING *path,
					      struct bind_info *info, PWDF_DRIVER_GLOBALS *globals)
{
	int i;

	UNREFERENCED_PARAMETER(path);
	stop_unless(info->size == sizeof(*info) && info->version[0] == 1 &&
			info->version[1] >= 15 &&
			info->function_count >= WdfFunctionTableNumEntries,
		    "a driver for a framework before 1.15");
	for (i = 0; i < WdfFunctionTableNumEntries; i++)
		if (!functions[i])
			functions[i] = missing;
	ntoskrnl_redirect(object->DriverStart);
	irql_redirect(object->DriverStart);
	access_redirect(object->DriverStart);
	*info->function_table = functions;
	*globals = &driver_globals;
	return STATUS_SUCCESS;
}

__declspec(dllexport) VOID
    WdfVersionUnbind(UNICODE_STRING *path, struct bind_info *info, PWDF_DRIVER_GLOBALS globals)
{
	UNREFERENCED_PARAMETER(path);
	UNREFERENCED_PARAMETER(globals);
	*info->function_table = NULL;
}

/* Wine takes a driver that imports kernel32 for a library, and calls this instead of DriverEntry.
 */
BOOL32 DllMain(HANDLE module, ULONG reason, PVOID reserved)
{
	UNREFERENCED_PARAMETER(module);
	UNREFERENCED_PARAMETER(reason);
	UNREFERENCED_PARAMETER(reserved);
	return TRUE;
}
