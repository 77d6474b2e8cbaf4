// Brings events from the port to the event loop: by a thread that blocks in it, or by polling its
// descriptor.
#pragma once

#include <functional>
#include <memory>
#include <napi.h>
#include "events.h"
#include "port.h"

class Waiter
{
      public:
	// Both call wake(count, over) on the event loop once `events` has been filled; over: no
	// event will follow. They throw std::system_error when the system has no thread or no room
	// for the descriptor.
	static std::shared_ptr<Waiter> onThread(Napi::Env env, std::shared_ptr<Port> port,
						std::shared_ptr<Events> events,
						Napi::Function wake);
	// Whether this build and this runtime have the libuv that onPoll() needs.
	static bool canPoll();
	// Needs a port that was opened to be polled. nullptr: it cannot.
	static std::shared_ptr<Waiter> onPoll(Napi::Env env, std::shared_ptr<Port> port,
					      std::shared_ptr<Events> events, Napi::Function wake);

	virtual ~Waiter() = default;

	// Whether it keeps the event loop alive. A new one does not.
	virtual void hold(bool alive) = 0;

	// For a port that was shut down: when this returns every share has ended and nobody uses
	// the port, and wake() is not called again. `gone` is called once the event loop is done
	// with it.
	virtual void stop(std::function<void()> gone) = 0;
};

// What wake() threw is an uncaught exception of the program, as if it had been thrown in an event
// handler.
inline void reportException(napi_env env, napi_status status)
{
	napi_value error;
	if (status == napi_pending_exception &&
	    napi_get_and_clear_last_exception(env, &error) == napi_ok)
		napi_fatal_exception(env, error);
}
