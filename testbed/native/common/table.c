// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* table.h against a plain array, with ids that collide. */
#include <stdlib.h>
#include <string.h>

#include "../../../drivers/common/table.h"
#include "../../tap/tap.h"

#define BITS 3u
#define NODES 40u

static struct pendshare_node *chains[1u << BITS];
static struct pendshare_table table = { chains, BITS };
static struct pendshare_node nodes[NODES];
static unsigned int state = 1;

static unsigned int draw(unsigned int below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

/* From 1 up, multiples of a page, and the largest that there are. */
static __u64 id_of(unsigned int number)
{
	return number % 3 == 0	 ? number + 1
	       : number % 3 == 1 ? (__u64)number << 12
				 : ~0ull - number;
}

static bool agrees(void)
{
	unsigned int listed = 0, visited = 0;

	for (unsigned int i = 0; i < NODES; i++) {
		bool in = pendshare_in_table(&nodes[i]);

		listed += in;
		if (pendshare_find(&table, id_of(i)) != (in ? &nodes[i] : NULL))
			return false;
	}
	for (struct pendshare_node *node = pendshare_next(&table, NULL); node;
	     node = pendshare_next(&table, node))
		visited++;
	return visited == listed && !pendshare_find(&table, 0);
}

static bool random_steps(unsigned int steps)
{
	while (steps--) {
		struct pendshare_node *node = &nodes[draw(NODES)];

		if (pendshare_in_table(node))
			pendshare_remove(node);
		else
			pendshare_insert(&table, node);
		if (!agrees())
			return false;
	}
	return true;
}

/* As whoever drops the ended does: the next is asked for before one is removed. */
static bool empties(void)
{
	struct pendshare_node *node = pendshare_next(&table, NULL), *next;

	for (; node; node = next) {
		next = pendshare_next(&table, node);
		pendshare_remove(node);
	}
	for (unsigned int i = 0; i < 1u << BITS; i++)
		if (chains[i])
			return false;
	return agrees();
}

int main(int argc, char **argv)
{
	state = argc > 2 && atoi(argv[2]) ? (unsigned int)atoi(argv[2]) : 1;
	for (unsigned int i = 0; i < NODES; i++)
		nodes[i].id = id_of(i);
	tap(agrees(), "an empty table has nothing");
	tap(random_steps(20000), "what is inserted is found and visited, what is removed is not");
	tap(empties(), "a walk may remove what it has passed");
	return tap_end();
}
