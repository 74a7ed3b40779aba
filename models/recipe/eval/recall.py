"""How much of a text is read back from its memory tokens: the text itself, random keys, needles."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recipe.eval.intervals import mean_interval
from recipe.machine import autocast
from recipe.model.loss import IGNORE
from recipe.model.memory_slots import MemoryModel, Segment
from recipe.tasks.chains import chain
from recipe.tasks.keys import KeyMaker, Recall
from recipe.tasks.needles import NeedleMaker
from recipe.tokens.store import Tokens

# Values asked for: kind (recipe.tasks.keys.KINDS) and tokens. Identifiers of the held-out text have one to four.
KEYS = {
    "number_3": ("number", 3),
    "number_5": ("number", 5),
    "identifier": ("identifier", 0),
    "pieces_1": ("pieces", 1),
    "pieces_2": ("pieces", 2),
    "mixed_6": ("mixed", 6),
}
BATCH = 8


class RecallEvaluation:
    """At ratio 1 the segments' raw rows stand in place of memory tokens."""

    def __init__(self, model: MemoryModel, tokens: Tokens, keys: KeyMaker, where):
        self.model, self.tokens, self.keys, self.where = model, tokens, keys, where

    @torch.no_grad()
    def repeat(self, ratio: int, length: int, count: int) -> float:
        """Share of a segment's tokens that are the first choice, given its memory tokens and the tokens before."""
        model = self.model
        ids = chain(self.tokens, np.random.default_rng(9), count, 1, length, False).ids[:, 0].to(self.where)
        with autocast(self.where):
            memories, sinks = model.encode(Segment(ids), ratio), model.sinks(count, self.where)
            hidden = model.decode(ids[:, :-1], memories, sinks, repeat=True)
            return float((model.base.logits(hidden).argmax(-1) == ids).float().mean())

    def keys_read(self, ratio: int, length: int, count: int, segments: int = 2) -> dict:
        """By kind of key, the share of values whose every token is the first choice, and the share of such tokens.

        The value stands once in `segments` segments of text. Identifiers are left out where the text has none.
        """
        report = {}
        for name, (kind, size) in KEYS.items():
            if kind == "identifier" and not self.keys.identifiers:
                continue
            exact, single, rng = [], [], np.random.default_rng(10)
            for _ in range(max(1, count // BATCH)):
                made = self.keys.batch(self.tokens, rng, BATCH, segments, length, 1, size, kind).to(self.where)
                asked, found = self._answered(made, ratio)
                exact += found.all(1).tolist()
                single += found[asked].tolist()
            report[name] = {"exact": mean_interval(np.array(exact, float)), "tokens": float(np.mean(single))}
        return report

    def needles_found(self, ratio: int, length: int, count: int, segments: int) -> dict:
        """Share of questions whose whole answer is the first choice. A segment has two look-alike lines."""
        exact, rng, needles = [], np.random.default_rng(11), NeedleMaker(self.keys)
        for _ in range(max(1, count // BATCH)):
            made = needles.batch(self.tokens, rng, BATCH, segments, length, 2 * segments, several=0.0).to(self.where)
            exact += self._answered(made, ratio)[1].all(1).tolist()
        return {"exact": mean_interval(np.array(exact, float)), "questions": len(exact)}

    @torch.no_grad()
    def _answered(self, made: Recall, ratio: int) -> tuple[Tensor, Tensor]:
        """bool [B, q] both: which tokens are asked for, and whether each is the first choice or not asked for."""
        model, question = self.model, made.question
        with autocast(self.where):
            sinks = model.sinks(len(question), self.where)
            if ratio > 1:
                hidden = model.decode(question, model.encode_all(made.segments, ratio), sinks)
            else:
                ids = torch.cat([made.segments.flatten(1), question], 1)
                hidden = model.decode(ids, None, sinks)[:, -question.shape[1] :]
            choice = model.base.logits(hidden).argmax(-1)
        asked = made.targets != IGNORE
        return asked, (choice == made.targets) | ~asked
