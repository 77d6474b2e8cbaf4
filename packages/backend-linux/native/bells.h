// The owner's side of the bells of an open file, and which share has which place in them. On the
// event loop's thread only.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>
#include <pendshare/bells.h>
#include "port.h"

class Bells
{
      public:
	// Events that take() adds at most.
	static constexpr uint32_t kMost = PENDSHARE_BELLS;

	// nullptr: the driver has none, or no memory for them, and PEND tells all.
	static std::unique_ptr<Bells> of(int fd)
	{
		const size_t length = sysconf(_SC_PAGESIZE);
		void *page = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (page == MAP_FAILED)
			return nullptr;
		return std::unique_ptr<Bells>(new Bells(page, length));
	}

	~Bells()
	{
		munmap(owner_.shared, length_);
	}
	Bells(const Bells &) = delete;
	Bells &operator=(const Bells &) = delete;

	// Gives a share that can ring a place while there is one. Who gets none is told by PEND.
	void assign(pendshare_share &request)
	{
		if (request.peer[0] == '\0')
			return;
		uint64_t *const free = std::find(ids_.data(), ids_.data() + used_, uint64_t{0});
		const auto place = static_cast<uint32_t>(free - ids_.data());
		if (place == PENDSHARE_BELLS)
			return;
		used_ = std::max(used_, place + 1);
		*free = request.id;
		request.flags |= PENDSHARE_SHARE_BELL;
		request.bell = place;
	}

	// The share rings no more, and what it rang and nobody took is void: the next one begins at
	// its count.
	void giveBack(uint64_t id)
	{
		uint64_t *const end = ids_.data() + used_;
		uint64_t *const found = std::find(ids_.data(), end, id);
		if (found == end)
			return;
		*found = 0;
		const auto place = static_cast<uint32_t>(found - ids_.data());
		owner_.told[place] = pendshare_load_acquire(&owner_.shared->rings[place]);
		while (used_ > 0 && ids_[used_ - 1] == 0)
			used_--;
	}

	void take(Batch &batch)
	{
		for (uint32_t left = pendshare_bells_waiting(&owner_); left > 0; left--) {
			uint32_t place;
			const uint32_t rings = pendshare_bells_take(&owner_, &place);
			if (rings == 0 || ids_[place] == 0)
				continue;
			pendshare_event &event = batch.events[batch.count++];
			event = {};
			event.id = ids_[place];
			event.kind = PENDSHARE_EVENT_DOORBELL;
			event.value = rings;
		}
	}

      private:
	Bells(void *page, size_t length) : length_(length)
	{
		owner_.shared = static_cast<pendshare_bells *>(page);
	}

	const size_t length_;
	pendshare_bells_owner owner_ = {};
	// 0: the place is free. All from used_ on are.
	std::array<uint64_t, PENDSHARE_BELLS> ids_ = {};
	uint32_t used_ = 0;
};
