// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The control device \\.\pendshare: its queues, its workers, and who may open it.
 *
 * SYSTEM and administrators may do everything; at load one more group, named by its SID in
 * the service's Parameters key, gets the right to read and write. A bad value grants nothing.
 */
#include "driver.h"

#define GROUP_VALUE L"GroupSid"

struct well_known_sid {
	UCHAR revision;
	UCHAR count;
	UCHAR authority[6];
	ULONG sub[2];
};

static const struct well_known_sid system_sid = {
	SID_REVISION, 1, { 0, 0, 0, 0, 0, 5 }, { 18, 0 }
};
static const struct well_known_sid administrators_sid = {
	SID_REVISION, 2, { 0, 0, 0, 0, 0, 5 }, { 32, 544 }
};

/* Reads the group's SID; FALSE when there is none or it is not one. */
static BOOLEAN group_sid(WDFDRIVER driver, void *sid, ULONG size)
{
	DECLARE_CONST_UNICODE_STRING(name, GROUP_VALUE);
	ULONG length = 0;
	ULONG type = 0;
	WDFKEY key;
	NTSTATUS status;

	status = WdfDriverOpenParametersRegistryKey(driver, KEY_READ, WDF_NO_OBJECT_ATTRIBUTES,
						    &key);
	if (!NT_SUCCESS(status))
		return FALSE;
	status = WdfRegistryQueryValue(key, &name, size, sid, &length, &type);
	WdfRegistryClose(key);
	return NT_SUCCESS(status) && type == REG_BINARY && length >= 8 && RtlValidSid(sid) &&
	       RtlLengthSid(sid) == length;
}

static NTSTATUS build_dacl(ACL *dacl, ULONG size, void *group)
{
	NTSTATUS status = RtlCreateAcl(dacl, size, ACL_REVISION);

	if (NT_SUCCESS(status))
		status = RtlAddAccessAllowedAce(dacl, ACL_REVISION, GENERIC_ALL, (PSID)&system_sid);
	if (NT_SUCCESS(status))
		status = RtlAddAccessAllowedAce(dacl, ACL_REVISION, GENERIC_ALL,
						(PSID)&administrators_sid);
	if (NT_SUCCESS(status))
		status = RtlAddAccessAllowedAce(dacl, ACL_REVISION, GENERIC_READ | GENERIC_WRITE,
						group);
	return status;
}

/*
 * A legacy device's SDDL string takes predefined SIDs only, so the group's goes into a
 * descriptor made here. On failure the device keeps what it was created with.
 */
static void admit_group(WDFDRIVER driver, WDFDEVICE device)
{
	UCHAR sid[PENDSHARE_SID_SIZE];
	union {
		ACL acl;
		UCHAR bytes[sizeof(ACL) + 3 * (sizeof(ACCESS_ALLOWED_ACE) + PENDSHARE_SID_SIZE)];
	} dacl;
	SECURITY_DESCRIPTOR descriptor;
	HANDLE handle;

	if (!group_sid(driver, sid, sizeof(sid)) ||
	    !NT_SUCCESS(build_dacl(&dacl.acl, sizeof(dacl), sid)) ||
	    !NT_SUCCESS(RtlCreateSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION)) ||
	    !NT_SUCCESS(RtlSetDaclSecurityDescriptor(&descriptor, TRUE, &dacl.acl, FALSE)))
		return;
	if (!NT_SUCCESS(ObOpenObjectByPointer(WdfDeviceWdmGetDeviceObject(device),
					      OBJ_KERNEL_HANDLE, NULL, WRITE_DAC, NULL, KernelMode,
					      &handle)))
		return;
	(void)ZwSetSecurityObject(handle, DACL_SECURITY_INFORMATION, &descriptor);
	ZwClose(handle);
}

