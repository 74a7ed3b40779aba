"""Pairs of a question and the text that answers it. The other texts of a batch are what it must not select.

Pairs are of two kinds: a function and what its comment says of it, and a text and what follows it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recipe.config import ID
from recipe.tasks.examples import ExampleMaker
from recipe.tasks.functions import FunctionSampler
from recipe.tokens.store import Tokens

CONTINUED = 0.4  # share of pairs of a text and what follows it
NEXT = 48  # tokens of what follows, at most
TOGETHER = 16  # functions of one repository in a row: each other's hard negatives


class QuestionPairs(NamedTuple):
    questions: list[list[int]]
    texts: list[list[int]]
    labels: list[str]  # two texts with one label answer the same question

    def __add__(self, other: "QuestionPairs") -> "QuestionPairs":  # type: ignore[override]
        return QuestionPairs(*(a + b for a, b in zip(tuple(self), tuple(other))))


class PairMaker:
    def __init__(self, examples: ExampleMaker, sampler: FunctionSampler, tokens: Tokens):
        self.examples, self.sampler, self.tokens = examples, sampler, tokens

    def mixed(self, count: int, longest: int, rng: np.random.Generator) -> QuestionPairs:
        """`count` pairs of both kinds, in an order in which neighbours are of one repository."""
        continued = int(CONTINUED * count)
        functions = self._different_functions(count - continued, rng)
        lengths = [(int(rng.integers(32, longest + 1)), int(rng.integers(8, NEXT + 1))) for _ in range(continued)]
        return functions + self._continued(lengths, rng)

    def of_length(self, step: int, count: int, length: int, rng: np.random.Generator) -> QuestionPairs:
        """Up to `count` pairs of one kind whose texts all have `length` tokens."""
        if rng.random() >= CONTINUED:
            found = self._functions_of_length(step, count, length, rng)
            if len(found.questions) > 1:
                return found
        return self._continued([(length, NEXT)] * count, rng)

    def _different_functions(self, count: int, rng: np.random.Generator) -> QuestionPairs:
        pairs, seen = QuestionPairs([], [], []), set()
        for step in range(count):  # a batch finds one new function at least, unless there are none left
            for f in self.sampler.batch(step, min(count, 256), TOGETHER):
                if f in seen or len(pairs.questions) == count:
                    continue
                seen.add(f)
                hide = bool(rng.random() < 0.5)
                pairs.questions.append(self.examples.question(f, hide))
                pairs.texts.append(self.examples.code(f, hide))
                pairs.labels.append(f.summary)
            if len(pairs.questions) == count:
                break
        return pairs

    def _functions_of_length(self, step: int, count: int, length: int, rng: np.random.Generator) -> QuestionPairs:
        """Short functions are left out: memory tokens stand at the same places in all texts of a batch."""
        hide, pairs = bool(rng.random() < 0.5), QuestionPairs([], [], [])
        for f in self.sampler.batch(step, 3 * count):
            code = self.examples.code(f, hide)
            if len(code) >= length and len(pairs.questions) < count:
                pairs.questions.append(self.examples.question(f, hide))
                pairs.texts.append(code[:length])
                pairs.labels.append(f.summary)
        return pairs

    def _continued(self, lengths: list[tuple[int, int]], rng: np.random.Generator) -> QuestionPairs:
        """Texts from random places. lengths: tokens of each text and of what follows it."""
        pairs = QuestionPairs([], [], [])
        for number, (length, following) in enumerate(lengths):
            start = int(rng.integers(0, len(self.tokens.ids) - length - following))
            ids = np.asarray(self.tokens.ids[start : start + length + following]).astype(np.int64).tolist()
            pairs.questions.append([ID["query"], *ids[length:]])
            pairs.texts.append(ids[:length])
            pairs.labels.append(f"\n{number}")  # no summary begins with a line break
        return pairs
