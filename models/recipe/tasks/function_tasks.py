"""The tasks over a batch of functions, one loss each: search vectors, gists, grounded answers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recipe.config import ID
from recipe.heads.vectors import VectorHead, contrast, hidden, padded, vectors
from recipe.model.loss import cross_entropy
from recipe.model.memory_slots import SINKS, MemoryModel, Segment
from recipe.tasks.examples import ExampleMaker, Examples
from recipe.tasks.functions import Function

LOW_RATIO = 64  # tokens a memory token, at most, from which gists are written


class FunctionTasks:
    """commits: (subject, changed function) pairs that are further questions."""

    def __init__(
        self, model: MemoryModel, head: VectorHead, examples: ExampleMaker, ratios: list[int], commits: list, where
    ):
        self.model, self.head, self.examples, self.where = model, head, examples, where
        self.ratios = [ratio for ratio in ratios if ratio <= LOW_RATIO] or ratios
        self.commits = commits

    def vectors(self, functions: list[Function], rng: np.random.Generator) -> Tensor:
        """Summaries (or commit subjects) and code find each other."""
        hide = bool(rng.random() < 0.8)  # sometimes the name is there, as it is in the product
        if self.commits and rng.random() < 0.15:
            count = min(len(self.commits), len(functions))
            some = [self.commits[i] for i in rng.choice(len(self.commits), count, replace=False)]
            texts, functions = [subject for subject, _ in some], [f for _, f in some]
            asked = [self.examples.text_question(text) for text in texts]
        else:
            texts, asked = [f.summary for f in functions], [self.examples.question(f, hide) for f in functions]
        questions = vectors(self.model, self.head, asked, self.where)
        codes = vectors(self.model, self.head, [self.examples.code(f, hide) for f in functions], self.where)
        # Two with one text, or one function asked for twice, are no negatives of each other.
        same = [[a == b or f == g for b, g in zip(texts, functions)] for a, f in zip(texts, functions)]
        return contrast(questions, codes, self.head.temperature, torch.tensor(same, device=self.where))

    def gist(self, functions: list[Function], rng: np.random.Generator) -> Tensor:
        """Gists from the code's own rows."""
        return self._predicted(self.examples.gists(functions))

    def gist_memories(self, functions: list[Function], rng: np.random.Generator) -> Tensor:
        """Gists from memory tokens alone. One function at a time: their lengths differ, and so the tokens' places."""
        ratio = int(rng.choice(self.ratios))
        sinks, losses = self.model.sinks(1, self.where), []
        for f in functions:
            code, gist = self.examples.gist(f)
            memories = self.model.encode(Segment(torch.tensor([code], device=self.where)), ratio)
            row = torch.tensor([[ID["gist"], *gist]], device=self.where)
            losses.append(self.model.loss(self.model.decode(row[:, :-1], memories, sinks), row[:, 1:])[0])
        return torch.stack(losses).mean()

    def chat(self, functions: list[Function], rng: np.random.Generator) -> Tensor:
        """Short answers about shown code."""
        return self._predicted(self.examples.chats(functions, rng))

    def _predicted(self, examples: Examples) -> Tensor:
        ids, _ = padded(examples.rows, self.where)
        targets = torch.from_numpy(examples.targets(SINKS, ids.shape[1])).to(self.where)
        return cross_entropy(hidden(self.model, ids), self.model.base.model.embed_tokens.weight, targets)[0]
