// Issues the requests of abi.h. NtDeviceIoControlFile, because abi.h speaks of NTSTATUS, of which
// Win32 folds several into one error; its APC context is what the port's packet will carry,
// and without one there is no packet (hEvent | 1 in Win32's words).
#include "file.h"

#include <cstring>

static constexpr uintptr_t kPageBytes = 4096;

static IO_STATUS_BLOCK *statusOf(OVERLAPPED &overlapped)
{
	// An OVERLAPPED starts with it: Internal and InternalHigh.
	return reinterpret_cast<IO_STATUS_BLOCK *>(&overlapped);
}

// Only private pages are lent: those of a section are other processes' too, and a file's are the
// file's. What the kernel cannot lock at all it says itself.
static NTSTATUS inspect(const void *memory, size_t length, bool &readonly)
{
	auto *at = static_cast<const char *>(memory);
	auto *const end = at + length;

	readonly = length > 0;
	while (at < end) {
		MEMORY_BASIC_INFORMATION pages;
		if (VirtualQuery(at, &pages, sizeof(pages)) == 0 || pages.State != MEM_COMMIT)
			return STATUS_ACCESS_VIOLATION;
		if (pages.Type != MEM_PRIVATE)
			return STATUS_NOT_SUPPORTED;
		readonly = readonly && pages.Protect == PAGE_READONLY;
		at = static_cast<const char *>(pages.BaseAddress) + pages.RegionSize;
	}
	return STATUS_SUCCESS;
}

static std::wstring widen(const std::string &text)
{
	const int bytes = static_cast<int>(text.size());
	std::wstring wide(text.size(), L'\0'); // UTF-16 has no more units than UTF-8
	wide.resize(MultiByteToWideChar(CP_UTF8, 0, text.data(), bytes, wide.data(), bytes));
	return wide;
}

DWORD DeviceFile::open(const std::string &path, bool administrator,
		       std::shared_ptr<DeviceFile> &file)
{
	const DWORD access = GENERIC_READ | GENERIC_WRITE | (administrator ? WRITE_DAC : 0);
	Handle device(CreateFileW(widen(path).c_str(), access, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr,
				  OPEN_EXISTING, FILE_FLAG_OVERLAPPED, nullptr));
	if (device.get() == INVALID_HANDLE_VALUE) {
		device.release();
		return GetLastError();
	}
	// Bound before the first request, so that none belongs to the thread that issues it.
	Handle port(CreateIoCompletionPort(device.get(), nullptr, 0, 1));
	Handle answered(CreateEventW(nullptr, TRUE, FALSE, nullptr));
	if (!port || !answered)
		return GetLastError();
	file.reset(new DeviceFile(device.release(), port.release(), answered.release()));
	return ERROR_SUCCESS;
}

NTSTATUS DeviceFile::call(uint32_t code, void *arguments, uint32_t size) const
{
	IO_STATUS_BLOCK answer = {};
	const NTSTATUS status =
	    NtDeviceIoControlFile(device_.get(), answered_.get(), nullptr, nullptr, &answer, code,
				  arguments, size, arguments, size);
	if (status != STATUS_PENDING)
		return status;
	// The driver answers these without waiting for anyone.
	WaitForSingleObject(answered_.get(), INFINITE);
	return answer.Status;
}

NTSTATUS DeviceFile::info(pendshare_info &info) const
{
	info = {};
	info.size = sizeof(info);
	return call(PENDSHARE_IOC_INFO, &info, sizeof(info));
}

NTSTATUS DeviceFile::end(uint32_t how, uint64_t id) const
{
	pendshare_end request = {};
	request.size = sizeof(request);
	request.id = id;
	return call(how, &request, sizeof(request));
}

NTSTATUS DeviceFile::notify(uint64_t id) const
{
	pendshare_notify request = {};
	request.size = sizeof(request);
	request.id = id;
	return call(PENDSHARE_IOC_NOTIFY, &request, sizeof(request));
}

