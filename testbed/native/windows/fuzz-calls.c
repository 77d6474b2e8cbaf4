// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libFuzzer on the dispatcher of pendshare.sys: the input is a program of requests, cancellations,
 * closes and ticks on two handles, and of bytes and frames that the owner writes into the memory that
 * he lent.
 *
 * The fake's rules and the sanitizers judge it, and at its end nothing may be left.
 */
#include "user.h"

#define HANDLES 2
#define REQUESTS 16
#define PAGES 4
#define SLOTS (PAGES - 1)

struct input {
	const unsigned char *bytes;
	size_t left;
};

static unsigned char take(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->bytes++;
}

static struct handle *handles[HANDLES];
static struct io *requests[REQUESTS];
static unsigned char outputs[REQUESTS][512];
static unsigned char *memory;
static struct fake_process *stranger;
static PKEVENT bell;

static const ULONG codes[] = {
	PENDSHARE_IOC_SHARE,	PENDSHARE_IOC_PEND,   PENDSHARE_IOC_RELEASE,
	PENDSHARE_IOC_NOTIFY,	PENDSHARE_IOC_CANCEL, PENDSHARE_IOC_INFO,
	PENDSHARE_IOC_SHUTDOWN, PENDSHARE_IOC_REVOKE, PENDSHARE_IOC_SHARE_READONLY,
};

/* A request that would be accepted, most of the time. */
static size_t good_arguments(struct input *input, ULONG code, unsigned char *to)
{
	static const char *const peers[] = { "",      "fill",	 "echo",    "clock",
					     "blast", "capture", "loopback" };
	struct pendshare_share share = user_share(1 + (take(input) & 3), peers[take(input) % 7],
						  1 + take(input) % 3);
	struct pendshare_pend pend = { .size = sizeof(pend), .capacity = 1 + (take(input) & 1) };
	struct pendshare_end end = { .size = sizeof(end), .id = share.id };
	struct pendshare_revoke revoke = { .size = sizeof(revoke), .grace_ms = take(input) & 3 };
	struct pendshare_info info = { .size = sizeof(info) };
	ULONG64 period = (take(input) & 3) * 1000000ull;

	if (share.peer[0] == 'f' || share.peer[0] == 'c')
		user_options(&share, &period, sizeof(period));
	if (!strcmp(share.peer, "capture") || !strcmp(share.peer, "loopback")) {
		share.access = BOTH;
		share.frame_count = SLOTS;
		share.frame_bytes = PAGE_SIZE;
	}
	share.deadline_ns = (take(input) & 1) * 5000000;
	if (take(input) & 1) {
		share.flags = PENDSHARE_SHARE_EVENT;
		share.event = (uintptr_t)bell;
	}
	switch ((code >> 2) & 0x7ff) {
	case PENDSHARE_NR_SHARE:
		memcpy(to, &share, sizeof(share));
		return sizeof(share);
	case PENDSHARE_NR_PEND:
		memcpy(to, &pend, sizeof(pend));
		return sizeof(pend);
	case PENDSHARE_NR_INFO:
		memcpy(to, &info, sizeof(info));
		return sizeof(info);
	case PENDSHARE_NR_RELEASE:
	case PENDSHARE_NR_CANCEL:
		memcpy(to, &end, sizeof(end));
		return sizeof(end);
	case PENDSHARE_NR_NOTIFY:
		memcpy(to, &end, sizeof(struct pendshare_notify));
		*(__u32 *)to = sizeof(struct pendshare_notify);
		return sizeof(struct pendshare_notify);
	default:
		memcpy(to, &revoke, sizeof(revoke));
		return sizeof(revoke);
	}
}

static void free_done(void)
{
	unsigned int i;

	for (i = 0; i < REQUESTS; i++) {
		if (!requests[i] || !fake_done(requests[i]))
			continue;
		fake_free(requests[i]);
		requests[i] = NULL;
	}
}

