#include "device.h"

#include <cstring>
#include <string>
#include <system_error>
#include "share.h"

static void throwStatus(Napi::Env env, const std::string &what, Status status)
{
	Napi::Error error = Napi::Error::New(env, what);
	error.Set("status", Napi::Number::New(env, status));
	error.ThrowAsJavaScriptException();
}

// A method of a class would cost a look-up of the C++ object behind `this`, five times the price of
// the call into the addon.
template <auto method>
static void setMethod(Napi::Object object, const char *name, std::shared_ptr<Device> device)
{
	const auto call = [device = std::move(device)](const Napi::CallbackInfo &info) {
		return (device.get()->*method)(info);
	};
	object.Set(name, Napi::Function::New(object.Env(), call, name));
}

Napi::Value Device::open(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	const std::string path = info[0].ToString();
	const auto device = std::make_shared<Device>(info[1].ToBoolean());
	const OpenOptions options = {device->poll_, info[2].ToBoolean()};
	const Status status = openPort(path, options, device->port_);
	if (status != 0) {
		throwStatus(env, path, status);
		return env.Undefined();
	}
	Napi::Object object = Napi::Object::New(env);
	setMethod<&Device::info>(object, "info", device);
	setMethod<&Device::start>(object, "start", device);
	setMethod<&Device::share>(object, "share", device);
	setMethod<&Device::shareOnPool>(object, "shareOnPool", device);
	setMethod<&Device::release>(object, "release", device);
	setMethod<&Device::cancel>(object, "cancel", device);
	setMethod<&Device::notify>(object, "notify", device);
	setMethod<&Device::hold>(object, "hold", device);
	setMethod<&Device::shutdown>(object, "shutdown", device);
	setMethod<&Device::revoke>(object, "revoke", device);
	setMethod<&Device::closeNow>(object, "close", device);
	return object;
}

Device::~Device()
{
	close();
}

Napi::Value Device::info(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	pendshare_info answer = {};
	const Status status = port_ ? port_->info(answer) : kClosed;
	if (status != 0) {
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

Napi::Value Device::start(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	const auto wake = info[1].As<Napi::Function>();
	events_ = std::make_shared<Events>(info[0].As<Napi::Float64Array>());
	try {
		waiter_ = poll_ ? Waiter::onPoll(env, port_, events_, wake)
				: Waiter::onThread(env, port_, events_, wake);
	} catch (const std::system_error &error) {
		throwStatus(env, "cannot wait for events", statusOf(error.code()));
		return env.Undefined();
	}
	// Hooks run in reverse order: this one before that of the waiter's thread-safe function.
	if (waiter_)
		napi_add_async_cleanup_hook(env, teardown, this, &hook_);
	return Napi::Boolean::New(env, waiter_ != nullptr);
}

Napi::Value Device::share(const Napi::CallbackInfo &info)
{
	const pendshare_share request = readShare(info);
	return Napi::Number::New(info.Env(), port_ ? port_->share(request) : kClosed);
}

Napi::Value Device::shareOnPool(const Napi::CallbackInfo &info)
{
	return ::shareOnPool(info.Env(), port_, readShare(info, 1), info[0].ToBoolean());
}

Napi::Value Device::release(const Napi::CallbackInfo &info)
{
	return end(info, false);
}

Napi::Value Device::cancel(const Napi::CallbackInfo &info)
{
	return end(info, true);
}

Napi::Value Device::end(const Napi::CallbackInfo &info, bool cancel)
{
	const napi_env env = info.Env();
	bool wait = false;
	pendshare_event event = {};
	napi_get_value_bool(env, info[1], &wait);
	const Status status =
	    port_ ? port_->end(readInteger(env, info[0]), cancel, wait, event) : kClosed;
	if (status == 0 && wait)
		events_->putEnd(event, *port_);
	return Napi::Number::New(env, status);
}

Napi::Value Device::notify(const Napi::CallbackInfo &info)
{
	const napi_env env = info.Env();
	return Napi::Number::New(env, port_ ? port_->notify(readInteger(env, info[0])) : kClosed);
}

void Device::hold(const Napi::CallbackInfo &info)
{
	if (waiter_)
		waiter_->hold(info[0].ToBoolean());
}

Napi::Value Device::shutdown(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), port_ ? port_->shutdown() : 0);
}

Napi::Value Device::revoke(const Napi::CallbackInfo &info)
{
	const uint64_t grace = readInteger(info.Env(), info[0]);
	return Napi::Number::New(info.Env(), port_ ? port_->revoke(grace) : kClosed);
}

void Device::closeNow(const Napi::CallbackInfo &)
{
	close();
}

// Shut down first: the waiter can be inside of the port, and comes back only when there is no more
// to come.
void Device::close()
{
	if (!port_)
		return;
	port_->shutdown();
	port_.reset();
	if (!waiter_)
		return;
	waiter_->stop([hook = hook_] { napi_remove_async_cleanup_hook(hook); });
	waiter_.reset();
}

void Device::teardown(napi_async_cleanup_hook_handle, void *data)
{
	static_cast<Device *>(data)->close();
}
