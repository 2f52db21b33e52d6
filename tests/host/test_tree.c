// link: kernel/lib/tree.c
// SPDX-License-Identifier: GPL-2.0-only
/* Random inserts and removals against a table of what must be there; the AVL property after each. */
#include "kernel/lib/tree.h"
#include <stdio.h>
#include <stdlib.h>

#define KEYS 200
#define CHECK(c) do { if (!(c)) { printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #c); exit(1); } } while (0)

static int check(const struct tree_node *n, const struct tree_node *parent)
{
	int l, r;

	if (!n)
		return 0;
	CHECK(n->parent == parent);
	l = check(n->child[0], n);
	r = check(n->child[1], n);
	CHECK(l - r <= 1 && r - l <= 1);
	CHECK(n->height == (l > r ? l : r) + 1);
	return n->height;
}

int main(void)
{
	static struct tree_node nodes[KEYS];
	static bool in[KEYS];
	struct tree t = { NULL };

	srand(1);
	for (int step = 0; step < 50000; step++) {
		int k = rand() % KEYS, f, c;
		struct tree_node *n, dup;

		if (in[k]) {
			CHECK(!tree_insert(&t, &dup, k));
			tree_remove(&t, &nodes[k]);
		} else {
			CHECK(tree_insert(&t, &nodes[k], k));
		}
		in[k] = !in[k];
		if (step % 16)
			continue;
		check(t.root, NULL);
		k = rand() % KEYS;
		for (f = k; f >= 0 && !in[f]; f--)
			;
		for (c = k; c < KEYS && !in[c]; c++)
			;
		n = tree_floor(&t, k);
		CHECK(f < 0 ? !n : n && n->key == (u64)f);
		n = tree_ceil(&t, k);
		CHECK(c == KEYS ? !n : n && n->key == (u64)c);
		CHECK(!!tree_find(&t, k) == in[k]);
		n = tree_first(&t);
		for (int i = 0; i < KEYS; i++) {
			if (!in[i])
				continue;
			CHECK(n && n->key == (u64)i);
			if (tree_prev(n))
				CHECK(tree_next(tree_prev(n)) == n);
			n = tree_next(n);
		}
		CHECK(!n);
	}
	printf("ok tree\n");
	return 0;
}
