"""Text as it stands in the corpus, cut into segments and rows.

Neighbouring files of one repository follow each other there, as in a workspace.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from recipe.config import ID, SINK_IDS
from recipe.model.loss import IGNORE
from recipe.model.masks import ANCHOR, KEPT, Layout, anchored
from recipe.model.memory_slots import Segment
from recipe.tokens.rows import Batch
from recipe.tokens.store import Tokens


class Chain(NamedTuple):
    """`count` segments that follow each other."""

    ids: Tensor  # [B, count, n]
    targets: Tensor  # [B, count, n]
    layouts: list  # of each segment, or None

    def segment(self, i: int) -> Segment:
        return Segment(self.ids[:, i], self.layouts[i])

    def to(self, where) -> "Chain":
        layouts = [layout and Layout(*(part.to(where) for part in layout)) for layout in self.layouts]
        return Chain(self.ids.to(where), self.targets.to(where), layouts)


def chain(tokens: Tokens, rng: np.random.Generator, batch: int, count: int, length: int, anchors: bool) -> Chain:
    """A chain from a random place. With `anchors` its rows include anchors under the AnSAN mask, else plain causal rows."""
    size = count * length + 1
    rows = []
    for _ in range(batch):
        start = tokens.place(rng, size)
        ids = tokens.text(start, size)
        rows.append(np.insert(ids, tokens.cuts(start, start + size), ID["anchor"])[:size] if anchors else ids)
    flat = torch.from_numpy(np.stack(rows))
    ids = flat[:, :-1].reshape(batch, count, length)
    targets = flat[:, 1:].reshape(batch, count, length).clone()
    targets[targets == ID["anchor"]] = IGNORE
    layouts: list = [None] * count
    if anchors:
        for i in range(count):
            is_anchor = (ids[:, i] == ID["anchor"]).int()
            one = torch.ones_like(is_anchor)
            layouts[i] = Layout(one, one, is_anchor.cumsum(1, dtype=torch.int32) - is_anchor, is_anchor * ANCHOR)
    return Chain(ids, targets, layouts)


def past_and_tail(
    tokens: Tokens, rng: np.random.Generator, batch: int, count: int, length: int, tail: int, fresh: float = 0.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Segments [B, count, length], the rows after them [B, tail], and these rows' targets [B, tail].

    With the chance `fresh` a file begins where the segments end. They then hold what stands before it in its repository.
    """
    past = count * length
    size, flat = past + tail + 1, []
    first, last = np.searchsorted(tokens.docs, (past, len(tokens.ids) - tail - 1))
    for _ in range(batch):
        start = tokens.place(rng, size)
        if rng.random() < fresh and first < last:
            start = int(tokens.docs[rng.integers(first, last)]) - past
        flat.append(tokens.text(start, size))
    ids = torch.from_numpy(np.stack(flat))
    return ids[:, :past].reshape(batch, count, length), ids[:, past:-1].contiguous(), ids[:, past + 1 :].contiguous()


def slices(tokens: Tokens, rng: np.random.Generator, batch: int, window: int) -> tuple[Tensor, Tensor]:
    """Text behind the sinks: ids and targets [batch, window]."""
    size = window - len(SINK_IDS) + 1
    rows = [np.concatenate([SINK_IDS, tokens.text(tokens.place(rng, size - 1), size)]) for _ in range(batch)]
    return _shifted(rows)


def anchored_slices(tokens: Tokens, rng: np.random.Generator, batch: int, length: int) -> Batch:
    """Text behind the sinks with anchors, under the AnSAN mask: [batch, length]."""
    rows = []
    for _ in range(batch):
        start = tokens.place(rng, length - 1)
        ids = tokens.text(start, length)
        ids = np.insert(ids, tokens.cuts(start, start + len(ids)), ID["anchor"])
        rows.append(np.concatenate([SINK_IDS, ids])[: length + 1])
    ids, targets = _shifted(rows)
    targets[targets == ID["anchor"]] = IGNORE
    return Batch(ids, targets, anchored(ids == ID["anchor"], len(SINK_IDS)), {}, ["ansan"] * batch)


def ending_slices(tokens: Tokens, rng: np.random.Generator, batch: int, length: int, sinks: int) -> Batch:
    """Text in which the tokens that end segments are the anchors: [batch, length]. No token is put in.

    The first rows are the sinks. A row sees sinks, anchors, and the window that the loss adds, as where the engine composes
    Λ with anchors that close nothing.
    """
    ids = torch.empty(batch, length + 1, dtype=torch.int64)
    role = torch.zeros(batch, length, dtype=torch.int32)
    for row in range(batch):
        start = tokens.place(rng, length)
        ids[row] = torch.from_numpy(tokens.text(start, length + 1))
        role[row, tokens.cuts(start, start + length) - 1] = KEPT
    doc = torch.ones_like(role)
    doc[:, :sinks] = 0
    each = torch.arange(length, dtype=torch.int32).expand(batch, length)  # a segment of its own: nothing closes
    targets = ids[:, 1:].clone()
    targets[:, :sinks] = IGNORE
    layout = Layout(doc, torch.zeros_like(doc), each, role)
    return Batch(ids[:, :-1].contiguous(), targets, layout, {}, ["ending"] * batch)


def _shifted(rows: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """ids and next-token targets of rows behind the sinks; the sinks have no targets."""
    flat = torch.from_numpy(np.stack(rows))
    targets = flat[:, 1:].clone()
    targets[:, : len(SINK_IDS)] = IGNORE
    return flat[:, :-1].contiguous(), targets
