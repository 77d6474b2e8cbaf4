// What JavaScript holds of an open device. Every request returns 0 or an errno; device.ts gives it
// a meaning.
#pragma once

#include <memory>
#include <napi.h>
#include "events.h"
#include "file.h"
#include "waiter.h"

// Used by one environment, on its thread. When that environment is torn down, a cleanup hook ends
// every share and closes the file before anything that the shares need is gone.
class Device final
{
      public:
	// (path, poll): an object of the methods below, which own the device together. Throws with
	// `errno`.
	static Napi::Value open(const Napi::CallbackInfo &info);

	explicit Device(bool poll) : poll_(poll)
	{
	}
	~Device();
	Device(const Device &) = delete;
	Device &operator=(const Device &) = delete;

      private:
	Napi::Value info(const Napi::CallbackInfo &info);
	// (slots, wake): false: polling is not to be had here. Throws with `errno`. Once.
	Napi::Value start(const Napi::CallbackInfo &info);
	Napi::Value share(const Napi::CallbackInfo &info);
	Napi::Value shareOnPool(const Napi::CallbackInfo &info);
	// (id, flags): without flags the END is in the first slot on return.
	Napi::Value release(const Napi::CallbackInfo &info);
	Napi::Value cancel(const Napi::CallbackInfo &info);
	Napi::Value end(const Napi::CallbackInfo &info, unsigned long how);
	Napi::Value notify(const Napi::CallbackInfo &info);
	void hold(const Napi::CallbackInfo &info);
	Napi::Value shutdown(const Napi::CallbackInfo &info);
	// (graceMs)
	Napi::Value revoke(const Napi::CallbackInfo &info);
	void closeNow(const Napi::CallbackInfo &info);

	static void teardown(napi_async_cleanup_hook_handle hook, void *data);
	void close();

	const bool poll_;
	std::shared_ptr<DeviceFile> file_; // null once closed
	std::shared_ptr<Events> events_;
	std::shared_ptr<Waiter> waiter_; // null until started and once closed
	napi_async_cleanup_hook_handle hook_ = nullptr;
};
