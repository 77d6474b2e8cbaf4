// Windows behind port.h: the packets of one completion port become events. A SHARE is pended from
// its first moment, so its answer is kPending, and the rest is told by PEND or by its completion.
#include "port.h"

#include <algorithm>
#include <unordered_map>
#include "file.h"

namespace
{

// Packets taken in one go. A SHARE's makes two events at most, PEND's as many as it has room for.
constexpr uint32_t kPackets = 128;
static_assert(Pend::kCapacity + 2 * (kPackets - 1) <= Batch::kCapacity);

Status toStatus(NTSTATUS status)
{
	return static_cast<Status>(status);
}

pendshare_event &add(Batch &batch, uint64_t id, uint32_t kind)
{
	pendshare_event &event = batch.events[batch.count++];
	event = {};
	event.id = id;
	event.kind = kind;
	return event;
}

// The completion of SHARE: its end, with the rings that no DOORBELL has told; or a refusal.
void addShareEnd(const Lease &lease, Batch &batch)
{
	const auto status = static_cast<uint32_t>(lease.overlapped.Internal);
	const uint64_t id = lease.request.id;
	if (!PENDSHARE_STATUS_IS_END(status)) {
		add(batch, id, kRefused).reason = status;
		return;
	}
	if (PENDSHARE_STATUS_RINGS(status) > 0)
		add(batch, id, PENDSHARE_EVENT_DOORBELL).value = PENDSHARE_STATUS_RINGS(status);
	pendshare_event &end = add(batch, id, PENDSHARE_EVENT_END);
	end.reason = PENDSHARE_STATUS_REASON(status);
	end.failure = PENDSHARE_STATUS_FAILURE(status);
	end.value = lease.overlapped.InternalHigh;
}

class WindowsPort final : public Port
{
      public:
	// The waiter has nothing to do at first: that it asks for PEND is the first thing it does.
	explicit WindowsPort(std::shared_ptr<DeviceFile> file) : file_(std::move(file))
	{
		file_->post(DeviceFile::Word::wake);
	}

	Status info(pendshare_info &info) override
	{
		return toStatus(file_->info(info));
	}

	Status notify(uint64_t id) override
	{
		return toStatus(file_->notify(id));
	}

	Status revoke(uint64_t grace_ms) override
	{
		return toStatus(file_->revoke(grace_ms));
	}

	Status shutdown() override
	{
		return toStatus(file_->shutdown());
	}

	Status share(const pendshare_share &request) override
	{
		const Status status = issue(keep(request));
		if (status != kPending)
			forget(request.id);
		return status;
	}

	std::function<Status()> prepare(const pendshare_share &request) override
	{
		Lease &lease = keep(request);
		lease.pooled = true;
		return [this, &lease] { return issue(lease); };
	}

	void forget(uint64_t id) override
	{
		leases_.erase(id);
	}

	// Where the driver could not be asked for want of memory, the I/O manager cancels this one
	// request.
	Status end(uint64_t id, bool cancel, bool, pendshare_event &) override
	{
		NTSTATUS status =
		    file_->end(cancel ? PENDSHARE_IOC_CANCEL : PENDSHARE_IOC_RELEASE, id);
		if (isShortage(status)) {
			const auto lease = leases_.find(id);
			const bool cancelled =
			    lease != leases_.end() && file_->cancel(lease->second);
			if (cancel && cancelled)
				status = STATUS_SUCCESS;
		}
		return toStatus(status);
	}

	// PEND before the others: what it tells of a share was told before the share's completion.
	// SHAREs can come back after PEND has said that it is over.
	bool fetch(Batch &batch, bool) override
	{
		OVERLAPPED_ENTRY packets[kPackets];
		const uint32_t count = file_->wait(packets, kPackets);
		for (uint32_t i = 0; i < count; i++) {
			if (packets[i].lpOverlapped == &pend_.overlapped)
				addTold(batch);
		}
		for (uint32_t i = 0; i < count; i++) {
			const OVERLAPPED *packet = packets[i].lpOverlapped;
			const auto word =
			    static_cast<DeviceFile::Word>(packets[i].lpCompletionKey);
			if (packet == &pend_.overlapped)
				continue;
			if (packet != nullptr)
				addShareEnd(*reinterpret_cast<const Lease *>(packet), batch);
			else if (word == DeviceFile::Word::barrier)
				add(batch, 0, kBarrier);
			else
				batch.again = true;
		}
		return !file_->sealed() || file_->pended() > 0;
	}

