// SPDX-License-Identifier: MIT
// The floor of the doorbell row: the least that waking JavaScript can cost. A thread stamps the time and writes an
// eventfd; the event loop polls that eventfd and calls JavaScript at once. No driver, no queue, no promise.
#include <atomic>
#include <ctime>
#include <node_api.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <uv.h>

namespace
{

struct Floor {
	napi_env env;
	napi_ref callback;
	uv_poll_t poll;
	int event;
	std::atomic<uint64_t> stamp{0};
	std::atomic<bool> stop{false};
	std::thread thread;
};

uint64_t nowNs()
{
	timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

void ring(Floor *floor, uint64_t periodNs)
{
	for (uint64_t next = nowNs() + periodNs; !floor->stop; next += periodNs) {
		const timespec until = {static_cast<time_t>(next / 1000000000u), static_cast<long>(next % 1000000000u)};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
		const uint64_t one = 1;
		floor->stamp = nowNs();
		if (write(floor->event, &one, sizeof(one)) < 0)
			return;
	}
}

void readable(uv_poll_t *poll, int, int)
{
	Floor *floor = static_cast<Floor *>(poll->data);
	uint64_t rings;
	if (read(floor->event, &rings, sizeof(rings)) != sizeof(rings))
		return;
	napi_handle_scope scope;
	napi_value callback, receiver, stamp;
	napi_open_handle_scope(floor->env, &scope);
	napi_get_reference_value(floor->env, floor->callback, &callback);
	napi_get_global(floor->env, &receiver);
	napi_create_double(floor->env, static_cast<double>(floor->stamp.load()), &stamp);
	napi_make_callback(floor->env, nullptr, receiver, callback, 1, &stamp, nullptr);
	napi_close_handle_scope(floor->env, scope);
}

napi_value stopFloor(napi_env env, napi_callback_info info)
{
	void *data;
	napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
	Floor *floor = static_cast<Floor *>(data);
	floor->stop = true;
	floor->thread.join();
	uv_close(reinterpret_cast<uv_handle_t *>(&floor->poll), [](uv_handle_t *handle) {
		Floor *gone = static_cast<Floor *>(handle->data);
		close(gone->event);
		napi_delete_reference(gone->env, gone->callback);
		delete gone;
	});
	return nullptr;
}

// (periodNs, callback(stampNs)) → stop()
napi_value startFloor(napi_env env, napi_callback_info info)
{
	napi_value arguments[2], stop;
	size_t count = 2;
	double periodNs;
	uv_loop_t *loop;
	Floor *floor = new Floor;

	napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
	napi_get_value_double(env, arguments[0], &periodNs);
	napi_create_reference(env, arguments[1], 1, &floor->callback);
	napi_get_uv_event_loop(env, &loop);
	floor->env = env;
	floor->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	uv_poll_init(loop, &floor->poll, floor->event);
	floor->poll.data = floor;
	uv_poll_start(&floor->poll, UV_READABLE, readable);
	floor->thread = std::thread(ring, floor, static_cast<uint64_t>(periodNs));
	napi_create_function(env, "stop", NAPI_AUTO_LENGTH, stopFloor, floor, &stop);
	return stop;
}

} // namespace

NAPI_MODULE_INIT()
{
	napi_value start;
	napi_create_function(env, "start", NAPI_AUTO_LENGTH, startFloor, nullptr, &start);
	napi_set_named_property(env, exports, "start", start);
	return exports;
}
