// Polls the port on the event loop: one hop and no thread, through libuv, which is no part of
// Node-API's promise. So its functions are weak symbols, and its structure must be no larger than
// the one compiled in.
#include "waiter.h"

#ifdef PENDSHARE_UV

#include <system_error>
#include <uv.h>

#pragma weak uv_close
#pragma weak uv_handle_size
#pragma weak uv_poll_init
#pragma weak uv_poll_start
#pragma weak uv_poll_stop
#pragma weak uv_ref
#pragma weak uv_unref

namespace
{

class PollWaiter final : public Waiter
{
      public:
	PollWaiter(Napi::Env env, std::shared_ptr<Port> port, std::shared_ptr<Events> events,
		   Napi::Function wake)
	    : env_(env), port_(std::move(port)), events_(std::move(events)),
	      wake_(Napi::Persistent(wake))
	{
	}

	void start(uv_loop_s *loop, const std::shared_ptr<PollWaiter> &self);
	void hold(bool alive) override;
	void stop(std::function<void()> gone) override;

      private:
	void readable(bool byRequest);

	uv_handle_t *handle()
	{
		return reinterpret_cast<uv_handle_t *>(&poll_);
	}

	const Napi::Env env_;
	std::shared_ptr<Port> port_;
	const std::shared_ptr<Events> events_;
	const Napi::FunctionReference wake_;
	Batch batch_;
	uv_poll_t poll_ = {};
	std::shared_ptr<PollWaiter> self_; // while the loop knows poll_
	std::function<void()> gone_;
};

void PollWaiter::start(uv_loop_s *loop, const std::shared_ptr<PollWaiter> &self)
{
	const int status = uv_poll_init(loop, &poll_, port_->descriptor());
	if (status < 0)
		throw std::system_error(-status, std::generic_category());
	self_ = self;
	poll_.data = this;
	uv_unref(handle());
	// Fails only for a wrong mask or a closing handle.
	uv_poll_start(&poll_, UV_READABLE | UV_PRIORITIZED, [](uv_poll_t *poll, int, int events) {
		static_cast<PollWaiter *>(poll->data)->readable(events != UV_PRIORITIZED);
	});
}

// Readiness is level-triggered: what one batch leaves behind brings the next call.
void PollWaiter::readable(bool byRequest)
{
	bool more = true;
	batch_.clear();
	if (byRequest)
		more = port_->fetch(batch_, false);
	else
		port_->rung(batch_);
	if (more && batch_.count == 0)
		return;
	if (!more)
		uv_poll_stop(&poll_);
	Napi::HandleScope scope(env_);
	events_->put(batch_, *port_);
	const napi_value arguments[] = {Napi::Number::New(env_, batch_.count),
					Napi::Boolean::New(env_, !more)};
	// wake() may stop this waiter; it lives on until the loop has closed poll_.
	reportException(env_, napi_make_callback(env_, nullptr, env_.Global(), wake_.Value(), 2,
						 arguments, nullptr));
}

void PollWaiter::hold(bool alive)
{
	if (alive)
		uv_ref(handle());
	else
		uv_unref(handle());
}

void PollWaiter::stop(std::function<void()> gone)
{
	do
		batch_.clear();
	while (port_->fetch(batch_, true));
	gone_ = std::move(gone);
	uv_close(handle(), [](uv_handle_t *handle) {
		// Destroyed on return; that is why the reference to itself is moved out first.
		const auto self = std::move(static_cast<PollWaiter *>(handle->data)->self_);
		self->gone_();
	});
	port_.reset();
}

} // namespace

bool Waiter::canPoll()
{
	return uv_poll_init != nullptr && uv_handle_size(UV_POLL) <= sizeof(uv_poll_t);
}

std::shared_ptr<Waiter> Waiter::onPoll(Napi::Env env, std::shared_ptr<Port> port,
				       std::shared_ptr<Events> events, Napi::Function wake)
{
	uv_loop_s *loop;
	if (!canPoll() || napi_get_uv_event_loop(env, &loop) != napi_ok)
		return nullptr;
	auto waiter = std::make_shared<PollWaiter>(env, std::move(port), std::move(events), wake);
	waiter->start(loop, waiter);
	return waiter;
}

#else

bool Waiter::canPoll()
{
	return false;
}

std::shared_ptr<Waiter> Waiter::onPoll(Napi::Env, std::shared_ptr<Port>,
				       std::shared_ptr<Events>, Napi::Function)
{
	return nullptr;
}

#endif
