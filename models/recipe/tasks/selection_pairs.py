"""Pairs of question and text for the selection stage."""

from __future__ import annotations

import numpy as np

from recipe.config import ID
from recipe.tasks.attention_selection import CONTINUED, NEXT
from recipe.tasks.examples import Maker
from recipe.tasks.functions import Draw
from recipe.tokens.store import Tokens

TOGETHER = 16  # functions of one repository that come one after the other: each other's hard negatives


class Pairs:
    """What is asked, what answers it, and what tells the texts apart, in an order in which neighbours are of one repository."""

    def __init__(self, maker: Maker, draw: Draw, tokens: Tokens, longest: int):
        self.maker, self.draw, self.tokens, self.longest = maker, draw, tokens, longest

    def make(self, count: int, rng: np.random.Generator) -> tuple[list[list[int]], list[list[int]], list[str]]:
        continued = int(CONTINUED * count)
        parts = self.functions(count - continued, rng), self.continued(continued, rng)
        return tuple(a + b for a, b in zip(*parts))  # type: ignore[return-value]

    def functions(self, count: int, rng: np.random.Generator) -> tuple[list[list[int]], list[list[int]], list[str]]:
        asked, texts, said, seen = [], [], [], set()
        for step in range(count):  # a batch finds one new function at least, unless there are none left
            for f in self.draw.batch(step, min(count, 256), TOGETHER):
                if f in seen or len(asked) == count:
                    continue
                seen.add(f)
                hide = bool(rng.random() < 0.5)
                asked.append(self.maker.question(f, hide))
                texts.append(self.maker.code(f, hide))
                said.append(f.summary)
            if len(asked) == count:
                break
        return asked, texts, said

    def continued(self, count: int, rng: np.random.Generator) -> tuple[list[list[int]], list[list[int]], list[str]]:
        asked, texts = [], []
        for _ in range(count):
            length, following = int(rng.integers(32, self.longest + 1)), int(rng.integers(8, NEXT + 1))
            start = int(rng.integers(0, len(self.tokens.ids) - length - following))
            ids = np.asarray(self.tokens.ids[start : start + length + following]).astype(np.int64).tolist()
            asked.append([ID["query"], *ids[length:]])
            texts.append(ids[:length])
        return asked, texts, [f"\n{i}" for i in range(count)]
