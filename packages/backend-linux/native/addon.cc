// The addon's exports. One Node-API binary for every Node; no state is shared between environments.
#include <limits>
#include <napi.h>
#include <sys/resource.h>
#include "constants.h"
#include "device.h"
#include "waiter.h"

// Bytes that this process may lock; Infinity without a limit.
static Napi::Value memlockLimit(const Napi::CallbackInfo &info)
{
	rlimit limit = {};
	getrlimit(RLIMIT_MEMLOCK, &limit);
	return Napi::Number::New(info.Env(), limit.rlim_cur == RLIM_INFINITY
						 ? std::numeric_limits<double>::infinity()
						 : static_cast<double>(limit.rlim_cur));
}

// Where a view lies in memory; 0n when it is detached.
static Napi::Value addressOf(const Napi::CallbackInfo &info)
{
	napi_typedarray_type type;
	void *address = nullptr;
	napi_get_typedarray_info(info.Env(), info[0], &type, nullptr, &address, nullptr, nullptr);
	return Napi::BigInt::New(info.Env(),
				 static_cast<uint64_t>(reinterpret_cast<uintptr_t>(address)));
}

static Napi::Object initialize(Napi::Env env, Napi::Object exports)
{
	exports.Set("abi", exportAbi(env));
	exports.Set("errno", exportErrno(env));
	exports.Set("eventFields", Napi::Number::New(env, Events::kFields));
	exports.Set("canPoll", Napi::Boolean::New(env, Waiter::canPoll()));
	exports.Set("memlockLimit", Napi::Function::New<memlockLimit>(env));
	exports.Set("addressOf", Napi::Function::New<addressOf>(env));
	exports.Set("openDevice", Napi::Function::New<Device::open>(env));
	return exports;
}

NODE_API_MODULE(pendshare_linux, initialize)