NTSTATUS DeviceFile::shutdown() const
{
	pendshare_shutdown request = {};
	request.size = sizeof(request);
	NTSTATUS status;
	// Whoever closes waits for what this ends, so it is not given up for want of memory.
	while (isShortage(status = call(PENDSHARE_IOC_SHUTDOWN, &request, sizeof(request))))
		Sleep(1);
	return status;
}

NTSTATUS DeviceFile::revoke(uint64_t grace_ms) const
{
	pendshare_revoke request = {};
	request.size = sizeof(request);
	request.grace_ms = grace_ms;
	return call(PENDSHARE_IOC_REVOKE, &request, sizeof(request));
}

NTSTATUS DeviceFile::begin(uint32_t code, OVERLAPPED &overlapped, void *arguments, uint32_t size,
			   void *output, uint32_t length)
{
	NTSTATUS status = STATUS_PIPE_CLOSING;

	overlapped = {};
	overlapped.Internal = static_cast<ULONG_PTR>(STATUS_PENDING); // until it is answered
	// Counted first. The packet can be there before the call returns; and either this sees the
	// seal, or whoever has sealed the file sees the count.
	pended_++;
	if (!sealed_)
		status = NtDeviceIoControlFile(device_.get(), nullptr, nullptr, &overlapped,
					       statusOf(overlapped), code, arguments, size, output,
					       length);
	if (NT_ERROR(status)) {
		pended_--;
		if (sealed_)
			post(Word::wake);
	}
	return status;
}

NTSTATUS DeviceFile::pend(Pend &pend)
{
	pend.request = {};
	pend.request.size = sizeof(pend.request);
	pend.request.capacity = Pend::kCapacity;
	return begin(PENDSHARE_IOC_PEND, pend.overlapped, &pend.request, sizeof(pend.request),
		     pend.events, sizeof(pend.events));
}

// The memory is the output buffer: the I/O manager locks its pages until the request completes.
// Read-only pages cannot be locked for writing, so they go by the code that locks them for
// reading. Writable ones never do, whatever the access: after a copy on write the kernel would be
// left with the old page.
NTSTATUS DeviceFile::share(Lease &lease)
{
	bool readonly;
	if (reinterpret_cast<uintptr_t>(lease.memory) % kPageBytes != 0)
		return STATUS_INVALID_PARAMETER;
	const NTSTATUS status = inspect(lease.memory, lease.length, readonly);
	if (NT_ERROR(status))
		return status;
	lease.request.size = sizeof(lease.request);
	const ULONG code = readonly && lease.request.access == PENDSHARE_ACCESS_READ
			       ? PENDSHARE_IOC_SHARE_READONLY
			       : PENDSHARE_IOC_SHARE;
	if (lease.long_input.empty())
		return begin(code, lease.overlapped, &lease.request, sizeof(lease.request),
			     lease.memory, lease.length);
	std::memcpy(lease.long_input.data(), &lease.request, sizeof(lease.request));
	return begin(code, lease.overlapped, lease.long_input.data(),
		     static_cast<uint32_t>(lease.long_input.size()), lease.memory, lease.length);
}

bool DeviceFile::cancel(Lease &lease) const
{
	return CancelIoEx(device_.get(), &lease.overlapped);
}

uint32_t DeviceFile::wait(OVERLAPPED_ENTRY *packets, uint32_t capacity)
{
	ULONG count = 0;
	// It fails only for a port that is closed, which its owner is not.
	GetQueuedCompletionStatusEx(port_.get(), packets, capacity, &count, INFINITE, FALSE);
	for (ULONG i = 0; i < count; i++)
		pended_ -= packets[i].lpOverlapped != nullptr;
	return count;
}

void DeviceFile::seal()
{
	sealed_ = true;
	post(Word::wake);
}

bool DeviceFile::post(Word word)
{
	return PostQueuedCompletionStatus(port_.get(), 0, static_cast<ULONG_PTR>(word), nullptr);
}
