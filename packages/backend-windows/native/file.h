// The open device and its completion port: one method for each request of abi.h, returning an
// NTSTATUS. SHARE and PEND are pended, and come back through the port; the others are answered
// in the call, and send the port no packet.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>
#include "status.h"
#include <pendshare/abi.h>

// A handle that is closed by its owner.
struct HandleCloser {
	void operator()(void *handle) const
	{
		CloseHandle(handle);
	}
};
using Handle = std::unique_ptr<void, HandleCloser>;

// The system has no memory for a request; another try may find some.
inline bool isShortage(NTSTATUS status)
{
	return status == STATUS_INSUFFICIENT_RESOURCES || status == STATUS_NO_MEMORY;
}

// A SHARE on its way: it is the lease. Whoever makes it keeps it in place until its packet has
// come, for the kernel writes into it.
struct Lease {
	OVERLAPPED overlapped = {}; // first: a packet of the port names it
	pendshare_share request = {};
	void *memory = nullptr;
	uint32_t length = 0;
	bool pooled = false; // issued by a thread of the pool
	// The request and the options behind it, where these do not fit it.
	std::vector<uint8_t> long_input;
};

// The inverted call that is always outstanding.
struct Pend {
	static constexpr uint32_t kCapacity = 256;

	OVERLAPPED overlapped = {};
	pendshare_pend request = {};
	pendshare_event events[kCapacity];
};

class DeviceFile
{
      public:
	// `path` is UTF-8. administrator: with the right to revoke. Returns a Win32 error or 0.
	static DWORD open(const std::string &path, bool administrator,
			  std::shared_ptr<DeviceFile> &file);

	DeviceFile(const DeviceFile &) = delete;
	DeviceFile &operator=(const DeviceFile &) = delete;

	// From one thread at a time.
	NTSTATUS info(pendshare_info &info) const;
	NTSTATUS end(uint32_t how, uint64_t id) const;
	NTSTATUS notify(uint64_t id) const;
	NTSTATUS shutdown() const;
	NTSTATUS revoke(uint64_t grace_ms) const;

	// From any thread. Anything but an error: the packet will come.
	NTSTATUS share(Lease &lease);
	NTSTATUS pend(Pend &pend);

	// Asks the I/O manager to cancel this one request; false: it is not there any more.
	bool cancel(Lease &lease) const;

	// A packet of this process's own: its key.
	enum class Word : ULONG_PTR { request, wake, barrier };

	// Waits for packets; returns how many. One without an OVERLAPPED is a word.
	uint32_t wait(OVERLAPPED_ENTRY *packets, uint32_t capacity);
	// Behind the packets that are there. false: there was no memory for it.
	bool post(Word word);

	// From here on share() and pend() are refused. Once this has been called and wait() has
	// made pended() 0, nothing of this process is in the driver's hands, and nothing will be.
	void seal();

	bool sealed() const
	{
		return sealed_;
	}

	// Requests under way whose packet wait() has not returned yet.
	uint32_t pended() const
	{
		return pended_;
	}

      private:
	DeviceFile(HANDLE device, HANDLE port, HANDLE answered)
	    : device_(device), port_(port), answered_(answered)
	{
	}

	NTSTATUS call(uint32_t code, void *arguments, uint32_t size) const;
	NTSTATUS begin(uint32_t code, OVERLAPPED &overlapped, void *arguments, uint32_t size,
		       void *output, uint32_t length);

	const Handle device_;
	const Handle port_;
	const Handle answered_; // event of the short requests
	std::atomic<uint32_t> pended_{0};
	std::atomic<bool> sealed_{false};
};
