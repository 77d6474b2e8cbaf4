// Linux behind port.h: requests are ioctls, each from any thread, and answered in the call. A signal
// never shows: a call that one interrupted had no effect, so it is made again.
#include "port.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <unordered_map>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

namespace
{

template <typename Call> int uninterrupted(Call call)
{
	int result;
	do {
		result = call();
	} while (result < 0 && errno == EINTR);
	return result;
}

// Keeps pinned pages out of children made by fork(), which would copy each of them at once.
// Worth its cost, about 4 µs, for large shares only; child_process never copies the address space.
class HiddenFromFork
{
      public:
	HiddenFromFork(uint64_t address, uint64_t length)
	    : address_(reinterpret_cast<void *>(address)), length_(length)
	{
		madvise(address_, length_, MADV_DONTFORK);
	}
	~HiddenFromFork()
	{
		madvise(address_, length_, MADV_DOFORK);
	}
	HiddenFromFork(const HiddenFromFork &) = delete;
	HiddenFromFork &operator=(const HiddenFromFork &) = delete;

      private:
	void *const address_;
	const size_t length_;
};

class LinuxPort final : public Port
{
      public:
	explicit LinuxPort(int fd) : fd_(fd)
	{
	}

	~LinuxPort() override
	{
		::close(fd_); // Linux has closed it even where it says EINTR
	}

	Status info(pendshare_info &info) override
	{
		return call(PENDSHARE_IOC_INFO, info);
	}

	Status notify(uint64_t id) override
	{
		pendshare_notify request = {};
		request.id = id;
		return call(PENDSHARE_IOC_NOTIFY, request);
	}

	Status revoke(uint64_t grace_ms) override
	{
		pendshare_revoke request = {};
		request.grace_ms = grace_ms;
		return call(PENDSHARE_IOC_REVOKE, request);
	}

	Status shutdown() override
	{
		pendshare_shutdown request = {};
		return call(PENDSHARE_IOC_SHUTDOWN, request);
	}

	Status share(const pendshare_share &request) override
	{
		pendshare_share copy = request;
		return call(PENDSHARE_IOC_SHARE, copy);
	}

	std::function<Status()> prepare(const pendshare_share &request) override
	{
		// Before the request: its END may come before the answer.
		hidden_.try_emplace(request.id, request.address, request.length);
		return [this, request] {
			// Faults the pages in with the lock on the address space dropped now and
			// then, which a pin does not do. When it fails, SHARE will say why.
			madvise(reinterpret_cast<void *>(request.address), request.length,
				MADV_POPULATE_WRITE);
			return share(request);
		};
	}

	void forget(uint64_t id) override
	{
		if (!hidden_.empty())
			hidden_.erase(id);
	}

	Status end(uint64_t id, bool cancel, bool wait, pendshare_event &event) override
	{
		pendshare_end request = {};
		request.flags = wait ? 0 : PENDSHARE_END_NOWAIT;
		request.id = id;
		const Status status =
		    call(cancel ? PENDSHARE_IOC_CANCEL : PENDSHARE_IOC_RELEASE, request);
		event = request.event;
		return status;
	}

	bool fetch(Batch &batch, bool block) override
	{
		Status status;
		while ((status = pend(batch)) == EAGAIN && block) {
			pollfd file = {fd_, POLLIN, 0};
			uninterrupted([&] { return ::poll(&file, 1, -1); });
		}
		batch.over = status != 0 && status != EAGAIN;
		return !batch.over;
	}

	int descriptor() const override
	{
		return fd_;
	}

      private:
	template <typename Request> Status call(unsigned long code, Request &request) const
	{
		request.size = sizeof(request);
		return uninterrupted([&] { return ::ioctl(fd_, code, &request); }) < 0 ? errno : 0;
	}

	Status pend(Batch &batch) const
	{
		pendshare_pend request = {};
		request.events = reinterpret_cast<uintptr_t>(batch.events.data());
		request.capacity = Batch::kCapacity;
		const Status status = call(PENDSHARE_IOC_PEND, request);
		batch.count = status == 0 ? request.count : 0;
		return status;
	}

	const int fd_;
	// Large shares, by id; the event loop's.
	std::unordered_map<uint64_t, HiddenFromFork> hidden_;
};

} // namespace

const Status kClosed = ESHUTDOWN;

// To be polled, PEND has to answer EAGAIN when there is nothing to report.
Status openPort(const std::string &path, OpenOptions options, std::shared_ptr<Port> &port)
{
	const int flags = O_RDWR | O_CLOEXEC | (options.poll ? O_NONBLOCK : 0);
	const int fd = uninterrupted([&] { return ::open(path.c_str(), flags); });
	if (fd < 0)
		return errno;
	port = std::make_shared<LinuxPort>(fd);
	return 0;
}

Status statusOf(const std::error_code &error)
{
	return error.value();
}

const std::vector<NamedStatus> &namedStatuses()
{
#define NAMED(name) {#name, name}
	static const std::vector<NamedStatus> statuses = {
	    NAMED(EACCES), NAMED(EAGAIN),  NAMED(EALREADY),   NAMED(EBADF),	 NAMED(EDQUOT),
	    NAMED(E2BIG),  NAMED(EEXIST),  NAMED(EFAULT),     NAMED(EINTR),	 NAMED(EINVAL),
	    NAMED(EIO),	   NAMED(ENOBUFS), NAMED(ENODEV),     NAMED(ENOENT),	 NAMED(ENOMEM),
	    NAMED(ENOTTY), NAMED(ENXIO),   NAMED(EOPNOTSUPP), NAMED(EOVERFLOW), NAMED(EPERM),
	    NAMED(ESHUTDOWN),
	};
	return statuses;
}

uint64_t lockableBytes()
{
	rlimit limit = {};
	getrlimit(RLIMIT_MEMLOCK, &limit);
	return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

void enterWaiterThread()
{
	sigset_t all;
	sigfillset(&all); // signals are for Node's own threads
	pthread_sigmask(SIG_BLOCK, &all, nullptr);
	pthread_setname_np(pthread_self(), "pendshare");
}
