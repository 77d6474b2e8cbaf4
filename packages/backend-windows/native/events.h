// The array through which JavaScript reads events, and the leases that an event ends.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <napi.h>
#include "file.h"

// Beside the kinds of abi.h: SHARE was not accepted; reason: the NTSTATUS.
static constexpr uint32_t kRefused = 0;
// Every packet that the port held when barrier() was called has been told.
static constexpr uint32_t kBarrier = UINT32_MAX;

// Written and read on the event loop's thread only. A double holds every id and byte count exactly
// (2^53), and writing numbers here costs a tenth of building objects through Node-API.
class Events
{
      public:
	static constexpr uint32_t kCapacity = 512;
	static constexpr uint32_t kFields = 5; // id, kind, reason, value, failure

	explicit Events(Napi::Float64Array slots)
	    : reference_(Napi::Persistent(slots)), slots_(slots.Data())
	{
	}

	// At most kCapacity.
	void put(const pendshare_event *events, size_t count)
	{
		double *slot = slots_;
		for (size_t i = 0; i < count; i++, slot += kFields) {
			slot[0] = static_cast<double>(events[i].id);
			slot[1] = events[i].kind;
			slot[2] = events[i].reason;
			slot[3] = static_cast<double>(events[i].value);
			slot[4] = events[i].failure;
			if (events[i].kind == PENDSHARE_EVENT_END || events[i].kind == kRefused)
				leases_.erase(events[i].id);
		}
	}

	// By id, until the end has been put: the nodes of a map stay in place.
	std::unordered_map<uint64_t, Lease> leases_;

      private:
	Napi::Reference<Napi::Float64Array> reference_;
	double *const slots_;
};
