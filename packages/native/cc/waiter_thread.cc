// The waiter thread. It has one batch in hand, the mailbox holds another: while JavaScript is slow
// the thread does not fetch more, nor is PEND issued anew, and the driver goes on to count the
// rings of a share into one event.
#include "waiter.h"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace
{

class ThreadWaiter final : public Waiter
{
      public:
	ThreadWaiter(Napi::Env env, std::shared_ptr<Port> port, std::shared_ptr<Events> events)
	    : env_(env), port_(std::move(port)), events_(std::move(events))
	{
	}

	void start(const std::shared_ptr<ThreadWaiter> &self, Napi::Function wake);
	void hold(bool alive) override;
	void stop(std::function<void()> gone) override;

      private:
	static void deliver(Napi::Env env, Napi::Function wake, ThreadWaiter *self, void *);
	using Doorbell = Napi::TypedThreadSafeFunction<ThreadWaiter, void, deliver>;

	void run();
	void post(Batch &batch);

	const Napi::Env env_;
	std::shared_ptr<Port> port_;
	const std::shared_ptr<Events> events_;
	std::thread thread_;
	// Released by the thread as its last act: a release from the function's own callback hangs
	// Node at exit.
	Doorbell doorbell_;
	bool delivered_over_ = false; // the event loop's; from then on doorbell_ can be gone
	Batch delivered_;	      // the event loop's

	std::mutex mutex_; // all below
	std::condition_variable room_;
	Batch mailbox_;
	bool full_ = false;
	bool stopping_ = false;
};

// The event loop may look at `self` until it has finalized the function, so the function owns a
// share of it.
void ThreadWaiter::start(const std::shared_ptr<ThreadWaiter> &self, Napi::Function wake)
{
	auto *owner = new std::shared_ptr<ThreadWaiter>(self);
	doorbell_ = Doorbell::New(
	    env_, wake, "pendshare.events", 0, 1, this,
	    [](Napi::Env, std::shared_ptr<ThreadWaiter> *owner, ThreadWaiter *) { delete owner; },
	    owner);
	doorbell_.Unref(env_);
	try {
		thread_ = std::thread(&ThreadWaiter::run, this);
	} catch (const std::system_error &) {
		doorbell_.Release();
		throw;
	}
}

void ThreadWaiter::run()
{
	enterWaiterThread();
	Batch batch;
	bool more;
	do {
		batch.clear();
		more = port_->fetch(batch, true);
		post(batch);
	} while (more);
	doorbell_.Release();
}

// One wake-up for each batch: it is posted into an empty mailbox only.
void ThreadWaiter::post(Batch &batch)
{
	{
		std::unique_lock<std::mutex> lock(mutex_);
		room_.wait(lock, [this] { return !full_ || stopping_; });
		if (stopping_)
			return;
		std::swap(mailbox_, batch);
		full_ = true;
	}
	doorbell_.NonBlockingCall();
}

// env is null, and self may be gone, when the environment was torn down.
void ThreadWaiter::deliver(Napi::Env env, Napi::Function wake, ThreadWaiter *self, void *)
{
	if (env == nullptr)
		return;
	Batch &batch = self->delivered_;
	{
		std::lock_guard<std::mutex> lock(self->mutex_);
		if (self->stopping_)
			return;
		std::swap(self->mailbox_, batch);
		self->full_ = false;
	}
	self->room_.notify_one();
	self->events_->put(batch, *self->port_);
	const bool over = batch.over || (batch.again && !self->port_->pendAgain());
	if (batch.count == 0 && !over)
		return;
	self->delivered_over_ = over;
	const napi_value arguments[] = {Napi::Number::New(env, batch.count),
					Napi::Boolean::New(env, over)};
	reportException(env, napi_call_function(env, env.Undefined(), wake, 2, arguments, nullptr));
}

void ThreadWaiter::hold(bool alive)
{
	if (delivered_over_)
		return;
	if (alive)
		doorbell_.Ref(env_);
	else
		doorbell_.Unref(env_);
}

void ThreadWaiter::stop(std::function<void()> gone)
{
	{
		std::lock_guard<std::mutex> lock(mutex_);
		stopping_ = true;
	}
	room_.notify_one();
	port_->seal();
	thread_.join();
	port_.reset();
	gone();
}

} // namespace

std::shared_ptr<Waiter> Waiter::onThread(Napi::Env env, std::shared_ptr<Port> port,
					 std::shared_ptr<Events> events, Napi::Function wake)
{
	auto waiter = std::make_shared<ThreadWaiter>(env, std::move(port), std::move(events));
	waiter->start(waiter, wake);
	return waiter;
}
