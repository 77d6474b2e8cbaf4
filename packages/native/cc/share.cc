#include "share.h"

#include <chrono>
#include <cstring>

template <size_t N> static void readText(napi_env env, napi_value value, char (&text)[N])
{
	size_t length;
	napi_get_value_string_utf8(env, value, text, N, &length);
}

// The address and length of a Uint8Array; 0 and 0 of a detached one.
static void readBytes(napi_env env, napi_value value, void *&address, size_t &length)
{
	napi_typedarray_type type;
	napi_get_typedarray_info(env, value, &type, &length, &address, nullptr, nullptr);
}

static void readPeer(const Napi::CallbackInfo &info, size_t from, pendshare_share &request)
{
	const napi_env env = info.Env();
	void *options = nullptr;
	size_t length = 0;

	readText(env, info[from + 5], request.peer);
	readBytes(env, info[from + 6], options, length);
	if (length > sizeof(request.options))
		request.more = reinterpret_cast<uintptr_t>(options);
	else if (length > 0)
		std::memcpy(request.options, options, length);
	request.options_size = static_cast<uint32_t>(length);
	request.frame_count = static_cast<uint32_t>(readInteger(env, info[from + 8]));
	request.frame_bytes = static_cast<uint32_t>(readInteger(env, info[from + 9]));
	readBytes(env, info[from + 10], options, length);
	request.reply = reinterpret_cast<uintptr_t>(length > 0 ? options : nullptr);
	request.reply_size = static_cast<uint32_t>(length);
	if (info[from + 7].IsUndefined())
		return;
	bool lossless;
	uint64_t event = 0;
	napi_get_value_bigint_uint64(env, info[from + 7], &event, &lossless);
	request.flags = PENDSHARE_SHARE_EVENT;
	request.event = event;
}

pendshare_share readShare(const Napi::CallbackInfo &info, size_t from)
{
	const napi_env env = info.Env();
	pendshare_share request = {};
	void *address = nullptr;
	size_t length = 0;

	request.id = readInteger(env, info[from]);
	readBytes(env, info[from + 1], address, length);
	request.address = reinterpret_cast<uintptr_t>(address);
	request.length = length;
	request.access = static_cast<uint32_t>(readInteger(env, info[from + 2]));
	if (info.Length() > from + 3) {
		readText(env, info[from + 3], request.label);
		request.deadline_ns = readInteger(env, info[from + 4]) * 1000000;
	}
	if (info.Length() > from + 5)
		readPeer(info, from, request);
	return request;
}

namespace
{

struct PoolShare {
	std::shared_ptr<Port> port;
	pendshare_share request;
	bool first;
	std::function<Status()> share;
	napi_deferred deferred = nullptr;
	napi_async_work work = nullptr;
	Status status = kClosed;
	std::chrono::duration<double, std::milli> took = {};

	static void execute(napi_env, void *data)
	{
		auto *self = static_cast<PoolShare *>(data);
		if (!self->port)
			return;
		if (self->first)
			self->port->makeReady(self->request);
		const auto start = std::chrono::steady_clock::now();
		self->status = self->share();
		self->took = std::chrono::steady_clock::now() - start;
	}

	// Runs also when the environment is torn down, after the last JavaScript: then nothing is
	// resolved.
	static void complete(napi_env env, napi_status, void *data)
	{
		std::unique_ptr<PoolShare> self(static_cast<PoolShare *>(data));
		Napi::HandleScope scope(env);
		if (self->port && self->status != 0 && self->status != kPending)
			self->port->forget(self->request.id);
		napi_delete_async_work(env, self->work);
		// By Node-API's own calls: the wrapper's throw where no JavaScript may run any more.
		napi_value answer = nullptr, code = nullptr, took = nullptr;
		napi_create_array_with_length(env, 2, &answer);
		napi_create_uint32(env, self->status, &code);
		napi_create_double(env, self->took.count(), &took);
		napi_set_element(env, answer, 0, code);
		napi_set_element(env, answer, 1, took);
		napi_resolve_deferred(env, self->deferred, answer);
	}
};

} // namespace

Napi::Promise shareOnPool(Napi::Env env, std::shared_ptr<Port> port, const pendshare_share &request,
			  bool first)
{
	std::function<Status()> share;
	if (port)
		share = port->prepare(request);
	std::unique_ptr<PoolShare> self(
	    new PoolShare{std::move(port), request, first, std::move(share)});
	napi_value promise;
	napi_create_promise(env, &self->deferred, &promise);
	napi_create_async_work(env, nullptr, Napi::String::New(env, "pendshare.share"),
			       PoolShare::execute, PoolShare::complete, self.get(), &self->work);
	napi_queue_async_work(env, self->work);
	self.release(); // complete() has it
	return Napi::Promise(env, promise);
}
