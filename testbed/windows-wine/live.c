/* SPDX-License-Identifier: MIT */
/*
 * Puts memory of Node under a named section, for the Wine bed only: Wine gives a driver a copy of
 * the caller's memory, so driver and program have to meet in a section (wdfldr/live.c).
 *
 * V8's buffers cannot be made over a section from outside. So the pages of one are replaced where
 * they are, by the one thing that Wine leaves open: the Linux kernel below it. Wine goes on
 * to take them for private memory, and unmaps them as such.
 */
#include <node_api.h>
#include <windows.h>
#include <string.h>

#define LINUX_MREMAP 25
#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED 2

/* A second mapping of the shared pages at `from`, in the place of what is at `to`. */
static long long map_again(void *from, size_t length, void *to)
{
	register unsigned long long flags __asm__("r10") = MREMAP_MAYMOVE | MREMAP_FIXED;
	register void *target __asm__("r8") = to;
	long long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(LINUX_MREMAP), "D"(from), "S"(0LL), "d"(length), "r"(flags),
			   "r"(target)
			 : "rcx", "r11", "memory");
	return result;
}

static napi_value fail(napi_env env, const char *why)
{
	napi_throw_error(env, NULL, why);
	return NULL;
}

/* (view of a whole buffer, name): keeps its content; returns the section's handle. */
static napi_value put_under(napi_env env, napi_callback_info info)
{
	napi_value arguments[2], handle;
	size_t count = 2, length;
	char name[64] = "Global\\";
	napi_typedarray_type type;
	HANDLE section;
	void *memory;
	void *view;

	napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
	napi_get_typedarray_info(env, arguments[0], &type, &length, &memory, NULL, NULL);
	napi_get_value_string_utf8(env, arguments[1], name + strlen(name), 32, &count);
	section =
	    CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE,
			       (DWORD)((unsigned long long)length >> 32), (DWORD)length, name);
	view = section ? MapViewOfFile(section, FILE_MAP_ALL_ACCESS, 0, 0, 0) : NULL;
	if (!view)
		return fail(env, "no section");
	memcpy(view, memory, length);
	if (map_again(view, length, memory) < 0)
		return fail(env, "no second mapping");
	UnmapViewOfFile(view);
	napi_create_bigint_uint64(env, (ULONG_PTR)section, &handle);
	return handle;
}

static napi_value close_section(napi_env env, napi_callback_info info)
{
	napi_value argument;
	size_t count = 1;
	uint64_t handle = 0;
	bool lossless;

	napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
	napi_get_value_bigint_uint64(env, argument, &handle, &lossless);
	CloseHandle((HANDLE)(ULONG_PTR)handle);
	return NULL;
}

NAPI_MODULE_INIT()
{
	napi_value function;

	napi_create_function(env, NULL, 0, put_under, NULL, &function);
	napi_set_named_property(env, exports, "putUnder", function);
	napi_create_function(env, NULL, 0, close_section, NULL, &function);
	napi_set_named_property(env, exports, "closeSection", function);
	return exports;
}
