// SPDX-License-Identifier: MIT
// Lends memory of this process to the driver and takes it back, without JavaScript in between: what the cycle costs in C
// on the very memory that JavaScript lends.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <node_api.h>
#include <pendshare/abi.h>
#include <pendshare/bells.h>
#include <pendshare/ring.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace
{

double nowUs()
{
	timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

bool cycle(int device, void *address, size_t length, uint64_t id)
{
	pendshare_share share = {};
	share.size = sizeof(share);
	share.id = id;
	share.address = reinterpret_cast<uintptr_t>(address);
	share.length = length;
	share.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE;
	pendshare_end end = {};
	end.size = sizeof(end);
	end.id = id;
	return ioctl(device, PENDSHARE_IOC_SHARE, &share) == 0 && ioctl(device, PENDSHARE_IOC_RELEASE, &end) == 0;
}

// (view, ms) → microseconds a cycle, over at least that long and three cycles
napi_value measure(napi_env env, napi_callback_info info)
{
	napi_value arguments[2], result;
	size_t count = 2, length;
	napi_typedarray_type type;
	void *address;
	double ms;

	napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
	napi_get_typedarray_info(env, arguments[0], &type, &length, &address, nullptr, nullptr);
	napi_get_value_double(env, arguments[1], &ms);
	const int device = open(PENDSHARE_DEVICE_PATH, O_RDWR | O_CLOEXEC);
	const double start = nowUs();
	uint64_t cycles = 0;
	bool done = device >= 0;
	while (done && (cycles < 3 || nowUs() - start < ms * 1000))
		done = cycle(device, address, length, ++cycles);
	const double us = (nowUs() - start) / static_cast<double>(cycles);
	const int error = errno;
	close(device);
	if (!done) {
		napi_throw_error(env, nullptr, strerror(error));
		return nullptr;
	}
	napi_create_double(env, us, &result);
	return result;
}

// From time stamp to record of so many rings of `clock`, in µs; the first half is not counted.
bool waitForRings(int device, void *address, size_t length, uint64_t periodNs, size_t count, std::vector<double> &us)
{
	void *page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
	if (page == MAP_FAILED)
		return false;
	pendshare_bells_owner bells = {};
	bells.shared = static_cast<pendshare_bells *>(page);
	pendshare_clock_options clock = {};
	clock.period_ns = periodNs;
	pendshare_share share = {};
	share.size = sizeof(share);
	share.flags = PENDSHARE_SHARE_BELL;
	share.id = 1;
	share.address = reinterpret_cast<uintptr_t>(address);
	share.length = length;
	share.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE;
	share.options_size = sizeof(clock);
	memcpy(share.options, &clock, sizeof(clock));
	strcpy(share.peer, "clock");
	if (ioctl(device, PENDSHARE_IOC_SHARE, &share) != 0)
		return false;
	pendshare_ring_consumer ring;
	pendshare_ring_consumer_init(&ring, address, pendshare_ring_capacity(length));
	for (size_t seen = 0; seen < count;) {
		pollfd file = {device, POLLPRI, 0};
		if (pendshare_ring_sleep(&ring))
			poll(&file, 1, -1);
		uint32_t place;
		for (uint32_t left = pendshare_bells_waiting(&bells); left > 0; left--)
			pendshare_bells_take(&bells, &place);
		const double now = nowUs();
		pendshare_ring_record record;
		const void *payload;
		for (; pendshare_ring_peek(&ring, &record, &payload) == PENDSHARE_RING_OK; seen++) {
			const double stamp = static_cast<double>(static_cast<const uint64_t *>(payload)[1]) / 1e3;
			if (seen >= count / 2)
				us.push_back(now - stamp);
			pendshare_ring_advance(&ring, &record);
		}
		pendshare_ring_release(&ring);
	}
	munmap(page, 4096);
	return true;
}

// (view, periodNs, count) → their median
napi_value rings(napi_env env, napi_callback_info info)
{
	napi_value arguments[3], result;
	size_t argc = 3, length;
	napi_typedarray_type type;
	void *address;
	int64_t periodNs, count;
	std::vector<double> us;

	napi_get_cb_info(env, info, &argc, arguments, nullptr, nullptr);
	napi_get_typedarray_info(env, arguments[0], &type, &length, &address, nullptr, nullptr);
	napi_get_value_int64(env, arguments[1], &periodNs);
	napi_get_value_int64(env, arguments[2], &count);
	const int device = open(PENDSHARE_DEVICE_PATH, O_RDWR | O_CLOEXEC);
	const bool done = device >= 0 && waitForRings(device, address, length, periodNs, count, us);
	const int error = errno;
	close(device);
	if (!done || us.empty()) {
		napi_throw_error(env, nullptr, strerror(error));
		return nullptr;
	}
	std::nth_element(us.begin(), us.begin() + us.size() / 2, us.end());
	napi_create_double(env, us[us.size() / 2], &result);
	return result;
}

// (view, huge): makes its memory anew, of huge pages or of none
napi_value renew(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	size_t count = 2, length;
	napi_typedarray_type type;
	void *address;
	bool huge;

	napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
	napi_get_typedarray_info(env, arguments[0], &type, &length, &address, nullptr, nullptr);
	napi_get_value_bool(env, arguments[1], &huge);
	if (madvise(address, length, MADV_DONTNEED) != 0 ||
	    madvise(address, length, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) != 0)
		napi_throw_error(env, nullptr, strerror(errno));
	return nullptr;
}

// () → undefined: what a call into an addon costs by itself
napi_value nothing(napi_env, napi_callback_info)
{
	return nullptr;
}

} // namespace

NAPI_MODULE_INIT()
{
	napi_value function;
	napi_create_function(env, "measure", NAPI_AUTO_LENGTH, measure, nullptr, &function);
	napi_set_named_property(env, exports, "measure", function);
	napi_create_function(env, "renew", NAPI_AUTO_LENGTH, renew, nullptr, &function);
	napi_set_named_property(env, exports, "renew", function);
	napi_create_function(env, "rings", NAPI_AUTO_LENGTH, rings, nullptr, &function);
	napi_set_named_property(env, exports, "rings", function);
	napi_create_function(env, "nothing", NAPI_AUTO_LENGTH, nothing, nullptr, &function);
	napi_set_named_property(env, exports, "nothing", function);
	return exports;
}
