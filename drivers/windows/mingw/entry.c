/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the WDK's WdfDriverEntry library does for a driver: binds it to the framework before
 * DriverEntry and unbinds it when the driver has gone.
 */
#include <ntifs.h>
#include <wdf.h>

struct bind_info {
	ULONG size;
	PCWSTR component;
	struct {
		ULONG major;
		ULONG minor;
		ULONG build;
	} version;
	ULONG function_count;
	/* From 1.15 on: the variable that gets the table's address. */
	const WDFFUNC **function_table;
	PVOID module;
};

_Static_assert(sizeof(struct bind_info) == 48, "WDF_BIND_INFO");

NTSTATUS WdfVersionBind(PDRIVER_OBJECT object, PUNICODE_STRING registry_path,
			struct bind_info *info, PWDF_DRIVER_GLOBALS *globals);
VOID WdfVersionUnbind(PUNICODE_STRING registry_path, struct bind_info *info,
		      PWDF_DRIVER_GLOBALS globals);

const WDFFUNC *WdfFunctions;
PWDF_DRIVER_GLOBALS WdfDriverGlobals;
DRIVER_INITIALIZE DriverEntry;
DRIVER_INITIALIZE FxDriverEntry;

static struct bind_info bind_info = {
	.size = sizeof(bind_info),
	.component = L"KmdfLibrary",
	.version = { 1, 15, 0 },
	.function_count = WdfFunctionTableNumEntries,
	.function_table = &WdfFunctions,
};

static PDRIVER_UNLOAD framework_unload;
static WCHAR path_buffer[256];
static UNICODE_STRING path = { 0, sizeof(path_buffer), path_buffer };

static VOID unload(PDRIVER_OBJECT object)
{
	if (framework_unload)
		framework_unload(object);
	WdfVersionUnbind(&path, &bind_info, WdfDriverGlobals);
}

NTSTATUS FxDriverEntry(PDRIVER_OBJECT object, PUNICODE_STRING registry_path)
{
	NTSTATUS status;

	RtlCopyUnicodeString(&path, registry_path);
	status = WdfVersionBind(object, &path, &bind_info, &WdfDriverGlobals);
	if (!NT_SUCCESS(status))
		return status;
	status = DriverEntry(object, registry_path);
	if (!NT_SUCCESS(status)) {
		WdfVersionUnbind(&path, &bind_info, WdfDriverGlobals);
		return status;
	}
	if (WdfDriverGlobals->DisplaceDriverUnload) {
		framework_unload = object->DriverUnload;
		object->DriverUnload = unload;
	}
	return STATUS_SUCCESS;
}
