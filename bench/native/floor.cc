// SPDX-License-Identifier: MIT
// The floor of the doorbell rows: the least that waking JavaScript can cost. A thread stamps the time and writes an
// eventfd; the event loop polls that eventfd and calls JavaScript at once. No driver, no queue, no promise.
#include <atomic>
#include <ctime>
#include <node_api.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <uv.h>
#include <vector>

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

// Many eventfds, each polled by the event loop, and a thread that writes each once.
struct Many {
	struct One {
		uv_poll_t poll;
		Many *many;
		int event;
	};

	napi_env env;
	napi_ref callback;
	std::vector<One> ones;
	size_t open;
	std::thread thread;
};

void oneReadable(uv_poll_t *poll, int, int)
{
	Many::One *one = static_cast<Many::One *>(poll->data);
	Many *many = one->many;
	uint64_t rings;
	if (read(one->event, &rings, sizeof(rings)) != sizeof(rings))
		return;
	napi_handle_scope scope;
	napi_value callback, receiver;
	napi_open_handle_scope(many->env, &scope);
	napi_get_reference_value(many->env, many->callback, &callback);
	napi_get_global(many->env, &receiver);
	napi_make_callback(many->env, nullptr, receiver, callback, 0, nullptr, nullptr);
	napi_close_handle_scope(many->env, scope);
}

napi_value closeMany(napi_env env, napi_callback_info info)
{
	void *data;
	napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
	Many *many = static_cast<Many *>(data);
	many->thread.join();
	for (Many::One &one : many->ones) {
		uv_close(reinterpret_cast<uv_handle_t *>(&one.poll), [](uv_handle_t *handle) {
			Many::One *gone = static_cast<Many::One *>(handle->data);
			close(gone->event);
			if (--gone->many->open == 0)
				delete gone->many;
		});
	}
	napi_delete_reference(env, many->callback);
	return nullptr;
}

napi_value ringMany(napi_env env, napi_callback_info info)
{
	void *data;
	napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
	Many *many = static_cast<Many *>(data);
	many->thread = std::thread([many] {
		const uint64_t one = 1;
		for (const Many::One &each : many->ones)
			if (write(each.event, &one, sizeof(one)) < 0)
				return;
	});
	return nullptr;
}

// (count, callback()) → { ring(), close() }, each to be called once
napi_value pollMany(napi_env env, napi_callback_info info)
{
	napi_value arguments[2], object, function;
	size_t argc = 2;
	uint32_t count;
	uv_loop_t *loop;
	Many *many = new Many;

	napi_get_cb_info(env, info, &argc, arguments, nullptr, nullptr);
	napi_get_value_uint32(env, arguments[0], &count);
	napi_create_reference(env, arguments[1], 1, &many->callback);
	napi_get_uv_event_loop(env, &loop);
	many->env = env;
	many->ones = std::vector<Many::One>(count);
	many->open = count;
	for (Many::One &one : many->ones) {
		one.many = many;
		one.event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		one.poll.data = &one;
		uv_poll_init(loop, &one.poll, one.event);
		uv_poll_start(&one.poll, UV_READABLE, oneReadable);
	}
	napi_create_object(env, &object);
	napi_create_function(env, "ring", NAPI_AUTO_LENGTH, ringMany, many, &function);
	napi_set_named_property(env, object, "ring", function);
	napi_create_function(env, "close", NAPI_AUTO_LENGTH, closeMany, many, &function);
	napi_set_named_property(env, object, "close", function);
	return object;
}

} // namespace

NAPI_MODULE_INIT()
{
	napi_value start;
	napi_create_function(env, "start", NAPI_AUTO_LENGTH, startFloor, nullptr, &start);
	napi_set_named_property(env, exports, "start", start);
	napi_create_function(env, "pollMany", NAPI_AUTO_LENGTH, pollMany, nullptr, &start);
	napi_set_named_property(env, exports, "pollMany", start);
	return exports;
}
