#include "device.h"

#include <cstring>
#include <string>
#include <system_error>
#include "constants.h"
#include "share.h"

static void throwStatus(Napi::Env env, const std::string &what, NTSTATUS status)
{
	Napi::Error error = Napi::Error::New(env, what);
	error.Set("status", statusValue(env, status));
	error.ThrowAsJavaScriptException();
}

static uint64_t readId(const Napi::CallbackInfo &info)
{
	return info[0].ToNumber().Int64Value();
}

Napi::Function Device::define(Napi::Env env)
{
	return DefineClass(env, "Device",
			   {
			       InstanceMethod<&Device::info>("info"),
			       InstanceMethod<&Device::start>("start"),
			       InstanceMethod<&Device::share>("share"),
			       InstanceMethod<&Device::shareOnPool>("shareOnPool"),
			       InstanceMethod<&Device::end>("end"),
			       InstanceMethod<&Device::notify>("notify"),
			       InstanceMethod<&Device::hold>("hold"),
			       InstanceMethod<&Device::barrier>("barrier"),
			       InstanceMethod<&Device::shutdown>("shutdown"),
			       InstanceMethod<&Device::revoke>("revoke"),
			       InstanceMethod<&Device::close>("close"),
			   });
}

Device::Device(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Device>(info)
{
	const std::u16string path = info[0].ToString();
	const DWORD error = DeviceFile::open(reinterpret_cast<const wchar_t *>(path.c_str()),
					     info[1].ToBoolean(), file_);
	if (error != ERROR_SUCCESS)
		throwStatus(info.Env(), info[0].ToString(), static_cast<NTSTATUS>(error));
}

Device::~Device()
{
	close();
}

Napi::Value Device::info(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	pendshare_info answer = {};
	const NTSTATUS status = file_ ? file_->info(answer) : STATUS_PIPE_CLOSING;
	if (!NT_SUCCESS(status)) {
		throwStatus(env, "INFO", status);
		return env.Undefined();
	}
	Napi::Array peers = Napi::Array::New(env);
	const char *const end = answer.peers + sizeof(answer.peers);
	for (const char *name = answer.peers; name < end && *name != '\0';) {
		const size_t length = strnlen(name, end - name);
		peers.Set(peers.Length(), Napi::String::New(env, name, length));
		name += length + 1;
	}
	Napi::Object object = Napi::Object::New(env);
	const auto set = [&](const char *name, uint64_t value) {
		object.Set(name, Napi::Number::New(env, static_cast<double>(value)));
	};
	set("abi", answer.abi_version);
	set("version", answer.driver_version);
	set("pageSize", answer.page_size);
	set("maxBytes", answer.max_bytes);
	set("maxShares", answer.max_shares);
	set("minPeriodNs", answer.min_period_ns);
	set("shares", answer.shares);
	set("pinnedPages", answer.pinned_pages);
	set("totalPinnedPages", answer.total_pinned_pages);
	object.Set("peers", peers);
	return object;
}

void Device::start(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	events_ = std::make_shared<Events>(info[0].As<Napi::Float64Array>());
	try {
		waiter_ = Waiter::start(env, file_, events_, info[1].As<Napi::Function>());
	} catch (const std::system_error &) {
		throwStatus(env, "no thread to wait for events", STATUS_NO_MEMORY);
		return;
	}
	// Hooks run in reverse order: this one before that of the waiter's thread-safe function.
	napi_add_async_cleanup_hook(env, teardown, this, &hook_);
}

Napi::Value Device::share(const Napi::CallbackInfo &info)
{
	NTSTATUS status = STATUS_PIPE_CLOSING;
	if (file_) {
		Lease &lease = events_->leases_[readId(info)];
		readShare(info, lease);
		status = file_->share(lease);
		if (NT_ERROR(status))
			events_->leases_.erase(lease.request.id);
	}
	return statusValue(info.Env(), status);
}

Napi::Value Device::shareOnPool(const Napi::CallbackInfo &info)
{
	Lease &lease = events_->leases_[readId(info)];
	readShare(info, lease);
	auto refused = [events = events_, id = lease.request.id](NTSTATUS status) {
		if (NT_ERROR(status))
			events->leases_.erase(id);
	};
	return ::shareOnPool(info.Env(), file_, lease, std::move(refused));
}

NTSTATUS Device::cancelRequest(uint64_t id, NTSTATUS unheard) const
{
	const auto lease = events_->leases_.find(id);
	return lease != events_->leases_.end() && file_->cancel(lease->second) ? STATUS_SUCCESS
									       : unheard;
}

Napi::Value Device::end(const Napi::CallbackInfo &info)
{
	const bool cancel = info[1].ToBoolean();
	const uint64_t id = readId(info);
	NTSTATUS status = STATUS_PIPE_CLOSING;
	if (file_) {
		status = file_->end(cancel ? PENDSHARE_IOC_CANCEL : PENDSHARE_IOC_RELEASE, id);
		if (isShortage(status)) {
			const NTSTATUS cancelled = cancelRequest(id, status);
			if (cancel)
				status = cancelled;
		}
	}
	return statusValue(info.Env(), status);
}

Napi::Value Device::notify(const Napi::CallbackInfo &info)
{
	return statusValue(info.Env(), file_ ? file_->notify(readId(info)) : STATUS_PIPE_CLOSING);
}

void Device::hold(const Napi::CallbackInfo &info)
{
	if (waiter_)
		waiter_->hold(info[0].ToBoolean());
}

Napi::Value Device::barrier(const Napi::CallbackInfo &info)
{
	return Napi::Boolean::New(info.Env(), file_ && file_->post(DeviceFile::Word::barrier));
}

Napi::Value Device::shutdown(const Napi::CallbackInfo &info)
{
	return statusValue(info.Env(), file_ ? file_->shutdown() : STATUS_SUCCESS);
}

Napi::Value Device::revoke(const Napi::CallbackInfo &info)
{
	const uint64_t grace = info[0].ToNumber().Int64Value();
	return statusValue(info.Env(), file_ ? file_->revoke(grace) : STATUS_PIPE_CLOSING);
}

void Device::close(const Napi::CallbackInfo &)
{
	close();
}

// Shut down first: SHARE and PEND then come back, which stop() waits for.
void Device::close()
{
	if (!file_)
		return;
	file_->shutdown();
	file_.reset();
	if (!waiter_)
		return;
	waiter_->stop();
	waiter_.reset();
	events_->leases_.clear();
	napi_remove_async_cleanup_hook(hook_);
}

void Device::teardown(napi_async_cleanup_hook_handle, void *data)
{
	static_cast<Device *>(data)->close();
}
