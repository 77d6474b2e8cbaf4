// The array through which JavaScript reads events.
#pragma once

#include <cstdint>
#include <napi.h>
#include "port.h"

// Written and read on the event loop's thread only. A double holds every id and byte count exactly
// (2^53). An event costs 10 ns from here to a JavaScript object; made through Node-API the object
// alone costs 500.
class Events
{
      public:
	static constexpr uint32_t kFields = 5; // id, kind, reason, value, failure

	// Room for Batch::kCapacity events.
	explicit Events(Napi::Float64Array slots)
	    : reference_(Napi::Persistent(slots)), slots_(slots.Data())
	{
	}

	// `port` is what they came from.
	void put(const pendshare_event *events, uint32_t count, Port &port)
	{
		double *slot = slots_;
		for (uint32_t i = 0; i < count; i++, slot += kFields) {
			slot[0] = static_cast<double>(events[i].id);
			slot[1] = events[i].kind;
			slot[2] = events[i].reason;
			slot[3] = static_cast<double>(events[i].value);
			slot[4] = events[i].failure;
			if (events[i].kind == PENDSHARE_EVENT_END || events[i].kind == kRefused)
				port.forget(events[i].id);
		}
	}

      private:
	Napi::Reference<Napi::Float64Array> reference_;
	double *const slots_;
};
