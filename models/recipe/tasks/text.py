"""Losses of plain text under the masks, and batches of long text."""

from __future__ import annotations

import numpy as np
import torch

from recipe.config import ID, SINK_IDS
from recipe.model.banded_attention import BLOCK, banded
from recipe.model.loss import IGNORE, cross_entropy
from recipe.model.masks import Layout, anchored, visible
from recipe.model.memory_slots import SINKS
from recipe.model.transformer import Llama
from recipe.tokens.rows import Batch, Stream
from recipe.tokens.store import Tokens


def batch_loss(model: Llama, trunk, batch: Batch, chunk: int = 512):
    """Mean loss in nats per target token, and each token's own."""
    b, t = batch.ids.shape
    positions = torch.arange(t, device=batch.ids.device).expand(b, t)
    hidden = trunk(batch.ids, positions, visible(batch.layout))
    return cross_entropy(hidden, model.model.embed_tokens.weight, batch.targets, chunk=chunk)


def text_loss(model: Llama, batch: Batch, window: int = 0, trust: float = 0.0):
    """Mean nats of a batch; with a window, of AnSAN rows beside it, by blocks.

    There `trust` is the share that what the same weights predict with all rows in sight has in the targets.
    """
    b, t = batch.ids.shape
    positions = torch.arange(t, device=batch.ids.device).expand(b, t)
    weight = model.model.embed_tokens.weight
    if not window:
        return cross_entropy(model(batch.ids, positions, visible(batch.layout)), weight, batch.targets)[0]
    teacher = None
    if trust:
        nothing = torch.zeros_like(batch.layout.doc)
        with torch.no_grad():
            teacher = model(batch.ids, positions, visible(Layout(batch.layout.doc, nothing, nothing, nothing)))
    hidden = model(batch.ids, positions, None, attend=banded(batch.layout, window))
    return cross_entropy(hidden, weight, batch.targets, teacher=teacher, trust=trust)[0]


def drawn(names: tuple[str, ...], shares: list[float], rng: np.random.Generator) -> str:
    return names[rng.choice(len(names), p=np.array(shares) / sum(shares))]


class Texts:
    """Batches of text by kind, each kind reading the documents in an order of its own."""

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
        cursors, self.trust, self.farthest, self.farthest_share = cursors or {}, trust, farthest, farthest_share
        self.tokens, self.first, self.window = tokens, first, window
        self.short = Stream(tokens, seed, cursors.get("short"))
        self.long = Stream(tokens, seed + 1, cursors.get("long"))

    def cursors(self) -> dict:
        from dataclasses import asdict

        return {"short": asdict(self.short.at), "long": asdict(self.long.at)}

    def loss(self, model: Llama, kind: str, rows: int, rng: np.random.Generator, where):
        """About `rows` rows of the first window in all, in fewer and longer ones for the long kinds (one at least)."""
        if kind == "short":
            return text_loss(model, self.short.batch(rows, self.first).to(where))
        times = int(2 ** rng.integers(1, int(np.log2(self.window // self.first)) + 1))
        # The longest rows under full attention cost the square of their length, and they are what teaches far positions.
        if rng.random() < (self.farthest_share if kind == "long_full" else self.farthest_share / 4):
            times = self.farthest
        count, length = max(1, rows // times), self.first * times
        if kind == "long_full":
            # File after file, all in sight of each other: single documents would leave distances beyond 2,048 nearly unseen.
            ids, targets = (x.to(where) for x in slices(self.tokens, rng, count, length))
            hidden = model(ids, torch.arange(length, device=where).expand(count, length), None)
            return cross_entropy(hidden, model.model.embed_tokens.weight, targets)[0]
        window = int(rng.choice((64, 96, 128, 160, 160, 192, 256, 512)))
        if length > self.window:
            window = int(rng.choice((256, 512, 704)))
        made = (
            anchored_slices(self.tokens, rng, count, length)
            if rng.random() < 0.4 or length > self.window
            else self.long.batch(count, length // BLOCK * BLOCK, "ansan")
        )
        return text_loss(model, made.to(where), window, self.trust if length <= self.window else 0.0)


def anchored_slices(tokens: Tokens, rng: np.random.Generator, batch: int, length: int) -> Batch:
    """Text as it stands, file after file in sight of each other, behind the sinks and with anchors: [batch, length]."""
    rows = []
    for _ in range(batch):
        start = int(rng.integers(0, max(1, len(tokens.ids) - length)))
        ids = np.asarray(tokens.ids[start : start + length]).astype(np.int64)
        ids = np.insert(ids, tokens.cuts(start, start + len(ids)), ID["anchor"])
        rows.append(np.concatenate([SINK_IDS, ids])[: length + 1])
    flat = torch.from_numpy(np.stack(rows))
    targets = flat[:, 1:].clone()
    targets[targets == ID["anchor"]] = IGNORE
    targets[:, :SINKS] = IGNORE
    return Batch(
        flat[:, :-1].contiguous(), targets, anchored(flat[:, :-1] == ID["anchor"], SINKS), {}, ["ansan"] * batch
    )


def slices(tokens: Tokens, rng: np.random.Generator, batch: int, window: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Text as it stands, file after file, behind the sinks: ids and targets [batch, window]."""
    rows = []
    for _ in range(batch):
        size = window - len(SINK_IDS) + 1
        start = int(rng.integers(0, max(1, len(tokens.ids) - size)))
        rows.append(np.concatenate([SINK_IDS, np.asarray(tokens.ids[start : start + size]).astype(np.int64)]))
    flat = torch.from_numpy(np.stack(rows))
    targets = flat[:, 1:].clone()
    targets[:, : len(SINK_IDS)] = IGNORE
    return flat[:, :-1].contiguous(), targets
