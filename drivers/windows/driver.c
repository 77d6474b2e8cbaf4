// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Loads and unloads pendshare.sys, a KMDF driver without hardware. It unloads only when no
 * handle is open, and then nothing of it is left running.
 */
#include "driver.h"

DRIVER_INITIALIZE DriverEntry;
static EVT_WDF_DRIVER_UNLOAD driver_unload;

NTSTATUS DriverEntry(PDRIVER_OBJECT object, PUNICODE_STRING registry_path)
{
	WDF_DRIVER_CONFIG config;
	WDFDRIVER driver;
	DEVICE *device;
	NTSTATUS status;

	WDF_DRIVER_CONFIG_INIT(&config, WDF_NO_EVENT_CALLBACK);
	config.DriverInitFlags = WdfDriverInitNonPnpDriver;
	config.DriverPoolTag = PENDSHARE_POOL_TAG;
	config.EvtDriverUnload = driver_unload;
	status = WdfDriverCreate(object, registry_path, WDF_NO_OBJECT_ATTRIBUTES, &config, &driver);
	if (!NT_SUCCESS(status))
		return status;
	status = device_create(driver, &device);
	if (!NT_SUCCESS(status))
		return status;
	status = owner_watch(device);
	if (!NT_SUCCESS(status))
		goto delete_device;
	peers_create(device);
	status = builtin_add();
	if (!NT_SUCCESS(status))
		goto destroy_peers;
	/* Last: from here on the device can be opened. */
	WdfControlFinishInitializing(device->handle);
	return STATUS_SUCCESS;

destroy_peers:
	peers_destroy();
	owner_unwatch();
delete_device:
	WdfObjectDelete(device->handle);
	return status;
}

/* The device outlives this call, so that a process that ends meanwhile finds it. */
static void driver_unload(WDFDRIVER driver)
{
	UNREFERENCED_PARAMETER(driver);
	peers_destroy();
	owner_unwatch();
}
