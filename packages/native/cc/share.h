// Asking the driver for a share: in the call, or for large memory on a pool thread.
#pragma once

#include <memory>
#include <napi.h>
#include "port.h"

// What is no number reads as 0.
inline int64_t readInteger(napi_env env, napi_value value)
{
	int64_t number = 0;
	napi_get_value_int64(env, value, &number);
	return number;
}

// Arguments: id, memory, access; then, where there is any of them: label, deadline in ms or 0; then,
// likewise: peer, options, event or undefined, frames, reply. Each costs a call into Node. The
// caller is this package's own device.ts; what is wrong reads as 0, which the driver refuses.
// They begin at `from`.
pendshare_share readShare(const Napi::CallbackInfo &info, size_t from = 0);

// Shares on a pool thread, then resolves with [status, milliseconds that the driver took]. The port is
// kept open until then. `first`: of this memory.
Napi::Promise shareOnPool(Napi::Env env, std::shared_ptr<Port> port,
			  const pendshare_share &request, bool first);
