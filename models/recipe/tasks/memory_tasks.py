"""Tasks of the joint stage that read memory tokens beside raw rows: going on after a long past, keys, needles."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recipe.config import SINK_IDS
from recipe.model.kv_rows import Rows
from recipe.model.memory_slots import MemoryModel
from recipe.tasks.chains import past_and_tail
from recipe.tasks.keys import KeyMaker, Recall
from recipe.tasks.needles import NeedleMaker
from recipe.tokens.store import Tokens

SEGMENTS = 15  # segments of the past, at most


class MemoryTasks:
    """One loss a task; `rows` is about how many rows one may cost.

    appended makes memory tokens of the lowest ratio, in_place those of the others. segment: rows of a segment of the past.
    """

    def __init__(
        self,
        appended: MemoryModel,
        in_place: MemoryModel,
        tokens: Tokens,
        keys: KeyMaker,
        ratios: list[int],
        segment: int,
        where,
    ):
        self.appended, self.in_place, self.tokens, self.where = appended, in_place, tokens, where
        self.ratios, self.segment = ratios, segment
        self.keys, self.needles = keys, NeedleMaker(keys)
        self.lowest = min(ratios)
        self.higher = [ratio for ratio in ratios if ratio > self.lowest] or ratios

    def past(self, rng: np.random.Generator, rows: int) -> Tensor:
        """Raw rows after the memory tokens of up to SEGMENTS segments: far rows are memory tokens, the latest raw."""
        ratio = int(rng.choice(self.ratios, p=self._chances()))
        count = int(rng.integers(1, SEGMENTS + 1))
        tail = int(rng.choice((rows // 16, rows // 8, rows // 4)))
        if ratio < 32:
            count = min(count, 4)
        batch = max(1, rows // (count * self.segment // 3 + tail))
        past, ids, targets = past_and_tail(self.tokens, rng, batch, count, self.segment, tail, fresh=0.7)
        encoder = self.appended if ratio == self.lowest else self.in_place
        memories = encoder.encode_all(past.to(self.where), ratio)
        return self._loss(ids.to(self.where), memories, targets.to(self.where))

    def _chances(self) -> list[float]:
        """Mostly the ratio in the middle, which contexts are made of."""
        if len(self.ratios) == 1:
            return [1.0]
        middle = sorted(self.ratios)[(len(self.ratios) - 1) // 2]
        return [0.7 if ratio == middle else 0.3 / (len(self.ratios) - 1) for ratio in self.ratios]

    def copy_raw(self, rng: np.random.Generator, rows: int) -> Tensor:
        """Keys from raw rows. A key that is not read there is never read from memory tokens."""
        length = int(rng.choice((64, 128, 256)))
        batch, value_tokens = max(1, rows // (length + 30)), int(rng.integers(2, 7))
        made = self.keys.batch(self.tokens, rng, batch, 1, length, max(1, length // 32), value_tokens).to(self.where)
        sinks = torch.tensor(SINK_IDS, device=self.where).expand(batch, -1)
        ids = torch.cat([sinks, made.segments.flatten(1), made.question], 1)
        positions = torch.arange(ids.shape[1], device=self.where).expand(ids.shape)
        hidden = self.appended.base(ids, positions, None)[:, -made.question.shape[1] :]
        return self.appended.loss(hidden, made.targets)[0]

    def repeat(self, rng: np.random.Generator, rows: int) -> Tensor:
        """The text again from its memory tokens."""
        length = int(rng.choice((32, 64)))
        ids = past_and_tail(self.tokens, rng, max(1, rows // (2 * length)), 1, length, 1)[0][:, 0].to(self.where)
        memories = self.appended.encode_all(ids[:, None], self.lowest, through=True)
        hidden = self.appended.decode(ids[:, :-1], memories, self.appended.sinks(len(ids), self.where), repeat=True)
        return self.appended.loss(hidden, ids)[0]

    def copy(self, rng: np.random.Generator, rows: int) -> Tensor:
        """Keys from memory tokens alone. Short values are among them, with which a memory token learns to hold anything."""
        length = int(rng.choice((32, 64, 64, 128)))
        lines = max(1, length // int(rng.choice((20, 32))))
        batch, value_tokens = max(1, rows // (length + 12 * lines)), int(rng.choice((1, 2, 2, 3, 3, 4, 5, 5, 6)))
        made = self.keys.batch(self.tokens, rng, batch, 1, length, lines, value_tokens).to(self.where)
        memories = self.appended.encode_all(made.segments, self.lowest, through=True)
        return self._loss(made.question, memories, made.targets)

    def needle(self, rng: np.random.Generator, rows: int) -> Tensor:
        """Questions about one or a few of several segments, from their memory tokens of the lowest ratio."""
        made = self._needles(rng, rows)
        memories = self.appended.encode_all(made.segments, self.lowest, through=True)
        return self._loss(made.question, self._behind_other_text(rng, memories), made.targets)

    def needle_raw(self, rng: np.random.Generator, rows: int) -> Tensor:
        """The same questions about raw rows: of one text, or of segments read alone and put side by side."""
        made = self._needles(rng, rows)
        if rng.random() < 0.4:
            ids = torch.cat([made.segments.flatten(1), made.question], 1)
            return self._loss(ids, self._behind_other_text(rng, None, len(ids)), made.targets)
        raw = self.appended.read_all(made.segments, through=True)
        return self._loss(made.question, self._behind_other_text(rng, raw), made.targets)

    def _loss(self, ids: Tensor, memories: Rows | None, targets: Tensor) -> Tensor:
        """Loss of the last rows of `ids`, one per target, behind the sinks and the memory rows."""
        hidden = self.appended.decode(ids, memories, self.appended.sinks(len(ids), self.where))
        return self.appended.loss(hidden[:, -targets.shape[1] :], targets)[0]

    def _behind_other_text(self, rng: np.random.Generator, rows: Rows | None, batch: int = 0) -> Rows | None:
        """`rows`, half the time behind memory tokens in place of other text, which are the same for the whole batch."""
        if rng.random() < 0.5:
            return rows
        text = past_and_tail(self.tokens, rng, 1, int(rng.integers(1, 13)), self.segment, 1)[0].to(self.where)
        with torch.no_grad():
            other = self.in_place.encode_all(text, int(rng.choice(self.higher)))
        size = rows.keys[0].shape[0] if rows else batch
        other = Rows(*([x.expand(size, *x.shape[1:]) for x in part] for part in other))
        return Rows.cat([other, rows]) if rows else other

    def _needles(self, rng: np.random.Generator, rows: int) -> Recall:
        """Mostly short texts and a question for every line: each answer teaches finding once."""
        count = int(rng.choice((1, 1, 1, 2, 3, 4)))
        length = int(rng.choice((48, 64, 64, 96, 128, 256, 512) if count < 3 else (48, 64, 64, 128)))
        lines = int(rng.integers(1, min(8, length * count // 24) + 1))
        turns = lines if rng.random() < 0.85 else 1
        batch = max(2, rows // (length * count + 30 * turns))
        made = self.needles.batch(self.tokens, rng, batch, count, length, lines, several=0.2, turns=turns)
        return made.to(self.where)