	// Packets come in the order of completion, if one thread has issued the requests: under Wine
	// too, where each comes back by the thread that issued it. But there a request that the
	// driver completes before its dispatch has returned comes back only then, so that the
	// completion of a SHARE can pass that of a PEND. PEND is issued in this thread, and the call
	// returns after that: by now its block and its packet have been written.
	bool overtook(const Batch &batch, uint64_t id) override
	{
		const bool answered = !batch.again && HasOverlappedIoCompleted(&pend_.overlapped);
		return (leases_[id].pooled || answered) && file_->post(DeviceFile::Word::barrier);
	}

	// For want of memory it is tried in the next turn of the event loop.
	bool pendAgain() override
	{
		const NTSTATUS status = file_->pend(pend_);
		if (isShortage(status))
			file_->post(DeviceFile::Word::wake);
		return !NT_ERROR(status) || isShortage(status);
	}

	void seal() override
	{
		file_->seal();
	}

      private:
	// The nodes of a map stay in place, and the kernel writes into them.
	Lease &keep(const pendshare_share &request)
	{
		Lease &lease = leases_[request.id];
		lease.request = request;
		lease.memory = reinterpret_cast<void *>(request.address);
		// device.info.maxBytes is below 4 GiB
		lease.length = static_cast<uint32_t>(request.length);
		lease.request.address = lease.request.length = 0;
		if (request.more != 0) {
			const auto *options = reinterpret_cast<const uint8_t *>(request.more);
			lease.request.more = sizeof(lease.request);
			lease.long_input.resize(sizeof(lease.request));
			lease.long_input.insert(lease.long_input.end(), options,
						options + request.options_size);
		}
		return lease;
	}

	// Anything but an error: the packet will come.
	Status issue(Lease &lease)
	{
		const NTSTATUS status = file_->share(lease);
		return NT_ERROR(status) ? toStatus(status) : kPending;
	}

	// The completion of PEND.
	void addTold(Batch &batch) const
	{
		const auto status = static_cast<NTSTATUS>(pend_.overlapped.Internal);
		const auto told = pend_.overlapped.InternalHigh / sizeof(pendshare_event);
		batch.over = NT_ERROR(status) && !isShortage(status);
		batch.again = !batch.over;
		std::copy_n(pend_.events, told, batch.events.begin() + batch.count);
		batch.count += static_cast<uint32_t>(told);
	}

	const std::shared_ptr<DeviceFile> file_;
	Pend pend_;
	std::unordered_map<uint64_t, Lease> leases_; // by id; the event loop's
};

} // namespace

const Status kClosed = toStatus(STATUS_PIPE_CLOSING);

Status openPort(const std::string &path, OpenOptions options, std::shared_ptr<Port> &port)
{
	std::shared_ptr<DeviceFile> file;
	const DWORD error = DeviceFile::open(path, options.administrator, file);
	if (error == ERROR_SUCCESS)
		port = std::make_shared<WindowsPort>(std::move(file));
	return error;
}

// Of threads alone, whose library tells an errno.
Status statusOf(const std::error_code &)
{
	return toStatus(STATUS_NO_MEMORY);
}

const std::vector<NamedStatus> &namedStatuses()
{
#define NAMED(name) {#name, static_cast<Status>(name)}
	static const std::vector<NamedStatus> statuses = {
	    NAMED(STATUS_ACCESS_DENIED),
	    NAMED(STATUS_ACCESS_VIOLATION),
	    NAMED(STATUS_CANCELLED),
	    NAMED(STATUS_DEVICE_REMOVED),
	    NAMED(STATUS_INSUFFICIENT_RESOURCES),
	    NAMED(STATUS_INTEGER_OVERFLOW),
	    NAMED(STATUS_INVALID_DEVICE_REQUEST),
	    NAMED(STATUS_INVALID_HANDLE),
	    NAMED(STATUS_INVALID_OWNER),
	    NAMED(STATUS_INVALID_PARAMETER),
	    NAMED(STATUS_NO_MEMORY),
	    NAMED(STATUS_NOT_FOUND),
	    NAMED(STATUS_NOT_SUPPORTED),
	    NAMED(STATUS_OBJECT_NAME_COLLISION),
	    NAMED(STATUS_PIPE_CLOSING),
	    NAMED(STATUS_QUOTA_EXCEEDED),
	    NAMED(STATUS_REQUEST_NOT_ACCEPTED),
	    NAMED(STATUS_WORKING_SET_QUOTA),
	    NAMED(ERROR_ACCESS_DENIED),
	    NAMED(ERROR_FILE_NOT_FOUND),
	    NAMED(ERROR_PATH_NOT_FOUND),
	};
	return statuses;
}

// Windows bounds what can be locked in all, and no limit of a process that could be told.
uint64_t lockableBytes()
{
	return UINT64_MAX;
}

// There are no signals to keep away, and names of threads are not in every C library for Windows.
void enterWaiterThread()
{
}
