/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The framework's functions that the driver calls, each with its index in the table that
 * WdfVersionBind hands out. The list is the whole of them: a test double implements these
 * and no others.
 */
#ifndef PENDSHARE_MINGW_WDF_FUNCTIONS_H
#define PENDSHARE_MINGW_WDF_FUNCTIONS_H

/* X(index, name, result, declared parameters, arguments) */
#define PENDSHARE_WDF_FUNCTIONS(X)                                                              \
	X(25, WdfControlDeviceInitAllocate, PWDFDEVICE_INIT,                                    \
	  (WDFDRIVER Driver, CONST UNICODE_STRING * SDDLString), (Driver, SDDLString))          \
	X(27, WdfControlFinishInitializing, VOID, (WDFDEVICE Device), (Device))                 \
	X(31, WdfDeviceWdmGetDeviceObject, PDEVICE_OBJECT, (WDFDEVICE Device), (Device))        \
	X(54, WdfDeviceInitFree, VOID, (PWDFDEVICE_INIT DeviceInit), (DeviceInit))              \
	X(67, WdfDeviceInitAssignName, NTSTATUS,                                                \
	  (PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING DeviceName), (DeviceInit, DeviceName))  \
	X(71, WdfDeviceInitSetFileObjectConfig, VOID,                                           \
	  (PWDFDEVICE_INIT DeviceInit, PWDF_FILEOBJECT_CONFIG FileObjectConfig,                 \
	   PWDF_OBJECT_ATTRIBUTES FileObjectAttributes),                                        \
	  (DeviceInit, FileObjectConfig, FileObjectAttributes))                                 \
	X(74, WdfDeviceInitSetIoInCallerContextCallback, VOID,                                  \
	  (PWDFDEVICE_INIT DeviceInit, PFN_WDF_IO_IN_CALLER_CONTEXT EvtIoInCallerContext),      \
	  (DeviceInit, EvtIoInCallerContext))                                                   \
	X(75, WdfDeviceCreate, NTSTATUS,                                                        \
	  (PWDFDEVICE_INIT * DeviceInit, PWDF_OBJECT_ATTRIBUTES DeviceAttributes,               \
	   WDFDEVICE * Device),                                                                 \
	  (DeviceInit, DeviceAttributes, Device))                                               \
	X(80, WdfDeviceCreateSymbolicLink, NTSTATUS,                                            \
	  (WDFDEVICE Device, PCUNICODE_STRING SymbolicLinkName), (Device, SymbolicLinkName))    \
	X(91, WdfDeviceEnqueueRequest, NTSTATUS, (WDFDEVICE Device, WDFREQUEST Request),        \
	  (Device, Request))                                                                    \
	X(116, WdfDriverCreate, NTSTATUS,                                                       \
	  (PDRIVER_OBJECT DriverObject, PCUNICODE_STRING RegistryPath,                          \
	   PWDF_OBJECT_ATTRIBUTES DriverAttributes, PWDF_DRIVER_CONFIG DriverConfig,            \
	   WDFDRIVER * Driver),                                                                 \
	  (DriverObject, RegistryPath, DriverAttributes, DriverConfig, Driver))                 \
	X(119, WdfDriverOpenParametersRegistryKey, NTSTATUS,                                    \
	  (WDFDRIVER Driver, ACCESS_MASK DesiredAccess, PWDF_OBJECT_ATTRIBUTES KeyAttributes,   \
	   WDFKEY * Key),                                                                       \
	  (Driver, DesiredAccess, KeyAttributes, Key))                                          \
	X(138, WdfFileObjectGetFlags, ULONG, (WDFFILEOBJECT FileObject), (FileObject))          \
	X(152, WdfIoQueueCreate, NTSTATUS,                                                      \
	  (WDFDEVICE Device, PWDF_IO_QUEUE_CONFIG Config,                                       \
	   PWDF_OBJECT_ATTRIBUTES QueueAttributes, WDFQUEUE * Queue),                           \
	  (Device, Config, QueueAttributes, Queue))                                             \
	X(159, WdfIoQueueRetrieveRequestByFileObject, NTSTATUS,                                 \
	  (WDFQUEUE Queue, WDFFILEOBJECT FileObject, WDFREQUEST * OutRequest),                  \
	  (Queue, FileObject, OutRequest))                                                      \
	X(161, WdfIoQueueRetrieveFoundRequest, NTSTATUS,                                        \
	  (WDFQUEUE Queue, WDFREQUEST FoundRequest, WDFREQUEST * OutRequest),                   \
	  (Queue, FoundRequest, OutRequest))                                                    \
	X(192, WdfMemoryCreate, NTSTATUS,                                                       \
	  (PWDF_OBJECT_ATTRIBUTES Attributes, POOL_TYPE PoolType, ULONG PoolTag,                \
	   size_t BufferSize, WDFMEMORY * Memory, PVOID * Buffer),                              \
	  (Attributes, PoolType, PoolTag, BufferSize, Memory, Buffer))                          \
	X(194, WdfMemoryGetBuffer, PVOID, (WDFMEMORY Memory, size_t * BufferSize),              \
	  (Memory, BufferSize))                                                                 \
	X(202, WdfObjectGetTypedContextWorker, PVOID,                                           \
	  (WDFOBJECT Handle, PCWDF_OBJECT_CONTEXT_TYPE_INFO TypeInfo), (Handle, TypeInfo))      \
	X(203, WdfObjectAllocateContext, NTSTATUS,                                              \
	  (WDFOBJECT Handle, PWDF_OBJECT_ATTRIBUTES ContextAttributes, PVOID * Context),        \
	  (Handle, ContextAttributes, Context))                                                 \
	X(205, WdfObjectReferenceActual, VOID,                                                  \
	  (WDFOBJECT Handle, PVOID Tag, LONG Line, PCHAR File), (Handle, Tag, Line, File))      \
	X(206, WdfObjectDereferenceActual, VOID,                                                \
	  (WDFOBJECT Handle, PVOID Tag, LONG Line, PCHAR File), (Handle, Tag, Line, File))      \
	X(208, WdfObjectDelete, VOID, (WDFOBJECT Object), (Object))                             \
	X(231, WdfRegistryClose, VOID, (WDFKEY Key), (Key))                                     \
	X(235, WdfRegistryQueryValue, NTSTATUS,                                                 \
	  (WDFKEY Key, PCUNICODE_STRING ValueName, ULONG ValueLength, PVOID Value,              \
	   PULONG ValueLengthQueried, PULONG ValueType),                                        \
	  (Key, ValueName, ValueLength, Value, ValueLengthQueried, ValueType))                  \
	X(263, WdfRequestComplete, VOID, (WDFREQUEST Request, NTSTATUS Status),                 \
	  (Request, Status))                                                                    \
	X(265, WdfRequestCompleteWithInformation, VOID,                                         \
	  (WDFREQUEST Request, NTSTATUS Status, ULONG_PTR Information),                         \
	  (Request, Status, Information))                                                       \
	X(266, WdfRequestGetParameters, VOID,                                                   \
	  (WDFREQUEST Request, PWDF_REQUEST_PARAMETERS Parameters), (Request, Parameters))      \
	X(269, WdfRequestRetrieveInputBuffer, NTSTATUS,                                         \
	  (WDFREQUEST Request, size_t MinimumRequiredLength, PVOID * Buffer, size_t * Length),  \
	  (Request, MinimumRequiredLength, Buffer, Length))                                     \
	X(270, WdfRequestRetrieveOutputBuffer, NTSTATUS,                                        \
	  (WDFREQUEST Request, size_t MinimumRequiredSize, PVOID * Buffer, size_t * Length),    \
	  (Request, MinimumRequiredSize, Buffer, Length))                                       \
	X(272, WdfRequestRetrieveOutputWdmMdl, NTSTATUS, (WDFREQUEST Request, PMDL * Mdl),      \
	  (Request, Mdl))                                                                       \
	X(277, WdfRequestGetFileObject, WDFFILEOBJECT, (WDFREQUEST Request), (Request))         \
	X(279, WdfRequestProbeAndLockUserBufferForWrite, NTSTATUS,                              \
	  (WDFREQUEST Request, PVOID Buffer, size_t Length, WDFMEMORY * MemoryObject),          \
	  (Request, Buffer, Length, MemoryObject))                                              \
	X(281, WdfRequestForwardToIoQueue, NTSTATUS,                                            \
	  (WDFREQUEST Request, WDFQUEUE DestinationQueue), (Request, DestinationQueue))         \
	X(283, WdfRequestRequeue, NTSTATUS, (WDFREQUEST Request), (Request))                    \
	X(318, WdfTimerCreate, NTSTATUS,                                                        \
	  (PWDF_TIMER_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFTIMER * Timer),      \
	  (Config, Attributes, Timer))                                                          \
	X(319, WdfTimerStart, BOOLEAN, (WDFTIMER Timer, LONGLONG DueTime), (Timer, DueTime))    \
	X(320, WdfTimerStop, BOOLEAN, (WDFTIMER Timer, BOOLEAN Wait), (Timer, Wait))            \
	X(321, WdfTimerGetParentObject, WDFOBJECT, (WDFTIMER Timer), (Timer))                   \
	X(379, WdfWorkItemCreate, NTSTATUS,                                                     \
	  (PWDF_WORKITEM_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes,                      \
	   WDFWORKITEM * WorkItem),                                                             \
	  (Config, Attributes, WorkItem))                                                       \
	X(380, WdfWorkItemEnqueue, VOID, (WDFWORKITEM WorkItem), (WorkItem))             \
	X(381, WdfWorkItemGetParentObject, WDFOBJECT, (WDFWORKITEM WorkItem), (WorkItem))

/* (a, b) -> (WdfDriverGlobals, a, b), for parameters and for arguments. */
#define PENDSHARE_WDF_UNWRAP(...) __VA_ARGS__
#define PENDSHARE_WDF_DECLARE(index, name, result, parameters, arguments)                       \
	typedef result FN_##name(PWDF_DRIVER_GLOBALS DriverGlobals,                            \
				  PENDSHARE_WDF_UNWRAP parameters);                             \
	static inline result name parameters                                                    \
	{                                                                                       \
		_Static_assert(index < WdfFunctionTableNumEntries, #name);                      \
		return ((FN_##name *)WdfFunctions[index])(WdfDriverGlobals,                    \
							   PENDSHARE_WDF_UNWRAP arguments);     \
	}

PENDSHARE_WDF_FUNCTIONS(PENDSHARE_WDF_DECLARE)

#define WdfObjectReference(handle) WdfObjectReferenceActual(handle, NULL, __LINE__, __FILE__)
#define WdfObjectDereference(handle) WdfObjectDereferenceActual(handle, NULL, __LINE__, __FILE__)

#endif
