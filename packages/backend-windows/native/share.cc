#include "share.h"

#include "constants.h"

static int64_t readInteger(napi_env env, napi_value value)
{
	int64_t number = 0;
	napi_get_value_int64(env, value, &number);
	return number;
}

template <size_t N> static void readText(napi_env env, napi_value value, char (&text)[N])
{
	size_t length;
	napi_get_value_string_utf8(env, value, text, N, &length);
}

// The address and length of a Uint8Array; nullptr and 0 of a detached one.
static void readBytes(napi_env env, napi_value value, void *&address, size_t &length)
{
	napi_typedarray_type type;
	napi_get_typedarray_info(env, value, &type, &length, &address, nullptr, nullptr);
}

void readShare(const Napi::CallbackInfo &info, Lease &lease)
{
	const napi_env env = info.Env();
	pendshare_share &request = lease.request;
	void *address = nullptr;
	size_t length = 0;

	request.id = readInteger(env, info[0]);
	readBytes(env, info[1], lease.memory, length);
	lease.length = static_cast<uint32_t>(length); // device.info.maxBytes is below 4 GiB
	request.access = static_cast<uint32_t>(readInteger(env, info[2]));
	readText(env, info[3], request.peer);
	readBytes(env, info[4], address, length);
	if (length > 0 && length <= sizeof(request.options))
		memcpy(request.options, address, length);
	request.options_size = static_cast<uint32_t>(length);
	if (!info[5].IsUndefined()) {
		bool lossless;
		uint64_t event = 0;
		napi_get_value_bigint_uint64(env, info[5], &event, &lossless);
		request.flags = PENDSHARE_SHARE_EVENT;
		request.event = event;
	}
	readText(env, info[6], request.label);
	request.deadline_ns = readInteger(env, info[7]) * 1000000;
}

namespace
{

struct PoolShare {
	std::shared_ptr<DeviceFile> file;
	Lease &lease;
	std::function<void(NTSTATUS)> done;
	napi_deferred deferred;
	napi_async_work work;
	NTSTATUS status;

	static void execute(napi_env, void *data)
	{
		auto *self = static_cast<PoolShare *>(data);
		self->status = self->file->share(self->lease);
	}

	// Runs also when the environment is torn down, after the last JavaScript: then nothing is
	// resolved.
	static void complete(napi_env env, napi_status, void *data)
	{
		std::unique_ptr<PoolShare> self(static_cast<PoolShare *>(data));
		Napi::HandleScope scope(env);
		self->done(self->status);
		napi_delete_async_work(env, self->work);
		napi_resolve_deferred(env, self->deferred, statusValue(env, self->status));
	}
};

} // namespace

Napi::Promise shareOnPool(Napi::Env env, std::shared_ptr<DeviceFile> file, Lease &lease,
			  std::function<void(NTSTATUS)> done)
{
	auto self = std::unique_ptr<PoolShare>(
	    new PoolShare{std::move(file), lease, std::move(done), nullptr, nullptr, 0});
	napi_value promise;
	napi_create_promise(env, &self->deferred, &promise);
	napi_create_async_work(env, nullptr, Napi::String::New(env, "pendshare.share"),
			       PoolShare::execute, PoolShare::complete, self.get(), &self->work);
	napi_queue_async_work(env, self->work);
	self.release(); // complete() has it
	return Napi::Promise(env, promise);
}
