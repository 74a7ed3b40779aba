"""Chains of neighbouring segments of text."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from recipe.config import ID
from recipe.model.loss import IGNORE
from recipe.model.masks import ANCHOR, Layout
from recipe.model.memory_slots import Segment
from recipe.tokens.store import Tokens


class Chain(NamedTuple):
    """`count` consecutive segments of text. ids, targets [B, count, n]; layout of each segment or None."""

    ids: Tensor
    targets: Tensor
    layouts: list

    def segment(self, i: int) -> Segment:
        return Segment(self.ids[:, i], self.layouts[i])


def chain(tokens: Tokens, rng: np.random.Generator, batch: int, count: int, length: int, anchors: bool) -> Chain:
    """Text as it stands in the corpus: neighbouring files of one repository follow each other, as in a workspace.

    With `anchors` the segments' rows include anchors under the AnSAN mask, else plain causal rows.
    """
    size = count * length + 1
    rows = []
    for _ in range(batch):
        start = int(rng.integers(0, max(1, len(tokens.ids) - size - 1)))
        ids = np.asarray(tokens.ids[start : start + size]).astype(np.int64)
        if anchors:
            ids = np.insert(ids, tokens.cuts(start, start + size), ID["anchor"])[:size]
        rows.append(ids)
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
    """Text as it stands: segments [B, count, length], the rows after them [B, tail] and their targets.

    With the chance `fresh` a file begins where the segments end, which then hold what stands before it in its repository.
    """
    size = count * length + tail + 1
    flat = []
    first, last = np.searchsorted(tokens.docs, (count * length, len(tokens.ids) - tail - 1))
    for _ in range(batch):
        start = int(rng.integers(0, max(1, len(tokens.ids) - size - 1)))
        if rng.random() < fresh and first < last:
            start = int(tokens.docs[rng.integers(first, last)]) - count * length
        flat.append(np.asarray(tokens.ids[start : start + size]).astype(np.int64))
    ids = torch.from_numpy(np.stack(flat))
    past = ids[:, : count * length].reshape(batch, count, length)
    return past, ids[:, count * length : -1].contiguous(), ids[:, count * length + 1 :].contiguous()
