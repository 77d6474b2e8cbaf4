// The array through which JavaScript reads events, and what a share's end undoes in this process.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <napi.h>
#include <pendshare/abi.h>
#include "share.h"

// Written and read on the event loop's thread only. A double holds every id and byte count exactly
// (2^53). An event costs 10 ns from here to a JavaScript object; made through Node-API the object
// alone costs 500.
class Events
{
      public:
	static constexpr uint32_t kFields = 5; // id, kind, reason, value, failure

	explicit Events(Napi::Float64Array slots)
	    : reference_(Napi::Persistent(slots)), slots_(slots.Data()),
	      capacity_(slots.ElementLength() / kFields)
	{
	}

	uint32_t capacity() const
	{
		return capacity_;
	}

	void put(const pendshare_event *events, uint32_t count)
	{
		double *slot = slots_;
		for (uint32_t i = 0; i < count; i++, slot += kFields) {
			slot[0] = static_cast<double>(events[i].id);
			slot[1] = events[i].kind;
			slot[2] = events[i].reason;
			slot[3] = static_cast<double>(events[i].value);
			slot[4] = events[i].failure;
			if (events[i].kind == PENDSHARE_EVENT_END && !hidden_.empty())
				hidden_.erase(events[i].id);
		}
	}

	// Large shares, hidden from fork() until their END passes here.
	std::unordered_map<uint64_t, HiddenFromFork> hidden_;

      private:
	Napi::Reference<Napi::Float64Array> reference_;
	double *const slots_;
	const uint32_t capacity_;
};
