// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * events.h against a model: shares ring, are recalled and end at random, batches are taken as the
 * drivers take them, and are delivered or put back. After each step the queue has the order and
 * the references that the model says, and what was delivered is what was told.
 */
#include <stdlib.h>
#include <string.h>

#include "../../../drivers/common/events.h"
#include "../../tap/tap.h"

#define SHARES 7u
#define BATCH 5u
#define STEPS 64u

struct share {
	struct pendshare_news news; /* first: a node is its share */
	unsigned int references;    /* of the queue and of batches */
	unsigned long long rung, told_rings;
	unsigned int told, recall_ms; /* recall_ms 0: none is to be told */
	int accepted, ending, ended;
};

static struct pendshare_events events;
static struct share shares[SHARES];
static unsigned int order[SHARES], queued; /* the model's queue */
static unsigned int state;
static const char *wrong;

static unsigned int draw(unsigned int below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

static void expect(int holds, const char *what)
{
	if (!holds && !wrong)
		wrong = what;
}

static unsigned int place(unsigned int share)
{
	unsigned int at = 0;

	while (at < queued && order[at] != share)
		at++;
	return at;
}

static void drop(unsigned int at)
{
	memmove(order + at, order + at + 1, (--queued - at) * sizeof(*order));
}

static void queue(struct share *share)
{
	unsigned int number = (unsigned int)(share - shares);
	int is_new = place(number) == queued;

	expect(pendshare_events_add(&events, &share->news) == is_new, "only what is new is queued");
	if (!is_new)
		return;
	share->references++;
	order[queued++] = number;
}

static void tell(struct share *share)
{
	unsigned int grace = 1 + draw(100);

	if (share->ending)
		return;
	switch (draw(4)) {
	case 0:
		pendshare_news_recall(&share->news, grace);
		if (!share->recall_ms || grace < share->recall_ms)
			share->recall_ms = grace;
		break;
	case 1:
		if (draw(4))
			return;
		share->news.due |= PENDSHARE_DUE_END;
		share->ending = 1;
		break;
	default:
		share->news.rings++;
		share->rung++;
	}
	queue(share);
}

static void deliver(struct share *share, const struct pendshare_event *event)
{
	expect(!share->ended, "nothing follows END");
	switch (event->kind) {
	case PENDSHARE_EVENT_ACCEPTED:
		expect(!share->accepted && !share->told, "ACCEPTED comes first, once");
		share->accepted = 1;
		break;
	case PENDSHARE_EVENT_DOORBELL:
		expect(event->value > 0, "a DOORBELL has rings");
		share->told_rings += event->value;
		break;
	case PENDSHARE_EVENT_RECALL:
		expect(event->value > 0 && event->value <= 100, "a RECALL has its grace");
		break;
	case PENDSHARE_EVENT_END:
		expect(share->told_rings == share->rung, "END comes after every ring");
		share->ended = 1;
		break;
	default:
		expect(0, "a kind that there is");
	}
	expect(share->accepted, "ACCEPTED comes first");
	share->told++;
}

static void take_batch(void)
{
	struct pendshare_event taken[BATCH];
	struct share *from[BATCH];
	unsigned int count = 0, most = 1 + draw(BATCH), meanwhile = draw(3);
	int delivered = draw(3) > 0;

	while (count < most && pendshare_events_first(&events)) {
		struct share *share = (struct share *)pendshare_events_first(&events);

		expect(queued && share == &shares[order[0]], "the first is the model's first");
		pendshare_news_take(&share->news, &taken[count]);
		if (taken[count].kind == PENDSHARE_EVENT_RECALL) {
			expect(taken[count].value == share->recall_ms, "the least grace is told");
			share->recall_ms = 0;
		}
		from[count++] = share;
		if (pendshare_news_any(&share->news)) {
			share->references++;
		} else {
			pendshare_news_remove(&share->news);
			drop(0);
		}
	}
	while (meanwhile--)
		tell(&shares[draw(SHARES)]);
	if (delivered) {
		for (unsigned int i = 0; i < count; i++)
			deliver(from[i], &taken[i]);
	}
	while (count--) {
		struct share *share = from[count];
		unsigned int number = (unsigned int)(share - shares), at = place(number);

		if (!delivered) {
			int is_new = at == queued;

			if (taken[count].kind == PENDSHARE_EVENT_RECALL &&
			    (!share->recall_ms || taken[count].value < share->recall_ms))
				share->recall_ms = (unsigned int)taken[count].value;
			expect(pendshare_events_untake(&events, &share->news, &taken[count]) ==
				       is_new,
			       "what is put back is queued once");
			share->references += is_new;
			if (!is_new)
				drop(at);
			memmove(order + 1, order, queued++ * sizeof(*order));
			order[0] = number;
		}
		share->references--;
	}
}

static void check_queue(void)
{
	const struct pendshare_news *node = events.head.next;

	for (unsigned int i = 0; i < queued; i++, node = node->next) {
		expect(node == &shares[order[i]].news, "the queue has the model's order");
		expect(node->next->prev == node && node->prev->next == node, "the circle is whole");
	}
	expect(node == &events.head, "the queue ends where the model's does");
	for (unsigned int i = 0; i < SHARES; i++)
		expect(shares[i].references == (place(i) < queued), "a reference for the queue alone");
}

static void run_round(void)
{
	memset(shares, 0, sizeof(shares));
	queued = 0;
	pendshare_events_init(&events);
	for (unsigned int i = 0; i < SHARES; i++) {
		pendshare_news_init(&shares[i].news);
		shares[i].news.due = PENDSHARE_DUE_ACCEPTED;
		queue(&shares[i]);
	}
	for (unsigned int i = 0; i < STEPS && !wrong; i++) {
		if (draw(4))
			tell(&shares[draw(SHARES)]);
		else
			take_batch();
		check_queue();
	}
	while (pendshare_events_first(&events) && !wrong)
		take_batch();
	for (unsigned int i = 0; i < SHARES; i++) {
		expect(shares[i].told_rings == shares[i].rung, "each ring was told, once");
		expect(shares[i].ended == shares[i].ending, "each END was told");
		expect(!shares[i].recall_ms, "each RECALL was told");
	}
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : 1000;
	unsigned int seed = argc > 2 ? (unsigned int)atoi(argv[2]) : 1;

	for (unsigned int round = 0; round < rounds && !wrong; round++) {
		state = seed + round ? seed + round : 1;
		run_round();
		if (wrong)
			printf("# round %u of seed %u\n", round, seed);
	}
	tap(!wrong, "%u rounds: no event is lost, told twice or out of order%s%s", rounds,
	    wrong ? ": " : "", wrong ? wrong : "");
	return tap_end();
}
