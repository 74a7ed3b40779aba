"""Held-out figures of the tasks stage, each beside its baseline."""

from __future__ import annotations

import numpy as np
import torch

from recipe.config import ID
from recipe.eval.bleu import bleu
from recipe.eval.bm25 import BM25
from recipe.eval.intervals import mean_interval
from recipe.machine import autocast
from recipe.model.kv_rows import Rows
from recipe.model.memory_slots import MemoryModel, Segment
from recipe.tasks.examples import ExampleMaker
from recipe.tasks.functions import Function
from recipe.tokens.words import words


class TaskEvaluation:
    """pool: held-out functions. known: training functions, `size` of which have comments that are the baseline."""

    def __init__(
        self,
        model: MemoryModel,
        examples: ExampleMaker,
        pool: list[Function],
        known: list[Function],
        size: int,
        where,
    ):
        self.model, self.examples, self.where = model.eval(), examples, where
        self.pool = [pool[i] for i in np.random.default_rng(23).permutation(len(pool))]
        self.known = [known[i] for i in np.random.default_rng(24).permutation(len(known))[:size]]

    def gists(self, count: int, ratio: int) -> dict:
        """BLEU of gists from raw rows and from memory tokens, beside the comment of the nearest training function."""
        asked, from_memories = self.pool[:count], f"memories_{ratio}"
        index = BM25([f.code for f in self.known])
        near = [int(index.scores(f.code).argmax()) for f in asked]
        scores: dict[str, list[float]] = {"rows": [], from_memories: [], "nearest": []}
        for f, nearest in zip(asked, near):
            reference, (code, _) = words(f.summary), self.examples.gist(f)
            with torch.no_grad():
                memories = self.model.encode(Segment(torch.tensor([code], device=self.where)), ratio)
            scores["rows"].append(bleu(self._generated([*code, ID["gist"]]), reference))
            scores[from_memories].append(bleu(self._generated([ID["gist"]], memories), reference))
            scores["nearest"].append(bleu(words(self.known[nearest].summary), reference))
        return {name: mean_interval(np.array(values)) for name, values in scores.items()}

    @torch.no_grad()
    def _generated(self, prompt: list[int], memories: Rows | None = None, limit: int = 40) -> list[str]:
        """Words of the greedy continuation up to <|end|>. Each token reads the prompt again: no second code path."""
        found: list[int] = []
        sinks = self.model.sinks(1, self.where)
        while len(found) < limit:
            ids = torch.tensor([prompt + found], device=self.where)
            with autocast(self.where):
                hidden = self.model.decode(ids, memories, sinks)[:, -1]
                token = int(self.model.base.logits(hidden)[0].argmax())
            if token in (ID["end"], ID["eos"]):
                break
            found.append(token)
        return words(self.examples.encode.decode(found))
