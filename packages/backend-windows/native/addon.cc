// The addon's exports. One Node-API binary for every Node; each environment has its own Device
// class and no state is shared between them.
#include <napi.h>
#include "constants.h"
#include "device.h"

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
	exports.Set("refusedKind", Napi::Number::New(env, kRefused));
	exports.Set("barrierKind", Napi::Number::New(env, kBarrier));
	exports.Set("eventFields", Napi::Number::New(env, Events::kFields));
	exports.Set("addressOf", Napi::Function::New<addressOf>(env));
	exports.Set("Device", Device::define(env));
	return exports;
}

NODE_API_MODULE(pendshare_windows, initialize)
