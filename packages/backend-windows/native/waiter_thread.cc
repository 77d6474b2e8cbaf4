#include "waiter.h"

#include <system_error>

// Packets taken in one go. A SHARE's makes two events at most, PEND's as many as it has room for.
static constexpr uint32_t kPackets = 128;
static_assert(Pend::kCapacity + 2 * (kPackets - 1) <= Events::kCapacity);

static pendshare_event makeEvent(uint64_t id, uint32_t kind)
{
	pendshare_event event = {};
	event.id = id;
	event.kind = kind;
	return event;
}

// The completion of SHARE: its end, with the rings that no DOORBELL has told; or a refusal.
static void readShareEnd(const Lease &lease, std::vector<pendshare_event> &events)
{
	const auto status = static_cast<uint32_t>(lease.overlapped.Internal);
	const uint64_t id = lease.request.id;
	if (!PENDSHARE_STATUS_IS_END(status)) {
		events.push_back(makeEvent(id, kRefused));
		events.back().reason = status;
		return;
	}
	if (PENDSHARE_STATUS_RINGS(status) > 0) {
		events.push_back(makeEvent(id, PENDSHARE_EVENT_DOORBELL));
		events.back().value = PENDSHARE_STATUS_RINGS(status);
	}
	events.push_back(makeEvent(id, PENDSHARE_EVENT_END));
	events.back().reason = PENDSHARE_STATUS_REASON(status);
	events.back().failure = PENDSHARE_STATUS_FAILURE(status);
	events.back().value = lease.overlapped.InternalHigh;
}

Waiter::Waiter(Napi::Env env, std::shared_ptr<DeviceFile> file, std::shared_ptr<Events> events)
    : env_(env), file_(std::move(file)), events_(std::move(events))
{
}

// The event loop may look at the waiter until it has finalized the function, so the function owns
// a share of it.
std::shared_ptr<Waiter> Waiter::start(Napi::Env env, std::shared_ptr<DeviceFile> file,
				      std::shared_ptr<Events> events, Napi::Function wake)
{
	auto self = std::make_shared<Waiter>(env, std::move(file), std::move(events));
	auto *owner = new std::shared_ptr<Waiter>(self);
	self->doorbell_ = Doorbell::New(
	    env, wake, "pendshare.events", 0, 1, self.get(),
	    [](Napi::Env, std::shared_ptr<Waiter> *owner, Waiter *) { delete owner; }, owner);
	self->doorbell_.Unref(env);
	try {
		self->thread_ = std::thread(&Waiter::run, self.get());
	} catch (const std::system_error &) {
		self->doorbell_.Release();
		throw;
	}
	// The thread has nothing to do yet: that it asks for PEND is the first thing it does.
	self->file_->post(DeviceFile::Word::wake);
	return self;
}

void Waiter::run()
{
	bool stopping;
	do {
		Batch batch;
		fetch(batch);
		post(batch);
		std::lock_guard<std::mutex> lock(mutex_);
		stopping = stopping_;
	} while (!stopping || file_->pended() > 0);
	doorbell_.Release();
}

// Packets of requests that one thread has issued come in the order of their completion: what the
// driver tells of a share before it completes the share is read before its end. For a share that a
// pool thread has issued JavaScript asks for a barrier.
void Waiter::fetch(Batch &batch)
{
	OVERLAPPED_ENTRY packets[kPackets];
	const uint32_t count = file_->wait(packets, kPackets);
	for (uint32_t i = 0; i < count; i++) {
		if (packets[i].lpOverlapped != nullptr)
			read(*packets[i].lpOverlapped, batch);
		else if (packets[i].lpCompletionKey ==
			 static_cast<ULONG_PTR>(DeviceFile::Word::barrier))
			batch.events.push_back(makeEvent(0, kBarrier));
		else
			batch.pend_back = true;
	}
}

void Waiter::read(const OVERLAPPED &packet, Batch &batch) const
{
	if (&packet != &pend_.overlapped) {
		readShareEnd(reinterpret_cast<const Lease &>(packet), batch.events);
		return;
	}
	const auto status = static_cast<NTSTATUS>(packet.Internal);
	batch.over = NT_ERROR(status) && !isShortage(status);
	batch.pend_back = !batch.over;
	batch.events.insert(batch.events.end(), pend_.events,
			    pend_.events + packet.InternalHigh / sizeof(pendshare_event));
}

// One wake-up for each batch: it is posted into an empty mailbox only.
void Waiter::post(Batch &batch)
{
	{
		std::unique_lock<std::mutex> lock(mutex_);
		room_.wait(lock, [this] { return !full_ || stopping_; });
		if (stopping_)
			return;
		mailbox_ = std::move(batch);
		full_ = true;
	}
	doorbell_.NonBlockingCall();
}

// What wake() threw is an uncaught exception of the program, as if it had been thrown in an event
// handler.
static void reportException(napi_env env, napi_status status)
{
	napi_value error;
	if (status == napi_pending_exception &&
	    napi_get_and_clear_last_exception(env, &error) == napi_ok)
		napi_fatal_exception(env, error);
}

// env is null, and self may be gone, when the environment was torn down.
void Waiter::deliver(Napi::Env env, Napi::Function wake, Waiter *self, void *)
{
	if (env == nullptr)
		return;
	Batch batch;
	{
		std::lock_guard<std::mutex> lock(self->mutex_);
		if (self->stopping_)
			return;
		batch = std::move(self->mailbox_);
		self->full_ = false;
	}
	self->room_.notify_one();
	const size_t count = batch.events.size();
	self->events_->put(batch.events.data(), count);
	if (batch.pend_back)
		batch.over = self->pendAgain();
	if (count == 0 && !batch.over)
		return;
	const napi_value arguments[] = {Napi::Number::New(env, static_cast<double>(count)),
					Napi::Boolean::New(env, batch.over)};
	reportException(env, napi_call_function(env, env.Undefined(), wake, 2, arguments, nullptr));
}

// True: there will be no more events. For want of memory it is tried in the next turn of the event
// loop.
bool Waiter::pendAgain()
{
	const NTSTATUS status = file_->pend(pend_);
	if (isShortage(status))
		file_->post(DeviceFile::Word::wake);
	return NT_ERROR(status) && !isShortage(status);
}

void Waiter::hold(bool alive)
{
	if (alive)
		doorbell_.Ref(env_);
	else
		doorbell_.Unref(env_);
}

void Waiter::stop()
{
	{
		std::lock_guard<std::mutex> lock(mutex_);
		stopping_ = true;
	}
	room_.notify_one();
	file_->seal();
	thread_.join();
	file_.reset();
}
