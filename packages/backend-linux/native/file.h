// The open device file: one method for each request of abi.h, returning 0 or an errno. Usable from
// any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <pendshare/abi.h>

class DeviceFile
{
      public:
	// nonblocking: PEND answers EAGAIN when there is nothing to report.
	static int open(const char *path, bool nonblocking, std::shared_ptr<DeviceFile> &file);

	// The last owner closes. The file must be shut down before it is closed while a thread is
	// in pend(): the kernel releases it only when no call is inside.
	~DeviceFile();

	DeviceFile(const DeviceFile &) = delete;
	DeviceFile &operator=(const DeviceFile &) = delete;

	int info(pendshare_info &info) const;
	int share(pendshare_share &request) const;
	int pend(pendshare_event *events, uint32_t capacity, uint32_t &count) const;
	int end(unsigned long how, uint64_t id, uint32_t flags, pendshare_event &event) const;
	int notify(uint64_t id) const;
	int shutdown() const;
	int revoke(uint64_t grace_ms) const;

	// Blocks until pend() would not answer EAGAIN.
	void await() const;

	int descriptor() const
	{
		return fd_;
	}

      private:
	explicit DeviceFile(int fd) : fd_(fd)
	{
	}

	int call(unsigned long request, void *argument) const;

	const int fd_;
};
