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

	// `port` is what it came from.
	void put(const Batch &batch, Port &port)
	{
		double *slot = slots_;
		for (uint32_t i = 0; i < batch.count; i++, slot += kFields) {
			const pendshare_event &event = batch.events[i];
			const bool end = event.kind == PENDSHARE_EVENT_END;
			write(slot, event);
			if (end && port.overtook(batch, event.id))
				slot[1] = kLateEnd;
			if (end || event.kind == kRefused)
				port.forget(event.id);
		}
	}

	// The END that a call has brought, or none: its kind is 0 then.
	void putEnd(const pendshare_event &event, Port &port)
	{
		write(slots_, event);
		if (event.kind == PENDSHARE_EVENT_END)
			port.forget(event.id);
	}

      private:
	static void write(double *slot, const pendshare_event &event)
	{
		slot[0] = static_cast<double>(event.id);
		slot[1] = event.kind;
		slot[2] = event.reason;
		slot[3] = static_cast<double>(event.value);
		slot[4] = event.failure;
	}

	Napi::Reference<Napi::Float64Array> reference_;
	double *const slots_;
};
