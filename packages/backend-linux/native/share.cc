#include "share.h"

#include <functional>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

HiddenFromFork::HiddenFromFork(uint64_t address, uint64_t length)
    : address_(reinterpret_cast<void *>(address)), length_(length)
{
	madvise(address_, length_, MADV_DONTFORK);
}

HiddenFromFork::~HiddenFromFork()
{
	madvise(address_, length_, MADV_DOFORK);
}

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

// The address and length of a Uint8Array; 0 and 0 of a detached one.
static void readBytes(napi_env env, napi_value value, void *&address, size_t &length)
{
	napi_typedarray_type type;
	napi_get_typedarray_info(env, value, &type, &length, &address, nullptr, nullptr);
}

static void readPeer(const Napi::CallbackInfo &info, pendshare_share &request)
{
	const napi_env env = info.Env();
	void *options = nullptr;
	size_t length = 0;

	readText(env, info[5], request.peer);
	readBytes(env, info[6], options, length);
	if (length > 0 && length <= sizeof(request.options))
		memcpy(request.options, options, length);
	request.options_size = length;
	if (info[7].IsUndefined())
		return;
	bool lossless;
	uint64_t event = 0;
	napi_get_value_bigint_uint64(env, info[7], &event, &lossless);
	request.flags = PENDSHARE_SHARE_EVENT;
	request.event = event;
}

pendshare_share readShare(const Napi::CallbackInfo &info)
{
	const napi_env env = info.Env();
	pendshare_share request = {};
	void *address = nullptr;
	size_t length = 0;

	request.id = readInteger(env, info[0]);
	readBytes(env, info[1], address, length);
	request.address = reinterpret_cast<uintptr_t>(address);
	request.length = length;
	request.access = readInteger(env, info[2]);
	readText(env, info[3], request.label);
	request.deadline_ns = readInteger(env, info[4]) * 1000000;
	if (info.Length() > 5)
		readPeer(info, request);
	return request;
}

namespace
{

struct PoolShare {
	std::shared_ptr<DeviceFile> file;
	pendshare_share request;
	std::function<void(int)> done;
	napi_deferred deferred;
	napi_async_work work;
	int error;

	static void execute(napi_env, void *data)
	{
		auto *self = static_cast<PoolShare *>(data);
		// Faults the pages in with the lock on the address space dropped now and then,
		// which a pin does not do. When it fails, SHARE will say why.
		madvise(reinterpret_cast<void *>(self->request.address), self->request.length,
			MADV_POPULATE_WRITE);
		self->error = self->file->share(self->request);
	}

	// Runs also when the environment is torn down, after the last JavaScript: then nothing is
	// resolved.
	static void complete(napi_env env, napi_status, void *data)
	{
		std::unique_ptr<PoolShare> self(static_cast<PoolShare *>(data));
		Napi::HandleScope scope(env);
		self->done(self->error);
		napi_delete_async_work(env, self->work);
		napi_resolve_deferred(env, self->deferred, Napi::Number::New(env, self->error));
	}
};

} // namespace

Napi::Promise shareOnPool(Napi::Env env, std::shared_ptr<DeviceFile> file,
			  const pendshare_share &request, std::function<void(int)> done)
{
	auto self = std::make_unique<PoolShare>();
	napi_value promise;
	self->file = std::move(file);
	self->request = request;
	self->done = std::move(done);
	napi_create_promise(env, &self->deferred, &promise);
	napi_create_async_work(env, nullptr, Napi::String::New(env, "pendshare.share"),
			       PoolShare::execute, PoolShare::complete, self.get(), &self->work);
	napi_queue_async_work(env, self->work);
	self.release(); // complete() has it
	return Napi::Promise(env, promise);
}
