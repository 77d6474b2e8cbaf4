// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The fake's I/O manager: opens and what they are granted, files, and their handles.
 */
#include <stdlib.h>

#include "internal.h"
#include "queue.h"

static void file_closed(void *argument)
{
	struct file_object *file = argument;
	struct handle *handle;

	file->device->files.EvtFileClose((WDFFILEOBJECT)file);
	__atomic_store_n(&file->closed, TRUE, __ATOMIC_RELEASE);
	while ((handle = file->handles)) {
		file->handles = handle->next;
		free(handle);
	}
	object_delete(&file->object);
}

void file_use(struct file_object *file)
{
	__atomic_fetch_add(&file->users, 1, __ATOMIC_RELAXED);
}

/*
 * Rule: IRP_MJ_CLOSE comes at PASSIVE_LEVEL with the last reference, perhaps inside of the
 * completion of the last request. [IRP_MJ_CLOSE, ObDereferenceObjectDeferDelete]
 */
void file_unuse(struct file_object *file)
{
	if (__atomic_sub_fetch(&file->users, 1, __ATOMIC_ACQ_REL))
		return;
	if (fake_irql() == PASSIVE_LEVEL && fake_random() & 1)
		file_closed(file);
	else
		work_defer(file_closed, file);
}

FN_WdfFileObjectGetFlags fake_WdfFileObjectGetFlags;
ULONG fake_WdfFileObjectGetFlags(PWDF_DRIVER_GLOBALS globals, WDFFILEOBJECT handle)
{
	struct file_object *file = (struct file_object *)handle;

	(void)globals;
	return file->flags & FAKE_SYNCHRONOUS ? FO_SYNCHRONOUS_IO : 0;
}

/* Rights that are generic, as those of files. */
static ACCESS_MASK map_generic(ACCESS_MASK access)
{
	static const ACCESS_MASK generic[][2] = {
		{ GENERIC_READ, FILE_GENERIC_READ },
		{ GENERIC_WRITE, FILE_GENERIC_WRITE },
		{ GENERIC_EXECUTE, FILE_GENERIC_EXECUTE },
		{ GENERIC_ALL, FILE_ALL_ACCESS },
	};
	ULONG i;

	for (i = 0; i < RTL_NUMBER_OF(generic); i++)
		if (access & generic[i][0])
			access = (access & ~generic[i][0]) | generic[i][1];
	return access;
}

/*
 * The access check of an open, against a descriptor that allows administrators everything and
 * others to read and write.
 *
 * Rule: what is granted moves from RemainingDesiredAccess to PreviouslyGrantedAccess, and
 * MAXIMUM_ALLOWED goes; the create's DesiredAccess is what remains. An open from kernel mode is
 * not checked: all of it remains, and the handle gets it. [IoCreateFileEx, SeAccessCheck,
 * ACCESS_STATE in Microsoft's documentation]
 */
static NTSTATUS check_access(ACCESS_STATE *state, ACCESS_MASK desired, unsigned int flags)
{
	ACCESS_MASK allowed = flags & FAKE_ADMINISTRATOR ? FILE_ALL_ACCESS :
							   FILE_GENERIC_READ | FILE_GENERIC_WRITE;
	ACCESS_MASK asked;

	state->OriginalDesiredAccess = map_generic(desired);
	state->RemainingDesiredAccess = state->OriginalDesiredAccess;
	if (flags & FAKE_UNCHECKED)
		return STATUS_SUCCESS;
	asked = state->RemainingDesiredAccess & ~MAXIMUM_ALLOWED;
	if ((asked & ~allowed) || !state->RemainingDesiredAccess)
		return STATUS_ACCESS_DENIED;
	state->PreviouslyGrantedAccess = desired & MAXIMUM_ALLOWED ? allowed : asked;
	state->RemainingDesiredAccess = 0;
	return STATUS_SUCCESS;
}

static struct handle *handle_new(struct file_object *file, ACCESS_MASK granted)
{
	struct handle *handle = calloc(1, sizeof(*handle));

	*handle = (struct handle){ file, file->handles, granted };
	file->handles = handle;
	file->open++;
	return handle;
}

static struct file_object *file_new(unsigned int flags)
{
	struct file_object *file = calloc(1, sizeof(*file));
	WDF_OBJECT_ATTRIBUTES attributes;

	object_init(&file->object, KIND_FILE, NULL);
	WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
	attributes.ContextTypeInfo = fake_device->file_context;
	object_add_context(&file->object, &attributes, NULL);
	file->device = fake_device;
	file->flags = flags;
	file->users = 1;
	return file;
}

static NTSTATUS create(struct file_object *file, const ACCESS_STATE *access)
{
	struct io *io = io_new(NULL);
	struct request *request = request_new(file, io, WdfRequestTypeCreate);
	NTSTATUS status;

	request->access = *access;
	request->security.AccessState = &request->access;
	request->security.DesiredAccess = access->RemainingDesiredAccess;
	request->state = REQUEST_OWNED;
	fake_device->files.EvtDeviceFileCreate((WDFDEVICE)fake_device, (WDFREQUEST)request,
					       (WDFFILEOBJECT)file);
	status = fake_wait(io, NULL);
	fake_free(io);
	return status;
}

struct handle *fake_open_for(ACCESS_MASK desired, unsigned int flags, NTSTATUS *status)
{
	struct file_object *file = NULL;
	ACCESS_STATE access = { 0 };
	NTSTATUS result = check_access(&access, desired, flags);

	if (NT_SUCCESS(result)) {
		file = file_new(flags);
		result = create(file, &access);
	}
	if (status)
		*status = result;
	if (NT_SUCCESS(result))
		return handle_new(file, access.PreviouslyGrantedAccess |
						access.RemainingDesiredAccess);
	/* Rule: a refused create has neither cleanup nor close. [FxPkgGeneral::CreateCompleted] */
	if (file)
		object_delete(&file->object);
	return NULL;
}

struct handle *fake_open(unsigned int flags, NTSTATUS *status)
{
	ACCESS_MASK desired = GENERIC_READ | GENERIC_WRITE;

	if (flags & FAKE_ADMINISTRATOR)
		desired |= WRITE_DAC;
	return fake_open_for(desired, flags, status);
}

/*
 * Rule: no create, and so nothing for the driver to see. More access than the source has is
 * refused for types with a security procedure of their own, as files. [DuplicateHandle]
 */
struct handle *fake_duplicate(struct handle *handle, ACCESS_MASK access)
{
	access = map_generic(access);
	FAKE_REQUIRE(!(access & ~handle->granted));
	return handle_new(handle->file, access);
}

void fake_handle_get(struct handle *handle)
{
	file_use(handle->file);
}

void fake_handle_put(struct handle *handle)
{
	file_unuse(handle->file);
}

void fake_close(struct handle *handle)
{
	struct file_object *file = handle->file;

	if (--file->open)
		return;
	file->device->files.EvtFileCleanup((WDFFILEOBJECT)file);
	queue_flush(file);
	file_unuse(file);
}
