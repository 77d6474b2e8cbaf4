// Brings events from the completion port to the event loop, by a thread that waits there.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <napi.h>
#include <thread>
#include <vector>
#include "events.h"
#include "file.h"

// The thread has one batch in hand, the mailbox holds another. PEND is issued anew when the mailbox
// is emptied: while JavaScript is slow the driver goes on to count the rings of a share into one
// event, and packets wait in the port.
class Waiter
{
      public:
	// Calls wake(count, over) on the event loop once `events` has been filled; over: PEND
	// will bring no more, for the file was shut down. Throws std::system_error when the system
	// has no thread. PEND is issued by the event loop's thread, as SHARE is.
	static std::shared_ptr<Waiter> start(Napi::Env env, std::shared_ptr<DeviceFile> file,
					     std::shared_ptr<Events> events, Napi::Function wake);

	// Public for make_shared only.
	Waiter(Napi::Env env, std::shared_ptr<DeviceFile> file, std::shared_ptr<Events> events);

	// Whether it keeps the event loop alive. A new one does not.
	void hold(bool alive);

	// For a file that was shut down: when this returns every request has come back and nobody
	// uses the file, and wake() is not called again.
	void stop();

      private:
	static void deliver(Napi::Env env, Napi::Function wake, Waiter *self, void *);
	using Doorbell = Napi::TypedThreadSafeFunction<Waiter, void, deliver>;

	// What one look at the port, or the mailbox, holds.
	struct Batch {
		std::vector<pendshare_event> events;
		bool pend_back = false; // PEND is to be issued anew
		bool over = false;
	};

	void run();
	void fetch(Batch &batch);
	void read(const OVERLAPPED &packet, Batch &batch) const;
	void post(Batch &batch);
	bool pendAgain();

	const Napi::Env env_;
	std::shared_ptr<DeviceFile> file_;
	const std::shared_ptr<Events> events_;
	std::thread thread_;
	// Released by the thread as its last act: a release from the function's own callback hangs
	// Node at exit.
	Doorbell doorbell_;
	Pend pend_;

	std::mutex mutex_; // all below
	std::condition_variable room_;
	Batch mailbox_;
	bool full_ = false;
	bool stopping_ = false;
};
