// Asking the driver for a share: in the call, or for large memory on a pool thread.
#pragma once

#include <functional>
#include <memory>
#include <napi.h>
#include "file.h"

// Arguments: id, memory, access, peer, options, event or undefined, label, deadline in ms or 0. The
// caller is this package's own device.ts; what is wrong reads as 0, which the driver refuses.
void readShare(const Napi::CallbackInfo &info, Lease &lease);

// Shares on a pool thread. Then calls done(status) on the event loop's thread and resolves the
// promise with the status. The lease stays in place until its packet has come, or done() was
// called with an error.
Napi::Promise shareOnPool(Napi::Env env, std::shared_ptr<DeviceFile> file, Lease &lease,
			  std::function<void(NTSTATUS)> done);
