// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver of a virtio device whose queues point at the memory of shares, to copy from: the
 * port of a virtio console without MULTIPORT. Each device is two peers that speak frames, as
 * free slots are either the kernel's or the owner's: "vport0-in" captures, its free slots are
 * the buffers of the receive queue; "vport0-out" plays, what is submitted lies in the transmit
 * queue until the device has sent it. Each has one share at a time.
 */
#include <linux/idr.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/wait.h>

#include "pendshare-peer.h"

#define VPORT_IN 0 /* as the device numbers its queues */
#define VPORT_OUT 1
#define VPORT_SEGMENTS 128u /* pages of the longest frame, as they can lie anywhere */

/* For what is on its way out; what the device has then not sent is lost, or sent twice. */
#define VPORT_PATIENCE HZ

static DEFINE_IDA(vport_numbers);

/* Of a share, while the kernel has it. */
struct vport_slot {
	struct list_head node;		/* waiting or posted */
	u32 bytes;			/* to be sent, or received at most */
};

struct vport_queue {
	struct vport *port;
	struct pendshare_peer *peer;
	bool out;
	wait_queue_head_t idle;

	spinlock_t lock;		/* all below; taken in the interrupt */
	struct virtqueue *vq;		/* NULL: while the device is reset, or for good */
	struct ps_share *share;		/* NULL: none. Changes under the port's lock, too */
	struct pendshare_frames *frames;
	struct vport_slot *slots;
	struct list_head waiting;	/* for room in the queue */
	struct list_head posted;	/* the device has them */
	u32 published;			/* how much of what was given */
	bool held;			/* no more is posted */
	struct scatterlist sg[VPORT_SEGMENTS];
};

struct vport {
	struct virtio_device *virtio;
	int number;
	struct mutex lock;		/* shares begin and end one at a time */
	bool leaving;
	struct vport_queue queues[2];
};

/* Gives the owner what the device is done with. */
static void vport_collect(struct vport_queue *queue)
{
	struct pendshare_frames *frames = queue->frames;
	struct vport_slot *slot;
	u32 bytes;

	while ((slot = virtqueue_get_buf(queue->vq, &bytes))) {
		struct pendshare_frame frame = { .slot = slot - queue->slots };
		u64 offset = pendshare_frames_offset(frames, frame.slot);

		list_del(&slot->node);
		if (!queue->out) {
			frame.bytes = min(bytes, slot->bytes); /* never believed */
			pendshare_share_written(queue->share, offset + frame.bytes);
		}
		frame.timestamp_ns = ktime_get_ns();
		frame.flags = frame.bytes ? 0 : PENDSHARE_FRAME_EMPTY;
		pendshare_frames_give(frames, &frame);
	}
}

/* Takes what the owner has given: no more than all slots, whatever is given meanwhile. */
static void vport_take(struct vport_queue *queue)
{
	struct pendshare_frames *frames = queue->frames;
	enum pendshare_frames_result result;
	struct pendshare_frame frame;

	while ((result = pendshare_frames_take(frames, &frame)) == PENDSHARE_FRAMES_OK) {
		struct vport_slot *slot = &queue->slots[frame.slot];

		if (!queue->out)
			slot->bytes = frames->bytes;
		else
			slot->bytes = frame.flags & PENDSHARE_FRAME_EMPTY ? 0 : frame.bytes;
		list_add_tail(&slot->node, &queue->waiting);
	}
	if (result == PENDSHARE_FRAMES_NONE)
		return;
	queue->held = true;
	pendshare_share_fail(queue->share, PENDSHARE_FAILURE_FRAMES);
}

static int vport_add(struct vport_queue *queue, struct vport_slot *slot)
{
	u64 offset = pendshare_frames_offset(queue->frames, slot - queue->slots);
	int count = pendshare_share_sg(queue->share, offset, slot->bytes, queue->sg,
				       VPORT_SEGMENTS);

	if (count < 0)
		return count;
	if (queue->out)
		return virtqueue_add_outbuf(queue->vq, queue->sg, count, slot, GFP_ATOMIC);
	return virtqueue_add_inbuf(queue->vq, queue->sg, count, slot, GFP_ATOMIC);
}

