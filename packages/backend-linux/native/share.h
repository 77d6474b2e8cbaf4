// Asking the driver for a share: in the call, or for large memory on a pool thread.
#pragma once

#include <memory>
#include <napi.h>
#include "file.h"

// Keeps pinned pages out of children made by fork(), which would copy each of them at once.
// Worth its cost, about 4 µs, for large shares only; child_process never copies the address space.
class HiddenFromFork
{
      public:
	HiddenFromFork(uint64_t address, uint64_t length);
	~HiddenFromFork();
	HiddenFromFork(const HiddenFromFork &) = delete;
	HiddenFromFork &operator=(const HiddenFromFork &) = delete;

      private:
	void *const address_;
	const size_t length_;
};

// Arguments: id, memory, access, label, deadline in ms or 0; then, where there is any of them:
// peer, options, event or undefined. Each costs a call into Node. The caller is this package's own
// device.ts; what is wrong reads as 0, which the driver refuses.
pendshare_share readShare(const Napi::CallbackInfo &info);

// Populates and shares on a pool thread. Then calls done(errno) on the event loop's thread and
// resolves the promise with errno. The file is kept open until then.
Napi::Promise shareOnPool(Napi::Env env, std::shared_ptr<DeviceFile> file,
			  const pendshare_share &request, std::function<void(int)> done);
