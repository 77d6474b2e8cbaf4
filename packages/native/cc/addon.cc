// The addon's exports. One Node-API binary for every Node; no state is shared between environments.
#include <limits>
#include <napi.h>
#include "constants.h"
#include "device.h"
#include "waiter.h"

static Napi::Value lockable(const Napi::CallbackInfo &info)
{
	const uint64_t bytes = lockableBytes();
	return Napi::Number::New(info.Env(), bytes == UINT64_MAX
						 ? std::numeric_limits<double>::infinity()
						 : static_cast<double>(bytes));
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
	exports.Set("status", exportStatus(env));
	exports.Set("pending", Napi::Number::New(env, kPending));
	exports.Set("refusedKind", Napi::Number::New(env, kRefused));
	exports.Set("lateEndKind", Napi::Number::New(env, kLateEnd));
	exports.Set("barrierKind", Napi::Number::New(env, kBarrier));
	exports.Set("eventFields", Napi::Number::New(env, Events::kFields));
	exports.Set("batch", Napi::Number::New(env, Batch::kCapacity));
	exports.Set("canPoll", Napi::Boolean::New(env, Waiter::canPoll()));
	exports.Set("lockableBytes", Napi::Function::New<lockable>(env));
	exports.Set("addressOf", Napi::Function::New<addressOf>(env));
	exports.Set("openDevice", Napi::Function::New<Device::open>(env));
	return exports;
}

NODE_API_MODULE(NODE_GYP_MODULE_NAME, initialize)
