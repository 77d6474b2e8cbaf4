/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The memory of a share. Wine hands the driver a copy of the output buffer and copies it back in
 * the end. So that both sides see one memory, the program's pages can be those of a named
 * section (native/live.cc): then the label of its SHARE is "live:NAME+OFFSET", NAME the section's
 * and OFFSET in bytes, and the driver gets a view of the same section.
 *
 * Without such a label the driver has a copy, written back with the request's completion.
 */
#include "framework.h"

#include "../../../drivers/include/pendshare/abi.h"

#define PREFIX "live:"

struct live {
	MDL *mdl;
	UCHAR *view; /* of a section, else NULL */
	UCHAR *copy;
	ULONG length;
};

static BOOLEAN parse_number(const char *text, ULONG *number)
{
	*number = 0;
	for (; *text >= '0' && *text <= '9'; text++)
		*number = *number * 10 + (ULONG)(*text - '0');
	return *text == '\0';
}

/* Splits the label "live:NAME+OFFSET". */
static BOOLEAN parse_label(const struct pendshare_share *share, char *name, ULONG *offset)
{
	const char *text = share->label + strlen(PREFIX);
	const char *plus;

	if (memcmp(share->label, PREFIX, strlen(PREFIX)) || share->label[PENDSHARE_NAME_SIZE - 1])
		return FALSE;
	plus = strchr(text, '+');
	if (!plus || !parse_number(plus + 1, offset))
		return FALSE;
	memcpy(name, text, (size_t)(plus - text));
	name[plus - text] = '\0';
	return TRUE;
}

static UCHAR *map_section(const char *name, BOOLEAN writable)
{
	ULONG access = writable ? FILE_MAP_READ | FILE_MAP_WRITE : FILE_MAP_READ;
	HANDLE section;
	UCHAR *view;

	section = OpenFileMappingA(access, FALSE, name);
	if (!section)
		return NULL;
	view = MapViewOfFile(section, access, 0, 0, 0);
	CloseHandle(section);
	return view;
}

static UCHAR *copy_of(IRP *irp, ULONG length)
{
	UCHAR *copy = VirtualAlloc(NULL, length, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);

	if (copy)
		memcpy(copy, irp->UserBuffer, length);
	return copy;
}

NTSTATUS live_open(IRP *irp, struct live **out)
{
	const struct pendshare_share *share = irp->AssociatedIrp.SystemBuffer;
	IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
	struct live *live = ExAllocatePoolWithTag(NonPagedPool, sizeof(*live), 0);
	char name[PENDSHARE_NAME_SIZE] = "Global\\";
	UCHAR *memory;
	ULONG offset;

	RtlZeroMemory(live, sizeof(*live));
	live->length = stack->Parameters.DeviceIoControl.OutputBufferLength;
	if (stack->Parameters.DeviceIoControl.InputBufferLength >= sizeof(*share) &&
	    parse_label(share, name + strlen("Global\\"), &offset)) {
		live->view = map_section(name, (share->access & PENDSHARE_ACCESS_WRITE) != 0);
		memory = live->view ? live->view + offset : NULL;
		/* Wine must not write its copy over what both sides have shared. */
		irp->Flags |= IRP_WRITE_OPERATION;
	} else {
		memory = live->copy = copy_of(irp, live->length);
	}
	if (!memory) {
		ExFreePoolWithTag(live, 0);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	live->mdl = IoAllocateMdl(memory, live->length, FALSE, FALSE, NULL);
	live->mdl->MdlFlags |= MDL_PAGES_LOCKED;
	if ((stack->Parameters.DeviceIoControl.IoControlCode & 3) == METHOD_OUT_DIRECT)
		live->mdl->MdlFlags |= MDL_WRITE_OPERATION;
	*out = live;
	return STATUS_SUCCESS;
}

MDL *live_mdl(struct live *live)
{
	return live->mdl;
}

/*
 * Rule: the pages of a direct request are locked, and mapped into the system when the driver asks.
 * Of METHOD_OUT_DIRECT they are locked for writing, of METHOD_IN_DIRECT for reading, and mapped so
 * only. Who maps one MDL twice at the same time leaks a mapping. [Methods for Accessing Data
 * Buffers, MmProbeAndLockPages, MmGetSystemAddressForMdlSafe; FxRequest::GetDeviceControlOutputMdl]
 */
void *live_map(MDL *mdl, KPROCESSOR_MODE mode, MEMORY_CACHING_TYPE cache, void *address,
	       ULONG bug_check, ULONG priority)
{
	stop_unless(mode == KernelMode && cache == MmCached && !address && !bug_check,
		    "a mapping that is not MmGetSystemAddressForMdlSafe's");
	stop_unless(priority & MdlMappingNoExecute, "a mapping that can be executed");
	stop_unless((mdl->MdlFlags & MDL_WRITE_OPERATION) || (priority & MdlMappingNoWrite),
		    "pages that are locked for reading, mapped for writing");
	stop_unless(!(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA), "pages mapped twice");
	irql_at_most(DISPATCH_LEVEL);
	mdl->MappedSystemVa = MmGetMdlVirtualAddress(mdl);
	mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
	return mdl->MappedSystemVa;
}

void live_close(struct live *live, IRP *irp)
{
	IoFreeMdl(live->mdl);
	if (live->view) {
		UnmapViewOfFile(live->view);
	} else {
		memcpy(irp->UserBuffer, live->copy, live->length);
		VirtualFree(live->copy, 0, MEM_RELEASE);
	}
	ExFreePoolWithTag(live, 0);
}
