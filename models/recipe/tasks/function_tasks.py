"""The tasks over a batch of functions, one loss each: gists and grounded answers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recipe.config import ID, SINK_IDS
from recipe.model.loss import cross_entropy
from recipe.model.memory_slots import SINKS, MemoryModel, Segment
from recipe.tasks.examples import ExampleMaker, Examples
from recipe.tasks.functions import Function

LOW_RATIO = 64  # tokens a memory token, at most, from which gists are written


class FunctionTasks:
    def __init__(self, model: MemoryModel, examples: ExampleMaker, ratios: list[int], where):
        self.model, self.examples, self.where = model, examples, where
        self.ratios = [ratio for ratio in ratios if ratio <= LOW_RATIO] or ratios

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
        ids = padded(examples.rows).to(self.where)
        targets = torch.from_numpy(examples.targets(SINKS, ids.shape[1])).to(self.where)
        positions = torch.arange(ids.shape[1], device=self.where).expand(ids.shape)
        hidden = self.model.base(ids, positions, None)  # padding comes after everything that is read
        return cross_entropy(hidden, self.model.base.model.embed_tokens.weight, targets)[0]


def padded(rows: list[list[int]]) -> Tensor:
    """Token ids [B, T] behind the sinks, padded at the end."""
    ids = torch.full((len(rows), max(map(len, rows)) + SINKS), ID["pad"], dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : SINKS + len(row)] = torch.tensor([*SINK_IDS, *row])
    return ids
