// What JavaScript holds of an open device. Every request returns a Status; device.ts gives it a
// meaning.
#pragma once

#include <memory>
#include <napi.h>
#include "events.h"
#include "port.h"
#include "waiter.h"

// Used by one environment, on its thread. When that environment is torn down, a cleanup hook ends
// every share and closes the file before anything that the shares need is gone.
class Device final
{
      public:
	// (path, poll, administrator): an object of the methods below, which own the device
	// together. Throws with `status`.
	static Napi::Value open(const Napi::CallbackInfo &info);

	explicit Device(bool poll) : poll_(poll)
	{
	}
	~Device();
	Device(const Device &) = delete;
	Device &operator=(const Device &) = delete;

      private:
	Napi::Value info(const Napi::CallbackInfo &info);
	// (slots, wake): false: polling is not to be had here. Throws with `status`. Once.
	Napi::Value start(const Napi::CallbackInfo &info);
	Napi::Value share(const Napi::CallbackInfo &info);
	Napi::Value shareOnPool(const Napi::CallbackInfo &info);
	// (id, wait): with `wait` the first slot may hold the END on return; see Port::end().
	Napi::Value release(const Napi::CallbackInfo &info);
	Napi::Value cancel(const Napi::CallbackInfo &info);
	Napi::Value end(const Napi::CallbackInfo &info, bool cancel);
	Napi::Value notify(const Napi::CallbackInfo &info);
	void hold(const Napi::CallbackInfo &info);
	Napi::Value shutdown(const Napi::CallbackInfo &info);
	// (graceMs)
	Napi::Value revoke(const Napi::CallbackInfo &info);
	void closeNow(const Napi::CallbackInfo &info);

	static void teardown(napi_async_cleanup_hook_handle hook, void *data);
	void close();

	const bool poll_;
	std::shared_ptr<Port> port_; // null once closed
	std::shared_ptr<Events> events_;
	std::shared_ptr<Waiter> waiter_; // null until started and once closed
	napi_async_cleanup_hook_handle hook_ = nullptr;
};