/* How much the caller has room for: what the request wants, or anything. */
static size_t room(struct input *input, ULONG code)
{
	unsigned char choice = take(input);

	if (code & 3)
		return choice & 8 ? (size_t)choice * 64 : (1 + (choice & 3)) * (size_t)PAGE_SIZE;
	return choice & 8 ? choice : sizeof(struct pendshare_info);
}

static void request(struct input *input)
{
	struct handle *handle = handles[take(input) % HANDLES];
	unsigned char choice = take(input);
	ULONG code = codes[choice % RTL_NUMBER_OF(codes)];
	unsigned char arguments[512] = { 0 };
	size_t length = good_arguments(input, code, arguments);
	unsigned int slot = 0;
	unsigned int spoil;

	while (slot < REQUESTS && requests[slot])
		slot++;
	if (!handle || slot == REQUESTS)
		return;
	for (spoil = take(input) & 3; spoil; spoil--)
		arguments[take(input) | (take(input) & 1) << 8] ^= take(input);
	if (choice & 0x80)
		length = take(input);
	if ((choice & 0x60) == 0x60)
		code ^= 1u << (take(input) & 31);
	if ((code & 3) == 3)
		return; /* METHOD_NEITHER: no code of the driver has it, and it has no buffers */
	requests[slot] = fake_start(handle, code, arguments, length,
				    code & 3 ? memory : outputs[slot], room(input, code));
}

/* Gives a frame, which he may not have, or whose slot there is not, or which is too long. */
static void give(struct input *input)
{
	struct pendshare_frames_shared *shared = (void *)memory;
	union pendshare_frame_entry *entries = (void *)(memory + PENDSHARE_FRAMES_QUEUES);
	ULONG length = pendshare_frames_entries(SLOTS);
	unsigned char choice = take(input);
	struct pendshare_frame frame = { .slot = choice & 3,
					 .bytes = (choice >> 2 & 7) * (PAGE_SIZE / 4),
					 .flags = choice >> 7 };

	pendshare_frame_store(&entries[length + (shared->to_kernel & (length - 1))], &frame);
	shared->to_kernel += choice >> 5 & 3;
}

static void act(struct input *input)
{
	unsigned int which;

	switch (take(input) & 15) {
	case 0:
		which = take(input) % REQUESTS;
		if (requests[which])
			fake_cancel(requests[which]);
		break;
	case 1:
		which = take(input) % HANDLES;
		if (handles[which])
			fake_close(handles[which]);
		handles[which] = NULL;
		break;
	case 2:
		which = take(input) % HANDLES;
		if (!handles[which])
			handles[which] = fake_open(take(input) & 3, NULL);
		break;
	case 3:
		fake_advance(take(input) * (FAKE_TICK_NS / 64));
		break;
	case 4:
		fake_settle();
		break;
	case 5:
		fake_process_exit(1 + (take(input) & 1) * 6);
		break;
	case 6:
		fake_process_enter(take(input) & 1 ? stranger : NULL);
		break;
	case 7:
		which = (take(input) | (take(input) << 8)) % (PAGES * PAGE_SIZE);
		memory[which] = take(input);
		break;
	case 8:
		give(input);
		break;
	default:
		request(input);
	}
	free_done();
}

static void end(void)
{
	unsigned int i;

	fake_process_enter(NULL);
	for (i = 0; i < HANDLES; i++) {
		if (handles[i])
			fake_close(handles[i]);
		handles[i] = NULL;
	}
	fake_settle();
	for (i = 0; i < REQUESTS; i++) {
		if (requests[i])
			fake_free(requests[i]);
		requests[i] = NULL;
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	memory = user_pages(PAGES);
	stranger = fake_process_new(7, 2);
	bell = fake_event_new();
	return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	struct input input = { bytes, size };

	memset(memory, 0, PAGES * PAGE_SIZE);
	fake_seed(1);
	fake_load(0);
	handles[0] = fake_open(0, NULL);
	while (input.left)
		act(&input);
	end();
	fake_unload();
	return 0;
}
