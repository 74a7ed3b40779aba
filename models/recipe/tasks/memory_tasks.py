"""Lessons of the joint stage that read memories beside raw rows: going on after a long past, saying keys again, and finding needles."""

from __future__ import annotations

import numpy as np
import torch

from recipe.config import SINK_IDS
from recipe.model.kv_rows import Rows
from recipe.model.memory_slots import MemoryModel
from recipe.tasks.chains import past_and_tail
from recipe.tasks.keys import KeyMaker
from recipe.tasks.needles import NeedleMaker
from recipe.tokens.store import Tokens


class MemoryLessons:
    """One loss a lesson; `rows` is about how many rows one may cost. model: slots beside, for the lowest ratio; sparse: in place, for the others."""

    def __init__(
        self,
        model: MemoryModel,
        sparse: MemoryModel,
        tokens: Tokens,
        keys: KeyMaker,
        ratios: list[int],
        length: int,
        where,
    ):
        self.model, self.sparse, self.tokens, self.keys, self.ratios, self.length, self.where = (
            model,
            sparse,
            tokens,
            keys,
            ratios,
            length,
            where,
        )
        self.needles = NeedleMaker(keys)

    def past(self, rng: np.random.Generator, rows: int):
        """Raw rows after memories of up to 15 segments before them: wherever a row stands, the latest rows are raw and the far ones memories."""
        ratio = int(rng.choice(self.ratios, p=self._chances()))
        count, tail = int(rng.integers(1, 16)), int(rng.choice((rows // 16, rows // 8, rows // 4)))
        if ratio < 32:
            count = min(count, 4)
        batch = max(1, rows // (count * self.length // 3 + tail))
        past, ids, targets = past_and_tail(self.tokens, rng, batch, count, self.length, tail, fresh=0.7)
        slots = self.model if ratio == min(self.ratios) else self.sparse
        memories = slots.encode_all(past.to(self.where), ratio)
        hidden = self.model.decode(ids.to(self.where), memories, self.model.sinks(batch, self.where))
        return self.model.loss(hidden, targets.to(self.where))[0]

    def _chances(self) -> list[float]:
        """Mostly the ratio in the middle, which a context is made of."""
        middle = sorted(self.ratios)[(len(self.ratios) - 1) // 2]
        return (
            [0.7 if r == middle else 0.3 / max(1, len(self.ratios) - 1) for r in self.ratios]
            if len(self.ratios) > 1
            else [1.0]
        )

    def copy_raw(self, rng: np.random.Generator, rows: int):
        """Keys from raw rows: what nobody can read there nobody reads from memories."""
        length = int(rng.choice((64, 128, 256)))
        made = self._keys(rng, max(1, rows // (length + 30)), 1, length, max(1, length // 32), int(rng.integers(2, 7)))
        ids = torch.cat(
            [torch.tensor(SINK_IDS, device=self.where).expand(len(made[0]), -1), made[0].flatten(1), made[1]], 1
        )
        positions = torch.arange(ids.shape[1], device=self.where).expand(ids.shape)
        hidden = self.model.base(ids, positions, None)[:, -made[1].shape[1] :]
        return self.model.loss(hidden, made[2])[0]

    def _keys(self, rng, batch: int, count: int, length: int, lines: int, value_tokens: int):
        made = self.keys.lesson(self.tokens, rng, batch, count, length, lines, value_tokens)
        return [x.to(self.where) for x in made]

    def repeat(self, rng: np.random.Generator, rows: int):
        """The text again from its memories."""
        length = int(rng.choice((32, 64)))
        ids = past_and_tail(self.tokens, rng, max(1, rows // (2 * length)), 1, length, 1)[0][:, 0].to(self.where)
        memories = self.model.encode_all(ids[:, None], min(self.ratios), through=True)
        hidden = self.model.decode(ids[:, :-1], memories, self.model.sinks(len(ids), self.where), repeat=True)
        return self.model.loss(hidden, ids)[0]

    def copy(self, rng: np.random.Generator, rows: int):
        """Keys from memories alone; short ones are among them, with which a slot learns to hold anything."""
        length, ratio = int(rng.choice((32, 64, 64, 128))), min(self.ratios)
        lines = max(1, length // int(rng.choice((20, 32))))
        made = self._keys(
            rng, max(1, rows // (length + 12 * lines)), 1, length, lines, int(rng.choice((1, 2, 2, 3, 3, 4, 5, 5, 6)))
        )
        memories = self.model.encode_all(made[0], ratio, through=True)
        hidden = self.model.decode(made[1], memories, self.model.sinks(len(made[0]), self.where))
        return self.model.loss(hidden, made[2])[0]

    def needle(self, rng: np.random.Generator, rows: int):
        """A question about one or a few of several segments of which 8x memories stand there."""
        segments, question, targets = self._needles(rng, rows)
        memories = self.model.encode_all(segments, min(self.ratios), through=True)
        before = self._before(rng, len(segments))
        memories = Rows.cat([before, memories]) if before else memories
        return self.model.loss(
            self.model.decode(question, memories, self.model.sinks(len(question), self.where)), targets
        )[0]

    def needle_raw(self, rng: np.random.Generator, rows: int):
        """The same questions about the segments' own rows: of one text, or each read alone and put side by side, as a context holds them."""
        segments, question, targets = self._needles(rng, rows)
        before, sinks = self._before(rng, len(segments)), self.model.sinks(len(segments), self.where)
        if rng.random() < 0.4:
            hidden = self.model.decode(torch.cat([segments.flatten(1), question], 1), before, sinks)[
                :, -question.shape[1] :
            ]
        else:
            raw = self.model.read_all(segments, through=True)
            hidden = self.model.decode(question, Rows.cat([before, raw]) if before else raw, sinks)
        return self.model.loss(hidden, targets)[0]

    def _before(self, rng: np.random.Generator, batch: int) -> Rows | None:
        """Half the time coarser rows of other text, the same for the whole batch, behind which the segments stand."""
        if rng.random() < 0.5:
            return None
        with torch.no_grad():
            sparse = self.sparse.encode_all(
                self.tokens_before(rng, int(rng.integers(1, 13))),
                int(rng.choice([r for r in self.ratios if r > min(self.ratios)] or self.ratios)),
            )
        return Rows(*([x.expand(batch, *x.shape[1:]) for x in part] for part in sparse))

    def _needles(self, rng: np.random.Generator, rows: int):
        """Mostly short texts and a question for every line: what is to be learnt is finding, and each answer teaches it once."""
        count = int(rng.choice((1, 1, 1, 2, 3, 4)))
        length = int(rng.choice((48, 64, 64, 96, 128, 256, 512) if count < 3 else (48, 64, 64, 128)))
        lines = int(rng.integers(1, min(8, length * count // 24) + 1))
        turns = lines if rng.random() < 0.85 else 1
        made = self.needles.lesson(
            self.tokens,
            rng,
            max(2, rows // (length * count + 30 * turns)),
            count,
            length,
            lines,
            several=0.2,
            turns=turns,
        )
        return [x.to(self.where) for x in made]

    def tokens_before(self, rng: np.random.Generator, count: int):
        """Any text, [1, count, length]."""
        return past_and_tail(self.tokens, rng, 1, count, self.length, 1)[0].to(self.where)
