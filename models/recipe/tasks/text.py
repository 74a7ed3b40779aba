"""Losses of plain text under the masks."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from recipe.model.banded_attention import BLOCK, banded
from recipe.model.loss import cross_entropy
from recipe.model.masks import Layout, visible
from recipe.model.transformer import Llama
from recipe.tasks.chains import anchored_slices, slices
from recipe.tokens.rows import Batch, Stream
from recipe.tokens.store import Tokens

TEXTS = ("short", "long_full", "long_ansan")


def batch_loss(model: Llama, trunk, batch: Batch, chunk: int = 512) -> tuple[Tensor, Tensor]:
    """Mean loss in nats per target token, and each token's own. trunk: the model, or its compiled form."""
    b, t = batch.ids.shape
    positions = torch.arange(t, device=batch.ids.device).expand(b, t)
    hidden = trunk(batch.ids, positions, visible(batch.layout))
    return cross_entropy(hidden, model.model.embed_tokens.weight, batch.targets, chunk=chunk)


def windowed_loss(model: Llama, batch: Batch, window: int, trust: float) -> Tensor:
    """Mean loss in nats of AnSAN rows beside a window, computed by blocks.

    trust: share in the targets of the same weights' predictions with all rows in sight.
    """
    b, t = batch.ids.shape
    positions = torch.arange(t, device=batch.ids.device).expand(b, t)
    teacher = None
    if trust:
        nothing = torch.zeros_like(batch.layout.doc)
        with torch.no_grad():
            teacher = model(batch.ids, positions, visible(Layout(batch.layout.doc, nothing, nothing, nothing)))
    hidden = model(batch.ids, positions, None, attend=banded(batch.layout, window))
    return cross_entropy(hidden, model.model.embed_tokens.weight, batch.targets, teacher=teacher, trust=trust)[0]


class TextTasks:
    """Text of three kinds (TEXTS): rows of the first window, long rows under full attention, long rows under AnSAN.

    first, window: rows of the first window and of the extended one. farthest: rows of the longest texts, in first windows,
    and farthest_share their share of the long rows under full attention (a quarter of it under AnSAN).
    """

    def __init__(
        self,
        tokens: Tokens,
        first: int,
        window: int,
        seed: int,
        cursors: dict | None,
        trust: float,
        farthest: int,
        farthest_share: float,
    ):
        cursors = cursors or {}
        self.tokens, self.first, self.window = tokens, first, window
        self.trust, self.farthest, self.farthest_share = trust, farthest, farthest_share
        self.short = Stream(tokens, seed, cursors.get("short"))
        self.long = Stream(tokens, seed + 1, cursors.get("long"))

    def cursors(self) -> dict:
        """Places in the data, for a resume."""
        return {"short": asdict(self.short.at), "long": asdict(self.long.at)}

    def loss(self, model: Llama, kind: str, rows: int, rng: np.random.Generator, where) -> Tensor:
        """rows: rows of the first window in all. The long kinds have fewer and longer ones, one at least."""
        if kind == "short":
            return batch_loss(model, model, self.short.batch(rows, self.first).to(where))[0]
        times = int(2 ** rng.integers(1, int(np.log2(self.window // self.first)) + 1))
        # The longest rows under full attention cost the square of their length, and they teach far positions.
        if rng.random() < (self.farthest_share if kind == "long_full" else self.farthest_share / 4):
            times = self.farthest
        count, length = max(1, rows // times), self.first * times
        if kind == "long_full":
            return self._full_loss(model, count, length, rng, where)
        beyond = length > self.window
        window = int(rng.choice((64, 96, 128, 160, 160, 192, 256, 512)))
        if beyond:
            window = int(rng.choice((256, 512, 704)))
        if rng.random() < 0.4 or beyond:
            batch = anchored_slices(self.tokens, rng, count, length)
        else:
            batch = self.long.batch(count, length // BLOCK * BLOCK, "ansan")
        return windowed_loss(model, batch.to(where), window, 0.0 if beyond else self.trust)

    def _full_loss(self, model: Llama, count: int, length: int, rng: np.random.Generator, where) -> Tensor:
        """File after file, all in sight of each other. Single documents would hardly show distances beyond 2,048."""
        ids, targets = (x.to(where) for x in slices(self.tokens, rng, count, length))
        hidden = model(ids, torch.arange(length, device=where).expand(count, length), None)
        return cross_entropy(hidden, model.model.embed_tokens.weight, targets)[0]
