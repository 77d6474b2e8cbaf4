// Linux behind port.h: requests are ioctls, each from any thread, and answered in the call. A signal
// never shows: a call that one interrupted had no effect, so it is made again.
#include "port.h"
#include "bells.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

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

class LinuxPort final : public Port
{
      public:
	// With bells where a share's rings are to come by them and not by PEND.
	LinuxPort(int fd, bool bells) : fd_(fd), bells_(bells ? Bells::of(fd) : nullptr)
	{
	}

	~LinuxPort() override
	{
		bells_.reset();
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
		if (bells_)
			bells_->assign(copy);
		const Status status = call(PENDSHARE_IOC_SHARE, copy);
		if (status != 0 && bells_)
			bells_->giveBack(copy.id);
		return status;
	}

	std::function<Status()> prepare(const pendshare_share &request) override
	{
		pendshare_share copy = request;
		if (bells_)
			bells_->assign(copy);
		return [this, copy]() mutable { return call(PENDSHARE_IOC_SHARE, copy); };
	}

	// Faults the pages in with the lock on the address space dropped now and then, which a pin
	// does not do; when it fails, SHARE will say why. And keeps them out of children made by
	// fork(), which would copy each page that is pinned then: for good, as to undo and do it
	// again at each share costs more than the share. child_process never copies the address
	// space.
	void makeReady(const pendshare_share &request) override
	{
		void *const address = reinterpret_cast<void *>(request.address);
		madvise(address, request.length, MADV_DONTFORK);
		madvise(address, request.length, MADV_POPULATE_WRITE);
	}

	void forget(uint64_t id) override
	{
		if (bells_)
			bells_->giveBack(id);
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

	void rung(Batch &batch) override
	{
		if (bells_)
			bells_->take(batch);
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

	// What a share rang by its bell comes before what PEND tells of it: the bells are looked at
	// after PEND has answered, and what rang before its END has rung by then.
	Status pend(Batch &batch) const
	{
		const uint32_t first = bells_ ? Bells::kMost : 0;
		pendshare_event *events = batch.events.data() + first;
		pendshare_pend request = {};
		request.events = reinterpret_cast<uintptr_t>(events);
		request.capacity = Batch::kCapacity - first;
		const Status status = call(PENDSHARE_IOC_PEND, request);
		if (status != 0)
			return status;
		if (bells_)
			bells_->take(batch);
		std::copy_n(events, request.count, batch.events.data() + batch.count);
		batch.count += request.count;
		return 0;
	}

	const int fd_;
	std::unique_ptr<Bells> bells_;
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
	port = std::make_shared<LinuxPort>(fd, options.poll);
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