/* As far as there is room. With nothing posted no interrupt would let the rest go on. */
static void vport_post(struct vport_queue *queue)
{
	struct vport_slot *slot, *next;
	int ret = 0;

	list_for_each_entry_safe(slot, next, &queue->waiting, node) {
		if (slot->bytes) {
			ret = vport_add(queue, slot);
			if (ret)
				break;
			list_move_tail(&slot->node, &queue->posted);
		} else {
			list_del(&slot->node);
			pendshare_frames_give_back(queue->frames, slot - queue->slots);
		}
	}
	virtqueue_kick(queue->vq);
	if (ret && list_empty(&queue->posted))
		pendshare_share_fail(queue->share, PENDSHARE_FAILURE_PEER);
}

static void vport_publish(struct vport_queue *queue)
{
	struct pendshare_frames *frames = queue->frames;

	if (queue->published != frames->given && pendshare_frames_publish(frames))
		pendshare_share_ring(queue->share);
	queue->published = frames->given;
}

/*
 * All that there is to do now: at each interrupt and NOTIFY, and after what may have held it up.
 * While the device has half of the slots its interrupts come anyway, so only below that the owner
 * is asked to notify: what it gave before that is taken here, what it gives after it notifies.
 */
static void vport_run(struct vport_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	if (!queue->vq || !queue->share)
		return;
	vport_collect(queue);
	if (!queue->held) {
		vport_take(queue);
		vport_post(queue);
	}
	if (!queue->held && pendshare_frames_kernels(queue->frames) <= queue->frames->count / 2) {
		pendshare_frames_sleep(queue->frames);
		vport_take(queue);
		vport_post(queue);
	}
	vport_publish(queue);
	if (list_empty(&queue->posted))
		wake_up(&queue->idle);
}

static void vport_interrupt(struct virtqueue *vq)
{
	struct vport *port = vq->vdev->priv;
	struct vport_queue *queue = &port->queues[vq->index];
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	vport_run(queue);
	spin_unlock_irqrestore(&queue->lock, flags);
}

static void vport_notify(struct ps_share *share, void *context)
{
	struct vport_queue *queue = context;

	spin_lock_irq(&queue->lock);
	vport_run(queue);
	spin_unlock_irq(&queue->lock);
}

/* The device is ready, its queues are not used before this returns. */
static int vport_start(struct vport *port)
{
	struct virtqueue *vqs[2];
	int ret, i;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
	vq_callback_t *callbacks[] = { vport_interrupt, vport_interrupt };
	static const char * const names[] = { "in", "out" };

	ret = virtio_find_vqs(port->virtio, 2, vqs, callbacks, names, NULL);
#else
	struct virtqueue_info infos[] = { { "in", vport_interrupt }, { "out", vport_interrupt } };

	ret = virtio_find_vqs(port->virtio, 2, vqs, infos, NULL);
#endif
	if (ret)
		return ret;
	virtio_device_ready(port->virtio);
	for (i = 0; i < 2; i++) {
		spin_lock_irq(&port->queues[i].lock);
		port->queues[i].vq = vqs[i];
		port->queues[i].held = false;
		vport_run(&port->queues[i]);
		spin_unlock_irq(&port->queues[i].lock);
	}
	return 0;
}

/*
 * After this the device uses no memory of any share: a virtio device gives a buffer that it has not
 * used back only when it is reset, and the reset of a single queue is more than most can do. It
 * takes as long as the device takes to say that it was reset, as in any virtio driver's remove.
 */
static void vport_stop(struct vport *port)
{
	int i;

	if (!port->queues[0].vq)
		return;
	virtio_reset_device(port->virtio);
	for (i = 0; i < 2; i++) {
		struct vport_queue *queue = &port->queues[i];

		spin_lock_irq(&queue->lock);
		if (queue->share) {
			vport_collect(queue);
			vport_publish(queue);
		}
		while (virtqueue_detach_unused_buf(queue->vq))
			;
		list_splice_init(&queue->posted, &queue->waiting);
		queue->vq = NULL;
		spin_unlock_irq(&queue->lock);
	}
	port->virtio->config->del_vqs(port->virtio);
}

