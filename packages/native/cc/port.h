// The operating system as an addon's shared sources see it. A backend implements what this file
// declares, and nothing of its own speaks Node-API.
//
// A request is one of abi.h, and its errors are those that stand there. Unless a slot says
// otherwise it is called on the event loop's thread, does not block, and leaves ownership where
// it is.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>
#include <pendshare/abi.h>

// The system's own number: an errno, or the bits of an NTSTATUS. 0: success.
using Status = uint32_t;

// Of SHARE: under way. An event will tell whether it was accepted. (STATUS_PENDING; no errno.)
inline constexpr Status kPending = 0x103;

// Kinds of events beside those of abi.h.
// SHARE was not accepted; reason: the status.
inline constexpr uint32_t kRefused = 0;
// An END to be told behind kBarrier, see Port::overtook(). One kBarrier comes for each, in order.
inline constexpr uint32_t kLateEnd = UINT32_MAX - 1;
inline constexpr uint32_t kBarrier = UINT32_MAX;

// Events on their way from fetch() to JavaScript.
struct Batch {
	static constexpr uint32_t kCapacity = 512;

	std::vector<pendshare_event> events{kCapacity}; // the first `count`
	uint32_t count = 0;
	bool over = false;  // the file was shut down, and PEND has told all
	bool again = false; // PEND has come back: the port wants pendAgain()

	void clear()
	{
		count = 0;
		over = again = false;
	}
};

// An open device. The last owner closes it, by its destructor, on any thread, once nobody is in
// a call and every share has ended or is the driver's to end.
class Port
{
      public:
	Port() = default;
	virtual ~Port() = default;
	Port(const Port &) = delete;
	Port &operator=(const Port &) = delete;

	virtual Status info(pendshare_info &info) = 0;
	virtual Status notify(uint64_t id) = 0;
	virtual Status revoke(uint64_t grace_ms) = 0;

	// SHUTDOWN. After it fetch() brings what is left, and then says that there is no more.
	virtual Status shutdown() = 0;

	// SHARE of the memory at address and length of `request`. 0: accepted; kPending: see there;
	// anything else: refused. Until forget() the port keeps what the driver may use of it. May
	// take as long as the driver takes to pin.
	virtual Status share(const pendshare_share &request) = 0;

	// The same for memory that may take longer than a turn of the event loop should: what is
	// returned does it, once, on a pool thread, with this port kept alive.
	virtual std::function<Status()> prepare(const pendshare_share &request) = 0;

	// On the pool thread, before that, for memory which was not lent in this way before: what
	// need not be done each time.
	virtual void makeReady(const pendshare_share &)
	{
	}

	// Its END was told; or an event, or what prepare() returned, has refused it. What share()
	// refuses itself the port has forgotten.
	virtual void forget(uint64_t id) = 0;

	// RELEASE or CANCEL. With `wait` it may block until the share has ended, and bring its END
	// in `event`, which is then told by nothing else. Otherwise event.kind is 0 and the END
	// comes through fetch().
	virtual Status end(uint64_t id, bool cancel, bool wait, pendshare_event &event) = 0;

	// Fills an empty batch with what is to be told. `block`: waits until there is something;
	// then it is called by the waiter's thread, beside any other slot, or by the event loop's
	// after shutdown(), when it waits for the shares to end. false: nothing will follow, ever,
	// and it is not called again.
	virtual bool fetch(Batch &batch, bool block) = 0;

	// Fills an empty batch with rings that need no request; there are some when descriptor() is
	// readable with priority. fetch() brings them too, before what else its shares tell.
	virtual void rung(Batch &)
	{
	}

	// For a batch that asks so, when JavaScript has taken it. false: no event will follow.
	virtual bool pendAgain()
	{
		return true;
	}

	// Of an END, when JavaScript takes its batch and before forget(): whether it may have
	// overtaken what the driver told before it. Then kBarrier will come behind all that.
	virtual bool overtook(const Batch &, uint64_t)
	{
		return false;
	}

	// A descriptor that is readable while there is something to fetch without blocking, for
	// the event loop to poll; -1: a thread has to wait.
	virtual int descriptor() const
	{
		return -1;
	}

	// After shutdown(), before the waiter's thread is joined: no request is issued any more,
	// and a fetch() that blocks returns in bounded time.
	virtual void seal()
	{
	}
};

// Free functions of the system.

struct OpenOptions {
	bool poll;	    // by the event loop; the port then needs a descriptor()
	bool administrator; // with the right to REVOKE, where that is asked for at opening
};

// `path` is UTF-8. 0, or why not: a status, or the number of the system's call that opens files.
Status openPort(const std::string &path, OpenOptions options, std::shared_ptr<Port> &port);

// What a closed device answers: ESHUTDOWN / PIPE_CLOSING of abi.h.
extern const Status kClosed;

// For what the C++ library could not do for want of something: start a thread, poll a descriptor.
Status statusOf(const std::error_code &error);

// By name, what abi.h and openPort() can answer.
struct NamedStatus {
	const char *name;
	Status status;
};
const std::vector<NamedStatus> &namedStatuses();

// Bytes that this process may lock; UINT64_MAX: the system sets no such limit.
uint64_t lockableBytes();

// The first thing that the waiter's thread does: shows its name, leaves signals to others.
void enterWaiterThread();
