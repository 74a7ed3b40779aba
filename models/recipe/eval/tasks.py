"""Held-out figures of the tasks stage, each beside its baseline."""

from __future__ import annotations

import numpy as np
import torch

from recipe.config import ID
from recipe.eval.bleu import bleu
from recipe.eval.bm25 import BM25
from recipe.eval.intervals import mean_interval
from recipe.eval.ranks import fused, reciprocal_ranks
from recipe.heads.vectors import VectorHead, vectors
from recipe.machine import autocast
from recipe.model.kv_rows import Rows
from recipe.model.memory_slots import MemoryModel, Segment
from recipe.tasks.examples import ExampleMaker
from recipe.tasks.functions import Function
from recipe.tokens.words import words


class TaskEvaluation:
    """pool: held-out functions that are searched. known: training functions, whose comments are a baseline of gists."""

    def __init__(
        self,
        model: MemoryModel,
        head: VectorHead,
        examples: ExampleMaker,
        pool: list[Function],
        known: list[Function],
        size: int,
        where,
    ):
        self.model, self.head, self.examples, self.where = model.eval(), head.eval(), examples, where
        self.pool = [pool[i] for i in np.random.default_rng(23).permutation(len(pool))[:size]]
        self.known = [known[i] for i in np.random.default_rng(24).permutation(len(known))[:size]]

    def report(self, questions: int, ratio: int) -> dict:
        """Search by `questions` summaries, and gists of a tenth as many functions; `ratio` of the memory tokens."""
        return {"search": self.search(questions), "gist": self.gists(max(4, questions // 10), ratio)}

    def search(self, questions: int) -> dict:
        """MRR of summaries over the pool, names hidden: of the vectors, of BM25 and of the fusion of both."""
        asked = self.pool[:questions]
        of_questions = self._vectors([self.examples.question(f) for f in asked])
        learned = of_questions @ self._vectors([self.examples.code(f, hide=True) for f in self.pool]).T
        index = BM25([f.hidden(f.code) for f in self.pool])
        lexical = np.stack([index.scores(f.hidden(f.summary)) for f in asked])
        tables = {"mrr": learned, "mrr_bm25": lexical, "mrr_fused": fused(learned, lexical)}
        figures = {name: mean_interval(reciprocal_ranks(t, np.arange(len(asked)))) for name, t in tables.items()}
        return {"pool": len(self.pool), "questions": len(asked), **figures}

    def gists(self, count: int, ratio: int) -> dict:
        """BLEU of gists from raw rows and from memory tokens, beside the comment of the nearest training function."""
        asked, from_memories = self.pool[:count], f"memories_{ratio}"
        codes = self._vectors([self.examples.code(f, hide=False) for f in asked])
        near = (codes @ self._vectors([self.examples.code(f, hide=False) for f in self.known]).T).argmax(1)
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
    def _vectors(self, rows: list[list[int]], batch: int = 64) -> np.ndarray:
        """Vectors of many texts, in order. Texts of like length are read together."""
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        found = np.zeros((len(rows), self.head.vector.out_features), np.float32)
        for start in range(0, len(order), batch):
            some = order[start : start + batch]
            with autocast(self.where):
                made = vectors(self.model, self.head, [rows[i] for i in some], self.where)
            found[some] = made.float().cpu().numpy()
        return found

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
