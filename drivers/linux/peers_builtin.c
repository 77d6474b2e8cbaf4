// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drives the portable peers: short steps in the timer itself, long ones in a work item, and
 * endless ones in a thread of low priority. A peer has exactly one of these contexts, so its
 * steps never overlap; whichever it is, detach waits for it.
 */
#include <linux/delay.h>
#include <linux/freezer.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../common/peer.h"
#include "compat.h"
#include "internal.h"

/* How long a thread that has nothing to do sleeps, doubling from least to most. */
#define PS_LEAST_NAP_US 10
#define PS_MOST_NAP_US 1000

struct ps_builtin {
	struct ps_share *share;
	const struct pendshare_peer_logic *logic;
	u32 drive;
	struct hrtimer timer;
	struct work_struct work;
	struct task_struct *thread;
	atomic64_t ticks; /* not yet seen by a long step */
	struct pendshare_peer_state state;
};

/* The context of its peer. */
struct ps_builtin_peer {
	struct pendshare_peer_ops ops;
	const struct pendshare_peer_logic *logic;
	struct pendshare_peer *peer;
};

/* Freezable: a suspend need not wait for fills of large shares. */
static struct workqueue_struct *ps_step_queue;

/* One step and what it asks for. Returns whether there is more to do right away. */
static bool ps_step(struct ps_builtin *peer, u64 ticks)
{
	struct ps_share *share = peer->share;
	u32 result;

	if (pendshare_share_ending(share))
		return false;
	result = peer->logic->step(&peer->state, ktime_get_ns(), ticks);
	pendshare_share_written(share, peer->state.written);
	if (peer->state.period_ns)
		pendshare_share_missed(share, peer->state.missed);
	if (result & PENDSHARE_STEP_RING)
		pendshare_share_ring(share);
	if (result & PENDSHARE_STEP_FAIL)
		pendshare_share_fail(share, peer->logic->failure);
	else if (result & PENDSHARE_STEP_END)
		pendshare_share_end(share);
	return result & PENDSHARE_STEP_BUSY;
}

static void ps_step_work(struct work_struct *work)
{
	struct ps_builtin *peer = container_of(work, struct ps_builtin, work);
	u64 ticks = atomic64_xchg(&peer->ticks, 0);

	while (ps_step(peer, ticks)) {
		ticks = 0;
		cond_resched();
	}
}

static enum hrtimer_restart ps_tick(struct hrtimer *timer)
{
	struct ps_builtin *peer = container_of(timer, struct ps_builtin, timer);
	u64 ticks = hrtimer_forward_now(timer, ns_to_ktime(peer->state.period_ns));

	if (pendshare_share_ending(peer->share))
		return HRTIMER_NORESTART;
	if (peer->drive & PENDSHARE_DRIVE_LONG) {
		atomic64_add(ticks, &peer->ticks);
		queue_work(ps_step_queue, &peer->work);
	} else {
		ps_step(peer, ticks);
	}
	return HRTIMER_RESTART;
}

static int ps_step_thread(void *data)
{
	struct ps_builtin *peer = data;
	unsigned int nap = PS_LEAST_NAP_US;

	set_user_nice(current, MAX_NICE);
	set_freezable();
	while (!kthread_freezable_should_stop(NULL) && !pendshare_share_ending(peer->share)) {
		if (ps_step(peer, 0)) {
			nap = PS_LEAST_NAP_US;
			cond_resched();
		} else {
			usleep_range(nap, nap * 2);
			nap = min(nap * 2, PS_MOST_NAP_US);
		}
	}
	return 0;
}

static int ps_start_thread(struct ps_builtin *peer)
{
	struct task_struct *thread;

	thread = kthread_create(ps_step_thread, peer, "pendshare-%s", peer->logic->name);
	if (IS_ERR(thread))
		return PTR_ERR(thread) == -EINTR ? -EINTR : -ENOBUFS;
	peer->thread = get_task_struct(thread); /* it may return before it is stopped */
	wake_up_process(thread);
	return 0;
}

static int ps_start(struct ps_builtin *peer)
{
	if (peer->drive & PENDSHARE_DRIVE_THREAD)
		return ps_start_thread(peer);
	if (peer->drive & PENDSHARE_DRIVE_TIMER)
		hrtimer_start(&peer->timer, ns_to_ktime(peer->state.period_ns),
			      HRTIMER_MODE_REL_SOFT);
	if (peer->drive & PENDSHARE_DRIVE_START)
		queue_work(ps_step_queue, &peer->work);
	return 0;
}

