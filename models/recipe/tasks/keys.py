"""Texts with random keys to be copied: lines such as `retryLimit = "q7hZ2"` whose value nothing predicts."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from recipe.config import ID
from recipe.model.loss import IGNORE
from recipe.tokens.encoder import Encoder
from recipe.tokens.store import Tokens

# Kinds of values: digits, a name as it stands in code, random word pieces, pieces and digits.
KINDS = ("number", "identifier", "pieces", "mixed")
KIND_SHARES = (0.35, 0.47, 0.10, 0.08)
NAMES = re.compile(
    r"(?<![A-Za-z0-9_])(?:[a-z]+(?:[A-Z][a-z]+)+|[a-z]+(?:_[a-z]+)+|(?:[A-Z][a-z]+){2,})(?![A-Za-z0-9_])"
)


class Recall(NamedTuple):
    """Segments that hold what is asked for. Only the answers have targets."""

    segments: Tensor  # [B, count, n]
    question: Tensor  # [B, q], padded at the end
    targets: Tensor  # [B, q]

    @staticmethod
    def of(segments: list[np.ndarray], questions: list[list[int]], targets: list[list[int]]) -> "Recall":
        longest = max(len(question) for question in questions)
        for question, target in zip(questions, targets):
            target += [IGNORE] * (longest - len(target))
            question += [ID["pad"]] * (longest - len(question))
        return Recall(*(torch.from_numpy(np.array(part)) for part in (np.stack(segments), questions, targets)))

    def to(self, where) -> "Recall":
        return Recall(*(part.to(where) for part in self))


class KeyMaker:
    """A name has one to three word pieces. The value has one of KINDS."""

    def __init__(self, encode: Encoder, value_tokens: int = 6):
        vocabulary = [encode.decode([i]) for i in range(encode.vocab)]
        ordinary = [(i, text) for i, text in enumerate(vocabulary) if i >= len(ID) and text.isascii()]
        self.words = np.array([i for i, text in ordinary if text.isalpha()])
        self.starts = np.array([i for i in self.words if len(vocabulary[i]) >= 3] or self.words.tolist())
        self.digits = np.array([i for i, text in ordinary if len(text) == 1 and text.isdigit()])
        self.line, self.equals, self.end = encode("\n"), encode(' = "'), encode('"')
        self.value_tokens, self.encode = value_tokens, encode
        self.identifiers: list[list[int]] = []

    def read_identifiers(self, tokens: Tokens, windows: int = 600, most: int = 4) -> None:
        """Collects names of several words from random places of the text: values of the kind "identifier".

        windows: places of 512 tokens each. most: tokens of a name, at most.
        """
        rng, found = np.random.default_rng(31), set()
        for start in rng.integers(0, max(1, len(tokens.ids) - 512), windows):
            found.update(NAMES.findall(self.encode.decode(tokens.text(start, 512).tolist())))
        encoded = (self.encode(name) for name in sorted(found))
        self.identifiers = [ids for ids in encoded if len(ids) <= most]

    def single(self, tokens: Tokens, rng: np.random.Generator, batch: int, count: int, length: int) -> Recall:
        """One key a text, in one of `count` segments of `length` tokens."""
        segments, questions, targets = [], [], []
        for _ in range(batch):
            ids = tokens.text(tokens.place(rng, count * length), count * length)
            name = rng.choice(self.starts, 2).tolist()
            value = self._pieces(rng, self.value_tokens, 0.5)
            line = self._line(name, value)
            at = int(rng.integers(0, count)) * length + int(rng.integers(0, length - len(line)))
            ids[at : at + len(line)] = line
            question, target = self._asked(name, value)
            segments.append(ids.reshape(count, length))
            questions.append(question)
            targets.append(target)
        return Recall.of(segments, questions, targets)

    def batch(
        self,
        tokens: Tokens,
        rng: np.random.Generator,
        batch: int,
        count: int,
        length: int,
        lines: int,
        value_tokens: int,
        kind: str | None = None,
    ) -> Recall:
        """`lines` keys a text, asked for one after another in any order. kind: of all values; None draws one a line."""
        segments, questions, targets = [], [], []
        for _ in range(batch):
            ids = tokens.text(tokens.place(rng, count * length), count * length)
            keys: list[tuple[list[int], list[int]]] = []
            room = length * count // lines  # each line lies in a stretch of its own
            for i in range(lines):
                name = rng.choice(self.starts, int(rng.integers(1, 4))).tolist()
                value = self.value(rng, kind or str(rng.choice(KINDS, p=KIND_SHARES)), value_tokens)
                line = self._line(name, value)
                at = i * room + int(rng.integers(0, max(1, room - len(line) + 1)))
                ids[at : at + len(line)] = line[: len(ids) - at]
                keys.append((name, value))
            question, target = [], []
            for i in rng.permutation(lines):
                asked, wanted = self._asked(*keys[i])
                question += asked
                target += wanted
            segments.append(ids.reshape(count, length))
            questions.append(question)
            targets.append(target)
        return Recall.of(segments, questions, targets)

    def value(self, rng: np.random.Generator, kind: str, size: int) -> list[int]:
        """A value of `size` tokens. An identifier has its own length; where none were read it is word pieces."""
        if kind == "identifier" and self.identifiers:
            return list(self.identifiers[int(rng.integers(0, len(self.identifiers)))])
        return self._pieces(rng, size, {"number": 1.0, "mixed": 0.5}.get(kind, 0.0))

    def _pieces(self, rng: np.random.Generator, size: int, digits: float) -> list[int]:
        """Word pieces, each a digit instead with the chance `digits`."""
        chosen = rng.random(size) < digits
        return np.where(chosen, rng.choice(self.digits, size), rng.choice(self.words, size)).tolist()

    def _line(self, name: list[int], value: list[int]) -> list[int]:
        return [*self.line, *name, *self.equals, *value, *self.end, *self.line]

    def _asked(self, name: list[int], value: list[int]) -> tuple[list[int], list[int]]:
        """The question with its value, and targets that ask for the value only."""
        question = [ID["query"], *name, *self.equals]
        return question + value, [IGNORE] * (len(question) - 1) + value + [IGNORE]