static NTSTATUS create_queues(DEVICE *device)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_IO_QUEUE_CONFIG config;
	NTSTATUS status;

	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ExecutionLevel = WdfExecutionLevelPassive;
	WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
	config.PowerManaged = WdfFalse;
	config.EvtIoDeviceControl = queue_device_control;
	status = WdfIoQueueCreate(device->handle, &config, &attributes, WDF_NO_HANDLE);
	if (!NT_SUCCESS(status))
		return status;

	WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
	config.PowerManaged = WdfFalse;
	config.EvtIoCanceledOnQueue = share_canceled;
	status = WdfIoQueueCreate(device->handle, &config, WDF_NO_OBJECT_ATTRIBUTES,
				  &device->parked);
	if (!NT_SUCCESS(status))
		return status;

	/* No callback for cancelled ones: the framework completes them, nothing hangs on them. */
	WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
	config.PowerManaged = WdfFalse;
	return WdfIoQueueCreate(device->handle, &config, WDF_NO_OBJECT_ATTRIBUTES,
				&device->waiting);
}

static NTSTATUS create_workers(DEVICE *device)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_WORKITEM_CONFIG work;
	WDF_TIMER_CONFIG timer;
	NTSTATUS status;

	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ParentObject = device->handle;
	WDF_WORKITEM_CONFIG_INIT(&work, share_reap);
	work.AutomaticSerialization = FALSE;
	status = WdfWorkItemCreate(&work, &attributes, &device->reaper);
	if (!NT_SUCCESS(status))
		return status;
	WDF_TIMER_CONFIG_INIT(&timer, revoke_grace_passed);
	timer.AutomaticSerialization = FALSE;
	return WdfTimerCreate(&timer, &attributes, &device->recall);
}

static NTSTATUS allocate_init(WDFDRIVER driver, PWDFDEVICE_INIT *init)
{
	DECLARE_CONST_UNICODE_STRING(sddl, L"D:P(A;;GA;;;SY)(A;;GA;;;BA)");
	DECLARE_CONST_UNICODE_STRING(name, L"\\Device\\pendshare");
	WDF_OBJECT_ATTRIBUTES attributes;
	WDF_FILEOBJECT_CONFIG files;

	*init = WdfControlDeviceInitAllocate(driver, &sddl);
	if (!*init)
		return STATUS_INSUFFICIENT_RESOURCES;
	WDF_FILEOBJECT_CONFIG_INIT(&files, file_create, file_close, file_cleanup);
	/* The device is this driver's alone, so its files need not be looked for in a list. */
	files.FileObjectClass = WdfFileObjectWdfCanUseFsContext;
	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, FILE_CONTEXT);
	WdfDeviceInitSetFileObjectConfig(*init, &files, &attributes);
	WdfDeviceInitSetIoInCallerContextCallback(*init, queue_caller_context);
	return WdfDeviceInitAssignName(*init, &name);
}

NTSTATUS device_create(WDFDRIVER driver, DEVICE **device)
{
	DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\pendshare");
	WDF_OBJECT_ATTRIBUTES attributes;
	PWDFDEVICE_INIT init;
	WDFDEVICE handle;
	NTSTATUS status;

	status = allocate_init(driver, &init);
	if (NT_SUCCESS(status)) {
		WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, DEVICE);
		status = WdfDeviceCreate(&init, &attributes, &handle);
	}
	if (!NT_SUCCESS(status)) {
		if (init)
			WdfDeviceInitFree(init);
		return status;
	}
	*device = device_of(handle);
	(*device)->handle = handle;
	(*device)->ended_tail = &(*device)->ended;
	KeInitializeSpinLock(&(*device)->lock);
	ExInitializeFastMutex(&(*device)->mutex);
	InitializeListHead(&(*device)->files);
	InitializeListHead(&(*device)->users);
	status = create_queues(*device);
	if (NT_SUCCESS(status))
		status = create_workers(*device);
	if (NT_SUCCESS(status))
		status = WdfDeviceCreateSymbolicLink(handle, &link);
	if (NT_SUCCESS(status))
		admit_group(driver, handle);
	else
		WdfObjectDelete(handle);
	return status;
}
