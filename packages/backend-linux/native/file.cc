// Issues the requests of abi.h. A signal never shows: a call that one interrupted had no effect, so
// it is made again.
#include "file.h"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

} // namespace

int DeviceFile::open(const char *path, bool nonblocking, std::shared_ptr<DeviceFile> &file)
{
	const int flags = O_RDWR | O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0);
	const int fd = uninterrupted([=] { return ::open(path, flags); });
	if (fd < 0)
		return errno;
	file.reset(new DeviceFile(fd));
	return 0;
}

DeviceFile::~DeviceFile()
{
	::close(fd_); // Linux has closed it even where it says EINTR
}

int DeviceFile::call(unsigned long request, void *argument) const
{
	return uninterrupted([=] { return ::ioctl(fd_, request, argument); }) < 0 ? errno : 0;
}

int DeviceFile::info(pendshare_info &info) const
{
	info = {};
	info.size = sizeof(info);
	return call(PENDSHARE_IOC_INFO, &info);
}

int DeviceFile::share(pendshare_share &request) const
{
	request.size = sizeof(request);
	return call(PENDSHARE_IOC_SHARE, &request);
}

int DeviceFile::pend(pendshare_event *events, uint32_t capacity, uint32_t &count) const
{
	pendshare_pend request = {};
	request.size = sizeof(request);
	request.events = reinterpret_cast<uintptr_t>(events);
	request.capacity = capacity;
	const int error = call(PENDSHARE_IOC_PEND, &request);
	count = error == 0 ? request.count : 0;
	return error;
}

int DeviceFile::end(unsigned long how, uint64_t id, uint32_t flags, pendshare_event &event) const
{
	pendshare_end request = {};
	request.size = sizeof(request);
	request.flags = flags;
	request.id = id;
	const int error = call(how, &request);
	event = request.event;
	return error;
}

int DeviceFile::notify(uint64_t id) const
{
	pendshare_notify request = {};
	request.size = sizeof(request);
	request.id = id;
	return call(PENDSHARE_IOC_NOTIFY, &request);
}

int DeviceFile::shutdown() const
{
	pendshare_shutdown request = {};
	request.size = sizeof(request);
	return call(PENDSHARE_IOC_SHUTDOWN, &request);
}

int DeviceFile::revoke(uint64_t grace_ms) const
{
	pendshare_revoke request = {};
	request.size = sizeof(request);
	request.grace_ms = grace_ms;
	return call(PENDSHARE_IOC_REVOKE, &request);
}

void DeviceFile::await() const
{
	pollfd file = {fd_, POLLIN, 0};
	uninterrupted([&] { return ::poll(&file, 1, -1); });
}