/* As the core has done before probe. What the other share had posted is posted again. */
static int vport_restart(struct vport *port)
{
	struct virtio_device *virtio = port->virtio;
	int ret;

	virtio_add_status(virtio, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_add_status(virtio, VIRTIO_CONFIG_S_DRIVER);
	ret = virtio->config->finalize_features(virtio);
	if (!ret && virtio_has_feature(virtio, VIRTIO_F_VERSION_1)) {
		virtio_add_status(virtio, VIRTIO_CONFIG_S_FEATURES_OK);
		if (!(virtio->config->get_status(virtio) & VIRTIO_CONFIG_S_FEATURES_OK))
			ret = -ENODEV;
	}
	if (!ret)
		ret = vport_start(port);
	if (ret) {
		dev_err(&virtio->dev, "cannot be used after its reset: error %d\n", ret);
		virtio_reset_device(virtio);
	}
	return ret;
}

static void vport_fail(struct vport_queue *queue)
{
	spin_lock_irq(&queue->lock);
	if (queue->share)
		pendshare_share_fail(queue->share, PENDSHARE_FAILURE_PEER);
	spin_unlock_irq(&queue->lock);
}

/* From here on the share is the queue's, or with NULL no longer. Returns the slots of the last. */
static struct vport_slot *vport_set_share(struct vport_queue *queue, struct ps_share *share,
					  struct pendshare_frames *frames,
					  struct vport_slot *slots)
{
	struct vport_slot *old = queue->slots;

	spin_lock_irq(&queue->lock);
	INIT_LIST_HEAD(&queue->waiting);
	queue->share = share;
	queue->frames = frames;
	queue->slots = slots;
	queue->published = frames ? frames->given : 0;
	queue->held = false;
	vport_run(queue);
	spin_unlock_irq(&queue->lock);
	return old;
}

static int vport_attach(struct ps_share *share, void *context, const void *options, u32 size)
{
	struct vport_queue *queue = context;
	struct vport *port = queue->port;
	struct pendshare_frames *frames;
	struct vport_slot *slots;
	int ret = 0;

	if (size)
		return -EINVAL;
	frames = pendshare_share_frames(share, queue->out);
	if (IS_ERR(frames))
		return PTR_ERR(frames);
	if (frames->bytes >> PAGE_SHIFT > VPORT_SEGMENTS)
		return -EINVAL;
	if (frames->bytes > virtio_max_dma_size(port->virtio))
		return -EOPNOTSUPP; /* by way of bounce buffers, which would be copies */
	slots = kvcalloc(frames->count, sizeof(*slots), GFP_KERNEL_ACCOUNT);
	if (!slots)
		return -ENOBUFS;
	mutex_lock(&port->lock);
	if (!queue->vq)
		ret = -ENXIO;
	else if (queue->share)
		ret = -EBUSY;
	else if (frames->bytes >> PAGE_SHIFT > virtqueue_get_vring_size(queue->vq))
		ret = -EINVAL;
	else
		slots = vport_set_share(queue, share, frames, slots);
	mutex_unlock(&port->lock);
	kvfree(slots); /* those of the last are gone: NULL */
	return ret;
}

static bool vport_rests(struct vport_queue *queue)
{
	bool rests;

	spin_lock_irq(&queue->lock);
	rests = list_empty(&queue->posted) && (queue->held || list_empty(&queue->waiting));
	rests |= !queue->vq || virtqueue_is_broken(queue->vq);
	spin_unlock_irq(&queue->lock);
	return rests;
}

/* From now on no more is posted. Returns whether the device has something even so. */
static bool vport_hold(struct vport_queue *queue)
{
	bool busy;

	spin_lock_irq(&queue->lock);
	queue->held = true;
	busy = !list_empty(&queue->posted);
	spin_unlock_irq(&queue->lock);
	return busy;
}

/*
 * What was submitted is sent first, if that takes no longer than VPORT_PATIENCE. When the device
 * has slots of the share even so, as it always has of those that it may fill, it is reset, and
 * begins anew for the other share; for that one's sake nothing is on its way out meanwhile. What
 * has come in and was not yet given to the owner is lost.
 */
static void vport_detach(struct ps_share *share, void *context)
{
	struct vport_queue *queue = context;
	struct vport *port = queue->port;
	struct vport_queue *out = &port->queues[VPORT_OUT];
	bool reset;

	mutex_lock(&port->lock);
	if (queue == out) {
		vport_notify(share, queue);
		wait_event_timeout(out->idle, vport_rests(out), VPORT_PATIENCE);
	}
	reset = vport_hold(queue);
	if (reset && queue != out && vport_hold(out))
		wait_event_timeout(out->idle, vport_rests(out), VPORT_PATIENCE);
	if (reset)
		vport_stop(port);
	kvfree(vport_set_share(queue, NULL, NULL, NULL));
	if (reset && !port->leaving && vport_restart(port))
		vport_fail(&port->queues[queue == out ? VPORT_IN : VPORT_OUT]);
	mutex_unlock(&port->lock);
}

static const struct pendshare_peer_ops vport_ops = {
	.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	.frames = true,
	.attach = vport_attach,
	.detach = vport_detach,
	.notify = vport_notify,
};

static int vport_add_peer(struct vport_queue *queue)
{
	char name[24];

	snprintf(name, sizeof(name), "vport%d-%s", queue->port->number, queue->out ? "out" : "in");
	queue->peer = pendshare_peer_add(&vport_ops, name, queue);
	return PTR_ERR_OR_ZERO(queue->peer);
}

/* Out first: it sends what it has, so that there is nothing to be reset for. */
static void vport_remove_peers(struct vport *port)
{
	mutex_lock(&port->lock);
	port->leaving = true;
	mutex_unlock(&port->lock);
	pendshare_peer_remove(port->queues[VPORT_OUT].peer);
	pendshare_peer_remove(port->queues[VPORT_IN].peer);
}

/* The peers last of all: from then on programs can name them. */
static int vport_begin(struct vport *port)
{
	int ret = vport_start(port);

	if (ret)
		return ret;
	ret = vport_add_peer(&port->queues[VPORT_IN]);
	if (!ret)
		ret = vport_add_peer(&port->queues[VPORT_OUT]);
	if (ret) {
		vport_remove_peers(port);
		vport_stop(port);
	}
	return ret;
}

static int vport_probe(struct virtio_device *virtio)
{
	struct vport *port = kzalloc(sizeof(*port), GFP_KERNEL);
	int ret, i;

	if (!port)
		return -ENOMEM;
	port->virtio = virtio;
	virtio->priv = port;
	mutex_init(&port->lock);
	for (i = 0; i < 2; i++) {
		struct vport_queue *queue = &port->queues[i];

		queue->port = port;
		queue->out = i == VPORT_OUT;
		init_waitqueue_head(&queue->idle);
		spin_lock_init(&queue->lock);
		INIT_LIST_HEAD(&queue->waiting);
		INIT_LIST_HEAD(&queue->posted);
	}
	port->number = ida_alloc(&vport_numbers, GFP_KERNEL);
	ret = port->number < 0 ? port->number : vport_begin(port);
	if (ret) {
		if (port->number >= 0)
			ida_free(&vport_numbers, port->number);
		kfree(port);
	}
	return ret;
}

/* The peers first: what follows takes away what their last detach needs. */
static void vport_remove(struct virtio_device *virtio)
{
	struct vport *port = virtio->priv;

	vport_remove_peers(port);
	vport_stop(port);
	ida_free(&vport_numbers, port->number);
	kfree(port);
}

#ifdef CONFIG_PM_SLEEP
/* Not with a port in use or not: what lies in the queues would be lost without a word. */
static int vport_freeze(struct virtio_device *virtio)
{
	return -EBUSY;
}
#endif

/* No MODULE_DEVICE_TABLE(): by itself a console goes to the kernel's own driver. */
static const struct virtio_device_id vport_ids[] = {
	{ VIRTIO_ID_CONSOLE, VIRTIO_DEV_ANY_ID },
	{ }
};

static struct virtio_driver vport_driver = {
	.driver.name = "pendshare-vport",
	.driver.owner = THIS_MODULE,
	.id_table = vport_ids,
	.probe = vport_probe,
	.remove = vport_remove,
#ifdef CONFIG_PM_SLEEP
	.freeze = vport_freeze,
#endif
};
module_virtio_driver(vport_driver);

MODULE_DESCRIPTION("Example of virtio queues that point at shared memory: the port of a virtio console");
MODULE_LICENSE("GPL");