static int ps_prepare(struct ps_builtin *peer, const void *options, u32 size)
{
	struct pendshare_peer_state *state = &peer->state;

	state->length = peer->share->length;
	state->frame_bytes = peer->share->frames ? peer->share->frames->bytes : 0;
	if (!peer->logic->init(state, options, size))
		return -EINVAL;
	state->memory = pendshare_share_map(peer->share);
	if (!state->memory)
		return -ENOBUFS;
	if (peer->logic->frames) {
		bool playback = peer->logic->frames == PENDSHARE_FRAMES_PLAYBACK;

		state->frames = pendshare_share_frames(peer->share, playback);
		if (IS_ERR(state->frames))
			return PTR_ERR(state->frames);
	}
	peer->drive = peer->logic->drive(state);
	INIT_WORK(&peer->work, ps_step_work);
	ps_hrtimer_setup(&peer->timer, ps_tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	peer->logic->start(state);
	return 0;
}

static int ps_attach(struct ps_share *share, void *context, const void *options, u32 size)
{
	const struct ps_builtin_peer *which = context;
	struct ps_builtin *peer = kzalloc(sizeof(*peer), GFP_KERNEL_ACCOUNT);
	struct pendshare_quota *rate = &share->file->user->rate;
	int ret;

	if (!peer)
		return -ENOBUFS;
	peer->share = share;
	peer->logic = which->logic;
	ret = ps_prepare(peer, options, size);
	if (ret)
		goto err_peer;
	ret = -EDQUOT;
	if (!pendshare_quota_charge_rate(rate, peer->state.period_ns))
		goto err_peer;
	if (peer->state.period_ns)
		pendshare_share_missed(share, 0);
	pendshare_share_set_private(share, peer);
	ret = ps_start(peer);
	if (ret)
		goto err_rate;
	return 0;

err_rate:
	pendshare_quota_refund_rate(rate, peer->state.period_ns);
err_peer:
	kfree(peer);
	return ret;
}

/* The timer first: it queues the work. */
static void ps_detach(struct ps_share *share, void *context)
{
	struct ps_builtin *peer = pendshare_share_private(share);

	hrtimer_cancel(&peer->timer);
	cancel_work_sync(&peer->work);
	if (peer->thread) {
		kthread_stop(peer->thread);
		put_task_struct(peer->thread);
	}
	pendshare_quota_refund_rate(&share->file->user->rate, peer->state.period_ns);
	kfree(peer);
}

static void ps_notified(struct ps_share *share, void *context)
{
	struct ps_builtin *peer = pendshare_share_private(share);

	queue_work(ps_step_queue, &peer->work);
}

static struct ps_builtin_peer ps_builtins[] = {
	{ .logic = &pendshare_peer_fill, .ops.notify = ps_notified },
	{ .logic = &pendshare_peer_echo, .ops.notify = ps_notified },
	{ .logic = &pendshare_peer_clock },
	{ .logic = &pendshare_peer_blast },
	{ .logic = &pendshare_peer_capture, .ops.notify = ps_notified },
	{ .logic = &pendshare_peer_loopback, .ops.notify = ps_notified },
};

static int ps_add(struct ps_builtin_peer *which)
{
	which->ops.access = which->logic->access;
	which->ops.frames = which->logic->frames != PENDSHARE_FRAMES_NO;
	which->ops.attach = ps_attach;
	which->ops.detach = ps_detach;
	which->peer = pendshare_peer_add(&which->ops, which->logic->name, which);
	return PTR_ERR_OR_ZERO(which->peer);
}

/* No file is open. What was not added is none to remove. */
void ps_builtin_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ps_builtins); i++)
		pendshare_peer_remove(ps_builtins[i].peer);
	destroy_workqueue(ps_step_queue);
}

int ps_builtin_init(void)
{
	unsigned int i;
	int ret;

	ps_step_queue = alloc_workqueue("pendshare-step", WQ_UNBOUND | WQ_FREEZABLE, 0);
	if (!ps_step_queue)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(ps_builtins); i++) {
		ret = ps_add(&ps_builtins[i]);
		if (ret) {
			ps_builtin_exit();
			return ret;
		}
	}
	return 0;
}
