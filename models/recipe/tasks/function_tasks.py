"""Losses of the tasks over a batch of functions."""

from __future__ import annotations

import torch

from recipe.config import ID
from recipe.heads.vectors import Heads, contrast, hidden, padded, vectors
from recipe.model.loss import cross_entropy
from recipe.model.memory_slots import SINKS, MemoryModel, Segment
from recipe.tasks.examples import Lesson, Maker, lesson_targets


class Stage:
    """One loss per task, over a batch of functions."""

    def __init__(self, model: MemoryModel, heads: Heads, maker: Maker, ratios: list[int], commits: list, where):
        self.model, self.heads, self.maker, self.ratios, self.commits, self.where = (
            model,
            heads,
            maker,
            ratios,
            commits,
            where,
        )

    def vectors(self, functions, rng):
        hide = bool(rng.random() < 0.8)  # sometimes the name is there, as it is in the product
        if self.commits and rng.random() < 0.15:
            some = [
                self.commits[i]
                for i in rng.choice(len(self.commits), min(len(self.commits), len(functions)), replace=False)
            ]
            texts, functions = [s for s, _ in some], [f for _, f in some]
            asked = [self.maker.words(s) for s in texts]
        else:
            texts, asked = [f.summary for f in functions], [self.maker.question(f, hide) for f in functions]
        questions = vectors(self.model, self.heads, asked, self.where)
        codes = vectors(self.model, self.heads, [self.maker.code(f, hide) for f in functions], self.where)
        # Two with one text, or one function asked for twice, are no negatives of each other.
        same = [[a == b or f == g for b, g in zip(texts, functions)] for a, f in zip(texts, functions)]
        return contrast(questions, codes, self.heads.temperature, torch.tensor(same, device=self.where))

    def lesson(self, lesson: Lesson):
        ids, _ = padded(lesson.rows, self.where)
        targets = torch.from_numpy(lesson_targets(lesson, SINKS, ids.shape[1])).to(self.where)
        return cross_entropy(hidden(self.model, ids), self.model.base.model.embed_tokens.weight, targets)[0]

    def gist(self, functions, rng):
        return self.lesson(self.maker.gist_lesson(functions))

    def gist_memories(self, functions, rng):
        """From memories alone, one function at a time: segments differ in length, and a slot's place depends on it."""
        ratio, total = int(rng.choice([r for r in self.ratios if r <= 64] or self.ratios)), 0.0
        sinks = self.model.sinks(1, self.where)
        for f in functions:
            code, gist = self.maker.gist(f)
            memories = self.model.encode(Segment(torch.tensor([code], device=self.where)), ratio)
            row = torch.tensor([[ID["gist"], *gist]], device=self.where)
            total = total + self.model.loss(self.model.decode(row[:, :-1], memories, sinks), row[:, 1:])[0] / len(
                functions
            )
        return total

    def chat(self, functions, rng):
        return self.lesson(self.maker.chat_lesson(functions, rng))
