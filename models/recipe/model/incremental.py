"""Unbiased incremental back-propagation through a chain of memories (UIO-LLMs, Eq. 9 and Appendix B).

The loss of segment t reads the memories of segments 1..t-1. Full back-propagation keeps all their graphs. Here each memory
is detached when it is made and gathers the gradients of later losses. It is sent through the encoder once, when it leaves
a reservoir of S memories.

Segment s is still in the reservoir at step t with probability min(1, S / (t - 1)). The gradient gathered there is multiplied by
max(1, (t - 1) / S), so its expectation is the full gradient. Without this factor (`compensate=False`, as in the released
code) far losses count too little.
"""

from __future__ import annotations

import random
from typing import Callable, Optional

import torch
from torch import Tensor

from recipe.model.kv_rows import Rows


class Kept:
    """A memory with its graph, and the detached copy that losses read."""

    def __init__(self, rows: Rows):
        self.made = [*rows.keys, *rows.values]
        self.leaves = [x.detach().requires_grad_(True) for x in self.made]
        n = len(rows.keys)
        self.rows = Rows(self.leaves[:n], self.leaves[n:])
        self.gathered: list[Optional[Tensor]] = [None] * len(self.leaves)

    def gather(self, factor: float) -> None:
        """Adds the fresh gradient of the leaves, times `factor`, to the gathered one."""
        for i, leaf in enumerate(self.leaves):
            if leaf.grad is not None:
                fresh = leaf.grad * factor
                self.gathered[i] = fresh if self.gathered[i] is None else self.gathered[i] + fresh
                leaf.grad = None

    def flush(self) -> None:
        """Sends the gathered gradient through the encoder and frees the graph."""
        pairs = [(x, g) for x, g in zip(self.made, self.gathered) if g is not None and x.requires_grad]
        if pairs:
            torch.autograd.backward([x for x, _ in pairs], [g for _, g in pairs])
        self.made = []


Encode = Callable[[int], Rows]  # segment number from 0 -> memory rows, with graph
Loss = Callable[[int, list], Tensor]  # segment number, rows of all earlier segments -> loss


def incremental(
    count: int, encode: Encode, loss: Loss, size: int, rng: random.Random, compensate: bool = True, scale: float = 1.0
) -> list[float]:
    """Adds the estimated gradient of scale * (sum of all losses) to the parameters; returns the losses.

    The graphs of `size` encoders and one decoder are alive at once, whatever `count` is.
    """
    held: list[Rows] = []  # values of all memories, in order
    reservoir: list[Kept] = []
    losses = []
    for t in range(count):  # t segments have been read before this one
        value = loss(t, held)
        losses.append(float(value.detach()))
        if value.requires_grad:
            (value * scale).backward()
        for kept in reservoir:
            kept.gather(max(1.0, t / size) if compensate else 1.0)
        if t == count - 1:
            break
        fresh = Kept(encode(t))
        place = len(reservoir) if len(reservoir) < size else rng.randrange(t + 1)
        if place < size:
            held.append(fresh.rows)
            if place < len(reservoir):
                out = reservoir[place]
                reservoir[place] = fresh
                out.flush()
                _forget(held, out)
            else:
                reservoir.append(fresh)
        else:
            held.append(_plain(fresh.rows))  # not in the reservoir: later losses read its value, no gradient comes back
    for kept in reservoir:
        kept.flush()
    return losses


def _plain(rows: Rows) -> Rows:
    return Rows([k.detach() for k in rows.keys], [v.detach() for v in rows.values])


def _forget(held: list[Rows], out: Kept) -> None:
    for i, rows in enumerate(held):
        if rows is out.rows:
            held[i] = _plain(rows)


def full(count: int, encode: Encode, loss: Loss, scale: float = 1.0) -> list[float]:
    """The exact gradient: every graph kept until the end."""
    held, losses, total = [], [], None
    for t in range(count):
        value = loss(t, held)
        losses.append(float(value.detach()))
        total = value if total is None else total + value
        if t < count - 1:
            held.append(encode(t))
    if total.requires_grad:
        (total * scale).backward()
    return losses
