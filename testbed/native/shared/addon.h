/* SPDX-License-Identifier: MIT */
/*
 * Between Node-API and a native thread that stands for a driver. Its end is told by
 * done(error, { received, missing, dropped, sleeps }), error a string.
 */
#ifndef PENDSHARE_NATIVE_ADDON_H
#define PENDSHARE_NATIVE_ADDON_H

#include <stdio.h>
#include <stdlib.h>
#include <node_api.h>
#include "bell.h"
#include "../../../drivers/include/pendshare/abi.h"

struct native {
	napi_threadsafe_function ring; /* NULL: no one sleeps */
	napi_threadsafe_function done;
	struct bell notified;
	const char *error;
	__u32 received;
	__u32 missing;
	__u32 dropped;
	__u32 sleeps; /* of either side */
};

static inline void must(napi_status status)
{
	if (status == napi_ok)
		return;
	fprintf(stderr, "addon: Node-API status %d\n", status);
	abort();
}

static inline void set_number(napi_env env, napi_value object, const char *name, __u32 number)
{
	napi_value value;

	must(napi_create_uint32(env, number, &value));
	must(napi_set_named_property(env, object, name, value));
}

static inline void call_ring(napi_env env, napi_value callback, void *context, void *data)
{
	napi_value undefined;

	(void)context;
	(void)data;
	if (!env)
		return;
	must(napi_get_undefined(env, &undefined));
	napi_call_function(env, undefined, callback, 0, NULL, NULL);
}

static inline void call_done(napi_env env, napi_value callback, void *context, void *data)
{
	struct native *native = data;
	napi_value arguments[2], undefined;

	(void)context;
	if (!env)
		return;
	must(napi_get_undefined(env, &undefined));
	arguments[0] = undefined;
	if (native->error)
		must(napi_create_string_utf8(env, native->error, NAPI_AUTO_LENGTH, &arguments[0]));
	must(napi_create_object(env, &arguments[1]));
	set_number(env, arguments[1], "received", native->received);
	set_number(env, arguments[1], "missing", native->missing);
	set_number(env, arguments[1], "dropped", native->dropped);
	set_number(env, arguments[1], "sleeps", native->sleeps);
	napi_call_function(env, undefined, callback, 2, arguments, NULL);
}

static inline napi_threadsafe_function threadsafe(napi_env env, napi_value callback,
						  napi_threadsafe_function_call_js call)
{
	napi_threadsafe_function function;
	napi_value name;

	must(napi_create_string_utf8(env, "native test", NAPI_AUTO_LENGTH, &name));
	must(napi_create_threadsafe_function(env, callback, NULL, name, 0, 1, NULL, NULL, NULL,
					     call, &function));
	return function;
}

static inline __u32 number_of(napi_env env, napi_value options, const char *name)
{
	napi_value value;
	__u32 number;

	must(napi_get_named_property(env, options, name, &value));
	must(napi_get_value_uint32(env, value, &number));
	return number;
}

static inline bool bool_of(napi_env env, napi_value options, const char *name)
{
	napi_value value;
	bool is;

	must(napi_get_named_property(env, options, name, &value));
	must(napi_get_value_bool(env, value, &is));
	return is;
}

static inline __u8 *memory_of(napi_env env, napi_value memory, size_t *length)
{
	void *bytes;

	must(napi_get_typedarray_info(env, memory, NULL, length, &bytes, NULL, NULL));
	return bytes;
}

static inline void export(napi_env env, napi_value exports, const char *name,
			  napi_callback callback)
{
	napi_value function;

	must(napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function));
	must(napi_set_named_property(env, exports, name, function));
}

static inline void native_init(struct native *native, napi_env env, napi_value ring,
			       napi_value done)
{
	if (ring)
		native->ring = threadsafe(env, ring, call_ring);
	native->done = threadsafe(env, done, call_done);
	bell_init(&native->notified);
}

/* Wakes JavaScript, which sleeps. */
static inline void wake(struct native *native)
{
	native->sleeps++;
	must(napi_call_threadsafe_function(native->ring, NULL, napi_tsfn_blocking));
}

/* The last call into JavaScript; the memory is not touched any more. */
static inline void finish(struct native *native)
{
	napi_threadsafe_function ring = native->ring;
	napi_threadsafe_function done = native->done;

	if (ring)
		must(napi_release_threadsafe_function(ring, napi_tsfn_release));
	must(napi_call_threadsafe_function(done, native, napi_tsfn_blocking));
	must(napi_release_threadsafe_function(done, napi_tsfn_release));
}

/* Called from JavaScript: rings the bell that was given with the function. */
static inline napi_value notify(napi_env env, napi_callback_info info)
{
	struct bell *bell;

	must(napi_get_cb_info(env, info, NULL, NULL, NULL, (void **)&bell));
	bell_ring(bell, 0);
	return NULL;
}

/* A function that wakes the thread. */
static inline napi_value notifier(struct native *native, napi_env env)
{
	napi_value function;

	must(napi_create_function(env, "notify", NAPI_AUTO_LENGTH, notify, &native->notified,
				  &function));
	return function;
}

/* What the thread is given lives as long as the process: a few of them, and notify() may come late.
 */
static inline void detach(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, argument) || pthread_detach(thread))
		abort();
}

#endif
