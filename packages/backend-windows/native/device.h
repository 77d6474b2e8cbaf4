// What JavaScript holds of an open device. Every request returns an NTSTATUS; device.ts gives it a
// meaning.
#pragma once

#include <memory>
#include <napi.h>
#include "events.h"
#include "file.h"
#include "waiter.h"

// Used by one environment, on its thread. When that environment is torn down, a cleanup hook ends
// every share and closes the file before anything that the shares need is gone. Nothing here
// cancels more than one request of its own.
class Device final : public Napi::ObjectWrap<Device>
{
      public:
	static Napi::Function define(Napi::Env env);

	// (path, administrator): throws with `status`.
	explicit Device(const Napi::CallbackInfo &info);
	~Device() override;

      private:
	Napi::Value info(const Napi::CallbackInfo &info);
	// (slots, wake): throws with `status`. Once.
	void start(const Napi::CallbackInfo &info);
	Napi::Value share(const Napi::CallbackInfo &info);
	Napi::Value shareOnPool(const Napi::CallbackInfo &info);
	// (id, cancel)
	Napi::Value end(const Napi::CallbackInfo &info);
	Napi::Value notify(const Napi::CallbackInfo &info);
	void hold(const Napi::CallbackInfo &info);
	// Whether an event of kind kBarrier will come.
	Napi::Value barrier(const Napi::CallbackInfo &info);
	Napi::Value shutdown(const Napi::CallbackInfo &info);
	// (graceMs)
	Napi::Value revoke(const Napi::CallbackInfo &info);
	void close(const Napi::CallbackInfo &info);

	static void teardown(napi_async_cleanup_hook_handle hook, void *data);
	void close();
	// By the I/O manager, where the driver could not be asked.
	NTSTATUS cancelRequest(uint64_t id, NTSTATUS unheard) const;

	std::shared_ptr<DeviceFile> file_; // null once closed
	std::shared_ptr<Events> events_;
	std::shared_ptr<Waiter> waiter_; // null until started and once closed
	napi_async_cleanup_hook_handle hook_ = nullptr;
};
