// SPDX-License-Identifier: GPL-2.0-only
/* AVL tree. Heights are stored, a leaf has 1. No locks: the caller's. */
#include "kernel/lib/tree.h"

static int height(const struct tree_node *n)
{
	return n ? n->height : 0;
}

static int node_update(struct tree_node *n)
{
	int l = height(n->child[0]), r = height(n->child[1]);

	n->height = (l > r ? l : r) + 1;
	return l - r;
}

static void link_replace(struct tree *t, struct tree_node *parent, struct tree_node *old, struct tree_node *new)
{
	if (!parent)
		t->root = new;
	else
		parent->child[parent->child[1] == old] = new;
	if (new)
		new->parent = parent;
}

/* n moves down to side `dir`; its other child takes its place and is returned. */
static struct tree_node *rotate(struct tree *t, struct tree_node *n, int dir)
{
	struct tree_node *up = n->child[!dir], *mid = up->child[dir];

	link_replace(t, n->parent, n, up);
	up->child[dir] = n;
	n->parent = up;
	n->child[!dir] = mid;
	if (mid)
		mid->parent = n;
	node_update(n);
	node_update(up);
	return up;
}

static void rebalance(struct tree *t, struct tree_node *n)
{
	while (n) {
		int old = n->height, bal = node_update(n);

		if (bal > 1 || bal < -1) {
			int heavy = bal < -1;
			struct tree_node *c = n->child[heavy];

			if (height(c->child[!heavy]) > height(c->child[heavy]))
				rotate(t, c, heavy);
			n = rotate(t, n, !heavy);
		}
		if (n->height == old && bal >= -1 && bal <= 1 && old != 0)
			break;
		n = n->parent;
	}
}

bool tree_insert(struct tree *t, struct tree_node *n, u64 key)
{
	struct tree_node **p = &t->root, *parent = NULL;

	while (*p) {
		parent = *p;
		if (parent->key == key)
			return false;
		p = &parent->child[key > parent->key];
	}
	n->key = key;
	n->parent = parent;
	n->child[0] = n->child[1] = NULL;
	n->height = 1;
	*p = n;
	rebalance(t, parent);
	return true;
}

void tree_remove(struct tree *t, struct tree_node *n)
{
	struct tree_node *from, *next;

	if (!n->child[0] || !n->child[1]) {
		from = n->parent;
		link_replace(t, n->parent, n, n->child[!n->child[0]]);
	} else {
		/* The successor takes n's place. */
		for (next = n->child[1]; next->child[0]; next = next->child[0])
			;
		from = next->parent == n ? next : next->parent;
		if (next->parent != n) {
			link_replace(t, next->parent, next, next->child[1]);
			next->child[1] = n->child[1];
			next->child[1]->parent = next;
		}
		next->child[0] = n->child[0];
		next->child[0]->parent = next;
		link_replace(t, n->parent, n, next);
		next->height = n->height;
	}
	n->parent = n->child[0] = n->child[1] = NULL;
	rebalance(t, from);
}

struct tree_node *tree_floor(const struct tree *t, u64 key)
{
	struct tree_node *n = t->root, *best = NULL;

	while (n) {
		if (n->key <= key)
			best = n;
		n = n->child[n->key <= key];
	}
	return best;
}

struct tree_node *tree_ceil(const struct tree *t, u64 key)
{
	struct tree_node *n = t->root, *best = NULL;

	while (n) {
		if (n->key >= key)
			best = n;
		n = n->child[n->key < key];
	}
	return best;
}

struct tree_node *tree_find(const struct tree *t, u64 key)
{
	struct tree_node *n = tree_floor(t, key);

	return n && n->key == key ? n : NULL;
}

/* In-order neighbour on side `dir` (1: greater). */
static struct tree_node *neighbour(const struct tree_node *n, int dir)
{
	struct tree_node *p;

	if (n->child[dir]) {
		for (p = n->child[dir]; p->child[!dir]; p = p->child[!dir])
			;
		return p;
	}
	for (p = n->parent; p && p->child[dir] == n; p = p->parent)
		n = p;
	return p;
}

struct tree_node *tree_next(const struct tree_node *n)
{
	return neighbour(n, 1);
}

struct tree_node *tree_prev(const struct tree_node *n)
{
	return neighbour(n, 0);
}

struct tree_node *tree_first(const struct tree *t)
{
	struct tree_node *n = t->root;

	while (n && n->child[0])
		n = n->child[0];
	return n;
}
