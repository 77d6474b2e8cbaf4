// The waiter thread. It has one batch in hand, the mailbox holds another: while JavaScript is slow
// the thread does not fetch more, and the driver goes on to count the rings of a share into one
// event.
#include "waiter.h"

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <pthread.h>
#include <system_error>
#include <thread>
#include <vector>

namespace
{

class ThreadWaiter final : public Waiter
{
      public:
	ThreadWaiter(Napi::Env env, std::shared_ptr<DeviceFile> file,
		     std::shared_ptr<Events> events)
	    : env_(env), file_(std::move(file)), events_(std::move(events))
	{
	}

	void start(const std::shared_ptr<ThreadWaiter> &self, Napi::Function wake);
	void hold(bool alive) override;
	void stop(std::function<void()> gone) override;

      private:
	static void deliver(Napi::Env env, Napi::Function wake, ThreadWaiter *self, void *);
	using Doorbell = Napi::TypedThreadSafeFunction<ThreadWaiter, void, deliver>;

	void run();
	void post(std::vector<pendshare_event> &batch, bool over);

	const Napi::Env env_;
	std::shared_ptr<DeviceFile> file_;
	const std::shared_ptr<Events> events_;
	std::thread thread_;
	// Released by the thread as its last act: a release from the function's own callback hangs
	// Node at exit.
	Doorbell doorbell_;
	bool delivered_over_ = false; // the event loop's; from then on doorbell_ can be gone

	std::mutex mutex_; // all below
	std::condition_variable room_;
	std::vector<pendshare_event> fetched_;
	bool over_ = false;
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
	sigset_t all;
	sigfillset(&all); // signals are for Node's own threads
	pthread_sigmask(SIG_BLOCK, &all, nullptr);
	pthread_setname_np(pthread_self(), "pendshare");

	std::vector<pendshare_event> batch;
	int error;
	do {
		uint32_t count;
		batch.resize(events_->capacity());
		error = file_->pend(batch.data(), batch.size(), count);
		batch.resize(count);
		post(batch, error != 0);
	} while (error == 0);
	doorbell_.Release();
}

// One wake-up for each batch: it is posted into an empty mailbox only.
void ThreadWaiter::post(std::vector<pendshare_event> &batch, bool over)
{
	{
		std::unique_lock<std::mutex> lock(mutex_);
		room_.wait(lock, [this] { return fetched_.empty() || stopping_; });
		if (stopping_)
			return;
		fetched_.swap(batch);
		over_ = over;
	}
	doorbell_.NonBlockingCall();
}

// env is null, and self may be gone, when the environment was torn down.
void ThreadWaiter::deliver(Napi::Env env, Napi::Function wake, ThreadWaiter *self, void *)
{
	if (env == nullptr)
		return;
	uint32_t count;
	bool over;
	{
		std::lock_guard<std::mutex> lock(self->mutex_);
		if (self->stopping_)
			return;
		count = self->fetched_.size();
		over = self->over_;
		self->events_->put(self->fetched_.data(), count);
		self->fetched_.clear();
	}
	self->room_.notify_one();
	self->delivered_over_ = over;
	const napi_value arguments[] = {Napi::Number::New(env, count),
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
	thread_.join();
	file_.reset();
	gone();
}

} // namespace

std::shared_ptr<Waiter> Waiter::onThread(Napi::Env env, std::shared_ptr<DeviceFile> file,
					 std::shared_ptr<Events> events, Napi::Function wake)
{
	auto waiter = std::make_shared<ThreadWaiter>(env, std::move(file), std::move(events));
	waiter->start(waiter, wake);
	return waiter;
}
